/**
 * What a point or scalar from a peer must be before the `jpake` package may compute with it: the
 * package checks nothing. Fixed 32-byte big-endian coordinates. Curve: SEC 2, section 2.4.1.
 */
import { fromHex, toHex } from '../wire/index.ts';
import { SecureError } from './errors.ts';

export interface AffinePoint {
  readonly x: bigint;
  readonly y: bigint;
}

export const POINT_BYTES = 64;
export const SCALAR_BYTES = 32;

/**
 * `x | y`, in range, on the curve; the identity has no such form. The cofactor is 1, so every such
 * point generates the whole group.
 * @throws SecureError `bad_key`
 */
export function decodePoint(bytes: Uint8Array): AffinePoint {
  const x = toInt(bytes.subarray(0, 32));
  const y = toInt(bytes.subarray(32, 64));
  if (bytes.length !== POINT_BYTES || x >= P || y >= P || x === 0n || y === 0n) {
    throw new SecureError('bad_key', 'a point with coordinates out of range');
  }
  if ((y * y - x * x * x - 7n) % P !== 0n) {
    throw new SecureError('bad_key', 'a point that is not on the curve');
  }
  return { x, y };
}

export function encodePoint({ x, y }: AffinePoint): Uint8Array {
  return fromHex(toHex32(x) + toHex32(y));
}

/** @throws SecureError `bad_proof` unless in 1 .. n - 1 */
export function decodeScalar(bytes: Uint8Array): bigint {
  const value = toInt(bytes);
  if (bytes.length !== SCALAR_BYTES || value === 0n || value >= N) {
    throw new SecureError('bad_proof', 'a scalar out of range');
  }
  return value;
}

export function encodeScalar(value: bigint): Uint8Array {
  return fromHex(toHex32(value));
}

/** The same point or its negation. */
export function sameLine(a: AffinePoint, b: AffinePoint): boolean {
  return a.x === b.x;
}

function toInt(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}

function toHex32(value: bigint): string {
  return value.toString(16).padStart(64, '0');
}

const P = 2n ** 256n - 2n ** 32n - 977n;
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
