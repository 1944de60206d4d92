/**
 * NaCl secretbox (XSalsa20-Poly1305), which node:crypto lacks. `tweetnacl` is the reference for the
 * bytes; `sodium-native`, an optional dependency, makes the same bytes about 20 times faster.
 */
import nacl from 'tweetnacl';
import { unfilled } from '../wire/index.ts';
import { loadSodium, type Sodium } from './sodium.ts';

export interface Secretbox {
  readonly name: SecretboxName;
  /** Key 32 bytes, nonce 24; the result is 16 bytes longer than `plain`. */
  seal(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array): Uint8Array;
  /** The plain text sits at `buffer[16..]`; afterwards `buffer` is the sealed box. */
  sealInPlace(key: Uint8Array, nonce: Uint8Array, buffer: Uint8Array): void;
  /** Undefined when the box does not authenticate. */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
  /** The same, where the plain text may take the place of the box: the result may lie in `sealed`. */
  openInPlace(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

export type SecretboxName = 'tweetnacl' | 'sodium-native';

export const SECRETBOX_OVERHEAD_BYTES = 16;

/**
 * The fastest backend that loads, or the named one.
 * @throws Error when `sodium-native` is asked for by name and does not load
 */
export function secretbox(name?: SecretboxName): Secretbox {
  if (name === 'tweetnacl') return TWEETNACL;
  sodium ??= sodiumSecretbox();
  if (name === undefined) return sodium instanceof Error ? TWEETNACL : sodium;
  if (sodium instanceof Error) throw sodium;
  return sodium;
}

const TWEETNACL: Secretbox = {
  name: 'tweetnacl',
  seal: (key, nonce, plain) => nacl.secretbox(plain, nonce, key),
  sealInPlace(key, nonce, buffer) {
    buffer.set(nacl.secretbox(buffer.subarray(SECRETBOX_OVERHEAD_BYTES), nonce, key));
  },
  open: (key, nonce, sealed) => nacl.secretbox.open(sealed, nonce, key) ?? undefined,
  openInPlace: (key, nonce, sealed) => nacl.secretbox.open(sealed, nonce, key) ?? undefined,
};

let sodium: Secretbox | Error | undefined;

function sodiumSecretbox(): Secretbox | Error {
  const library = loadSodium();
  return library instanceof Error ? library : sodiumBackend(library);
}

function sodiumBackend(sodium: Sodium): Secretbox {
  return {
    name: 'sodium-native',
    seal(key, nonce, plain) {
      const sealed = unfilled(plain.length + SECRETBOX_OVERHEAD_BYTES);
      sodium.crypto_secretbox_easy(sealed, plain, nonce, key);
      return sealed;
    },
    sealInPlace(key, nonce, buffer) {
      // libsodium documents that plain and sealed may overlap.
      sodium.crypto_secretbox_easy(buffer, buffer.subarray(SECRETBOX_OVERHEAD_BYTES), nonce, key);
    },
    open(key, nonce, sealed) {
      if (sealed.length < SECRETBOX_OVERHEAD_BYTES) return undefined;
      const plain = unfilled(sealed.length - SECRETBOX_OVERHEAD_BYTES);
      return sodium.crypto_secretbox_open_easy(plain, sealed, nonce, key) ? plain : undefined;
    },
    openInPlace(key, nonce, sealed) {
      if (sealed.length < SECRETBOX_OVERHEAD_BYTES) return undefined;
      const plain = sealed.subarray(SECRETBOX_OVERHEAD_BYTES);
      // A box that does not authenticate is left as it is.
      return sodium.crypto_secretbox_open_easy(plain, sealed, nonce, key) ? plain : undefined;
    },
  };
}
