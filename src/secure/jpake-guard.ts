import type { Pake, PakeOptions } from './pake.ts';
export declare class JpakeGuard implements Pake {
  constructor(options: PakeOptions);
  round1(peerRound1?: Uint8Array): Promise<Uint8Array>;
  round2(peerRound1: Uint8Array): Promise<Uint8Array>;
  finish(peerRound2: Uint8Array): Promise<Uint8Array>;
  confirm(peerTag: Uint8Array): Promise<Uint8Array>;
}
