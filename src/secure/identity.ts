import type { Crypto, KeyEntry, NodeId } from './types.ts';
/** Immutable: `rotate` gives a new one. */
export declare class Identity {
  readonly nodeId: NodeId;
  readonly entries: readonly KeyEntry[];
  get newest(): KeyEntry;
  static create(random: (n: number) => Uint8Array, nowSeconds: number): Identity;
  /** @throws SecureError `bad_identity` */
  static parse(bytes: Uint8Array): Identity;
  /** For the file: the caller writes it 0600 and fsyncs before anybody sees the entries. */
  toBytes(): Uint8Array;
  sign(message: Uint8Array): Uint8Array;
  crypto(): Crypto;
  rotate(random: (n: number) => Uint8Array, nowSeconds: number): Identity;
}
