/**
 * Curve25519 keys between their 32 raw bytes and node:crypto's key objects. Public keys go by way of
 * JWK (RFC 8037): OpenSSL's DER decoder takes up to seventeen times as long. Secret keys go by way of
 * PKCS#8 (RFC 8410), which every Node takes, or of JWK where that is safe and quicker.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

export type Curve = 'Ed25519' | 'X25519';

/** @throws Error on bytes that are no key */
export function publicKeyObject(crv: Curve, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv, x: base64url(raw) }, format: 'jwk' });
}

/** @throws RangeError on anything but 32 bytes */
export function privateKeyObject(crv: Curve, seed: Uint8Array): KeyObject {
  if (seed.length !== 32) throw new RangeError(`a secret key is 32 bytes, got ${seed.length}`);
  jwkIgnoresX ??= probeJwk();
  return jwkIgnoresX ? fromJwk(crv, seed) : fromPkcs8(crv, seed);
}

/** The public half of a private key, 32 bytes. */
export function rawPublicKey(privateKey: KeyObject): Uint8Array {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(x!, 'base64url'));
}

/** Node.js 20 needs 0.6 to 1 ms for this, later ones 0.1 ms and less. */
function fromPkcs8(crv: Curve, seed: Uint8Array): KeyObject {
  const key = Buffer.concat([PKCS8_PREFIX[crv], seed]);
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  } finally {
    key.fill(0);
  }
}

/** With an `x` that is not the seed's own: only right where Node.js computes it anew. */
function fromJwk(crv: Curve, seed: Uint8Array): KeyObject {
  const key = { kty: 'OKP', crv, x: NO_X, d: base64url(seed) };
  return createPrivateKey({ key, format: 'jwk' });
}

/**
 * Whether this Node.js computes `x` from the secret whatever the JWK says, as 20 and 22 do. Later ones
 * refuse a wrong `x` (`Invalid JWK OKP key`): 26, and 24 from some release on. Asked with the keys of
 * RFC 8032 section 7.1 test 1 and RFC 7748 section 6.1, so that a Node.js that took `x` at its word
 * would be found, too.
 */
function probeJwk(): boolean {
  return KNOWN.every(([crv, seed, publicKey]) => {
    try {
      return Buffer.from(publicKey, 'hex').equals(
        rawPublicKey(fromJwk(crv, Buffer.from(seed, 'hex'))),
      );
    } catch {
      return false;
    }
  });
}

let jwkIgnoresX: boolean | undefined;

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}

const NO_X = base64url(new Uint8Array(32));

/** OneAsymmetricKey of RFC 8410 section 7, up to the 32 bytes of the key. */
const PKCS8_PREFIX: Readonly<Record<Curve, Buffer>> = {
  Ed25519: Buffer.from('302e020100300506032b657004220420', 'hex'),
  X25519: Buffer.from('302e020100300506032b656e04220420', 'hex'),
};

const KNOWN: readonly (readonly [Curve, seed: string, publicKey: string])[] = [
  [
    'Ed25519',
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  ],
  [
    'X25519',
    '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
    '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
  ],
];
