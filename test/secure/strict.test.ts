/** Where the three libraries disagree (docs/protocol.md section 2), ours refuses with either backend. */
import { createPublicKey, verify as nodeVerify } from 'node:crypto';
import nacl from 'tweetnacl';
import { describe, expect, test } from 'vitest';
import {
  createCrypto,
  secretbox,
  SigningKey,
  verifyStrict,
  curve25519,
  x25519,
} from '../../src/secure/index.ts';
import { x25519KeyPair } from '../../src/secure/index.ts';
import { concat, fromHex, toHex, utf8 } from '../../src/wire/index.ts';
import { seededRandom } from './fixture.ts';

const key = new SigningKey(seededRandom('signer')(32));
const message = utf8('message');
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

function littleEndian(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0')).reverse();
}

function toInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(new Uint8Array(bytes).reverse())}`);
}

function looseVerify(publicKey: Uint8Array, signature: Uint8Array): boolean {
  const der = Buffer.from(concat(fromHex('302a300506032b6570032100'), publicKey));
  return nodeVerify(
    null,
    message,
    createPublicKey({ key: der, format: 'der', type: 'spki' }),
    signature,
  );
}

describe('Ed25519', () => {
  test('RFC 8032 test 2', () => {
    const seed = fromHex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
    const signer = new SigningKey(seed);
    expect(toHex(signer.publicKey)).toBe(
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    );
    const signature = signer.sign(Uint8Array.of(0x72));
    expect(toHex(signature)).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
    expect(verifyStrict(signer.publicKey, Uint8Array.of(0x72), signature)).toBe(true);
  });

  test('a signature holds for its message and key only', () => {
    const signature = key.sign(message);
    expect(verifyStrict(key.publicKey, message, signature)).toBe(true);
    expect(verifyStrict(key.publicKey, utf8('another'), signature)).toBe(false);
    expect(verifyStrict(new SigningKey(seededRandom('x')(32)).publicKey, message, signature)).toBe(
      false,
    );
    for (let i = 0; i < 64; i++) {
      const changed = new Uint8Array(signature);
      changed[i] = changed[i]! ^ 1;
      expect(verifyStrict(key.publicKey, message, changed)).toBe(false);
    }
  });

  test('S + L signs the same message again for tweetnacl, not for ours', () => {
    const signature = key.sign(message);
    const s = toInt(signature.subarray(32));
    const again = concat(signature.subarray(0, 32), littleEndian(s + ORDER));
    expect(nacl.sign.detached.verify(message, again, key.publicKey)).toBe(true);
    expect(verifyStrict(key.publicKey, message, again)).toBe(false);
    expect(
      verifyStrict(key.publicKey, message, concat(signature.subarray(0, 32), littleEndian(ORDER))),
    ).toBe(false);
  });

  const small = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  ];
  const nonCanonical = [
    '0100000000000000000000000000000000000000000000000000000000000080',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ];

  test('under the key 1 (the identity) OpenSSL 3.0 takes one signature for every message; ours does not', () => {
    const identity = fromHex(small[2]!);
    const forged = concat(identity, new Uint8Array(32));
    // Later ones refuse a key of small order themselves.
    if (process.versions.openssl.startsWith('3.0.'))
      expect(looseVerify(identity, forged)).toBe(true);
    expect(verifyStrict(identity, message, forged)).toBe(false);
  });

  test.each([...small, ...nonCanonical])('key %s is refused, and as R, too', (hex) => {
    const bad = fromHex(hex);
    for (const r of [bad, fromHex(small[2]!), key.publicKey]) {
      expect(verifyStrict(bad, message, concat(r, new Uint8Array(32)))).toBe(false);
    }
    const signature = key.sign(message);
    expect(verifyStrict(key.publicKey, message, concat(bad, signature.subarray(32)))).toBe(false);
  });

  test('anything of the wrong length is false, not an error', () => {
    for (const length of [0, 31, 33, 64]) {
      expect(verifyStrict(new Uint8Array(length), message, key.sign(message))).toBe(false);
    }
    expect(verifyStrict(key.publicKey, message, new Uint8Array(63))).toBe(false);
  });

  test('a key below p that is no point is false, not an error', () => {
    const off = littleEndian(2n);
    expect(verifyStrict(off, message, key.sign(message))).toBe(false);
  });
});

describe.each(['node:crypto', 'sodium-native'] as const)('X25519 over %s', (name) => {
  const curve = curve25519(name);
  const pairOf = (seed: Uint8Array) => x25519KeyPair(seed, curve);
  const shared = (secretKey: Uint8Array, publicKey: Uint8Array) =>
    x25519(secretKey, publicKey, curve);

  test('RFC 7748 section 6.1', () => {
    const a = pairOf(fromHex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'));
    const b = pairOf(fromHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'));
    expect(toHex(b.publicKey)).toBe(
      'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
    );
    expect(toHex(a.publicKey)).toBe(
      '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    );
    const both = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
    expect(toHex(shared(a.secretKey, b.publicKey)!)).toBe(both);
    expect(toHex(shared(b.secretKey, a.publicKey)!)).toBe(both);
  });

  const p = 2n ** 255n - 19n;
  const lowOrder = [
    0n,
    1n,
    p - 1n,
    p,
    p + 1n,
    toInt(fromHex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800')),
    toInt(fromHex('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157')),
  ];

  test.each(lowOrder)('u = %i makes zeros in tweetnacl and nothing in ours', (u) => {
    const own = pairOf(seededRandom('own')(32));
    for (const top of [0n, 2n ** 255n]) {
      const point = littleEndian(u | top);
      expect(nacl.scalarMult(own.secretKey, point).every((byte) => byte === 0)).toBe(true);
      expect(shared(own.secretKey, point)).toBeUndefined();
    }
  });

  test('encodings above p and with the top bit are refused', () => {
    const own = pairOf(seededRandom('own')(32));
    const good = pairOf(seededRandom('peer')(32)).publicKey;
    expect(shared(own.secretKey, good)).toBeDefined();
    expect(shared(own.secretKey, littleEndian(toInt(good) | (2n ** 255n)))).toBeUndefined();
    expect(shared(own.secretKey, littleEndian(p + 9n))).toBeUndefined();
    expect(shared(own.secretKey, good.subarray(1))).toBeUndefined();
  });

  test('a secret of another length is refused', () => {
    for (const length of [0, 31, 33])
      expect(() => pairOf(new Uint8Array(length))).toThrow(RangeError);
  });
});

test('X25519 gives the same bytes over both libraries', () => {
  const [node, sodium] = [curve25519('node:crypto'), curve25519('sodium-native')];
  const random = seededRandom('both');
  for (let i = 0; i < 200; i++) {
    const [secret, peer] = [random(32), random(32)];
    // A u that came from the wire: any, on the curve or on its twist.
    peer[31]! &= 0x7f;
    expect(toHex(node.publicKey(secret))).toBe(toHex(sodium.publicKey(secret)));
    expect(toHex(x25519(secret, peer, node)!)).toBe(toHex(x25519(secret, peer, sodium)!));
  }
});

describe.each(['tweetnacl', 'sodium-native'] as const)('the Crypto on %s', (name) => {
  const crypto = createCrypto(seededRandom('signer')(32), secretbox(name));

  test('seals the known bytes of the NaCl paper', () => {
    const secret = fromHex('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389');
    const nonce = fromHex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37');
    const plain = fromHex(
      'be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705',
    );
    const sealed =
      'f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5';
    expect(toHex(crypto.seal(secret, nonce, plain))).toBe(sealed);
    expect(toHex(crypto.open(secret, nonce, fromHex(sealed))!)).toBe(toHex(plain));
  });

  test('opens nothing that was changed or is too short', () => {
    const [secret, nonce] = [seededRandom('k')(32), seededRandom('n')(24)];
    const sealed = crypto.seal(secret, nonce, message);
    for (let i = 0; i < sealed.length; i++) {
      const changed = new Uint8Array(sealed);
      changed[i] = changed[i]! ^ 0x80;
      expect(crypto.open(secret, nonce, changed)).toBeUndefined();
      expect(crypto.open(secret, nonce, sealed.subarray(0, i))).toBeUndefined();
    }
  });

  test('refuses the same keys and signatures', () => {
    const signature = crypto.sign(message);
    expect(crypto.verify(key.publicKey, message, signature)).toBe(true);
    const s = toInt(signature.subarray(32));
    const again = concat(signature.subarray(0, 32), littleEndian(s + ORDER));
    expect(crypto.verify(key.publicKey, message, again)).toBe(false);
    expect(crypto.x25519(seededRandom('own')(32), new Uint8Array(32))).toBeUndefined();
  });
});
