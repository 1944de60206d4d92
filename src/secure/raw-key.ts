/**
 * Curve25519 keys between their 32 raw bytes and node:crypto's key objects, by way of JWK (RFC 8037):
 * OpenSSL's DER decoder takes seven times as long, more than the curve arithmetic itself.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

export type Curve = 'Ed25519' | 'X25519';

/** @throws Error on bytes that are no key */
export function publicKeyObject(crv: Curve, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv, x: base64url(raw) }, format: 'jwk' });
}

/** Node wants an `x` beside the secret and computes its own; the RFC vectors in the tests watch it. */
export function privateKeyObject(crv: Curve, seed: Uint8Array): KeyObject {
  if (seed.length !== 32) throw new RangeError(`a secret key is 32 bytes, got ${seed.length}`);
  const key = { kty: 'OKP', crv, x: NO_X, d: base64url(seed) };
  return createPrivateKey({ key, format: 'jwk' });
}

/** The public half of a private key, 32 bytes. */
export function rawPublicKey(privateKey: KeyObject): Uint8Array {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(x!, 'base64url'));
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}

const NO_X = base64url(new Uint8Array(32));
