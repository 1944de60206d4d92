import type { Crypto } from './types.ts';
/** `signSeed`: 32 bytes of the Ed25519 secret key. */
export declare function createCrypto(signSeed: Uint8Array): Crypto;
