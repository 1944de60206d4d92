/** The primitives, gathered into the `Crypto` that the core is given. */
import { SigningKey, verifyStrict } from './ed25519.ts';
import { sha256, sha512 } from './hash.ts';
import { openFromMany, sealToMany } from './sealed-box.ts';
import { secretbox, type Secretbox } from './secretbox.ts';
import type { Crypto } from './types.ts';
import { isX25519Key, x25519, x25519KeyPair } from './x25519.ts';

/** `signKey`: an Ed25519 key, or the 32 bytes of its seed. */
export function createCrypto(
  signKey: SigningKey | Uint8Array,
  box: Secretbox = secretbox(),
): Crypto {
  const key = signKey instanceof SigningKey ? signKey : new SigningKey(signKey);
  return {
    sign: (message) => key.sign(message),
    verify: verifyStrict,
    x25519KeyPair,
    x25519,
    sha256,
    sha512,
    seal: box.seal,
    open: box.open,
    isX25519Key,
    sealToMany,
    openFromMany: (sealed, own, context) => {
      try {
        return openFromMany(sealed, own, context);
      } catch {
        return undefined;
      }
    },
  };
}
