/**
 * The part of the `jpake` npm package that the guard drives. Loaded on first use only: it is heavy,
 * and only a worker in the middle of an admission needs it.
 */
import { createRequire } from 'node:module';
import type { AffinePoint } from './secp256k1.ts';

export interface JpakePackage {
  readonly JPake: new (secret: string, hashFn: (text: string) => string) => RawJpake;
  /** The package's own base64 of big integers. */
  readonly base64: { fromInt(value: bigint): string; toInt(text: string): bigint };
}

export interface RawPoint extends AffinePoint {
  add(other: RawPoint): RawPoint;
  equals(other: RawPoint): boolean;
  subtract(other: RawPoint): RawPoint;
  multiply(scalar: bigint): RawPoint;
}

export interface RawProof {
  tx: string;
  ty: string;
  r: string;
  c: string;
}

export interface RawRound1 {
  x1Gx: string;
  x1Gy: string;
  x2Gx: string;
  x2Gy: string;
  x1ZKP: RawProof;
  x2ZKP: RawProof;
}

export interface RawRound2 {
  Ax: string;
  Ay: string;
  xsZKP: RawProof;
}

export interface RawJpake {
  hashFn: (text: string) => string;
  readonly G: RawPoint;
  readonly x1G: RawPoint;
  readonly x2G: RawPoint;
  readonly otherx1G: RawPoint;
  readonly otherx2G: RawPoint;
  checkZKPSimpler(proof: RawProof, generator: RawPoint, point: RawPoint): boolean;
  GetRound1Message(): string;
  GetRound2Message(peerRound1: string): string;
  ComputeSharedKey(peerRound2: string): string;
}

export function loadJpake(): JpakePackage {
  return createRequire(import.meta.url)('jpake') as JpakePackage;
}
