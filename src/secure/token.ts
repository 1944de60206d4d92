export interface JoinToken {
  readonly swarmId: Uint8Array;
  readonly epoch: number;
  /** 12 bytes. */
  readonly secret: Uint8Array;
  readonly text: string;
}
export declare function createJoinToken(options: {
  swarmId: Uint8Array;
  epoch: number;
  random: (n: number) => Uint8Array;
}): JoinToken;
/** @throws SecureError `bad_token` */
export declare function parseJoinToken(text: string): JoinToken;
export declare function deriveJoinKey(secret: Uint8Array, swarmId: Uint8Array): Promise<Uint8Array>;
