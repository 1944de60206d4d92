/**
 * `sodium-native` (libsodium), an optional dependency: the same bytes as the reference, faster. Where it
 * does not load, nothing but speed is missing.
 */
import { createRequire } from 'node:module';

/** What of it is used. Each writes into its first argument. */
export interface Sodium {
  crypto_secretbox_easy(
    sealed: Uint8Array,
    plain: Uint8Array,
    nonce: Uint8Array,
    key: Uint8Array,
  ): void;
  crypto_secretbox_open_easy(
    plain: Uint8Array,
    sealed: Uint8Array,
    nonce: Uint8Array,
    key: Uint8Array,
  ): boolean;
  crypto_scalarmult_base(publicKey: Uint8Array, secretKey: Uint8Array): void;
  /** Throws when the result is all zeros. */
  crypto_scalarmult(shared: Uint8Array, secretKey: Uint8Array, publicKey: Uint8Array): void;
}

let loaded: Sodium | Error | undefined;

/** The library, or why it does not load. */
export function loadSodium(): Sodium | Error {
  return (loaded ??= load());
}

function load(): Sodium | Error {
  try {
    return createRequire(import.meta.url)('sodium-native') as Sodium;
  } catch (cause) {
    return new Error('sodium-native does not load; tweetnacl works without it', { cause });
  }
}
