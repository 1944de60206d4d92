export declare class OperatorKey {
  readonly publicKey: Uint8Array;
  /** SHA-256 of the public key, 32 bytes. */
  readonly swarmId: Uint8Array;
  static create(random: (n: number) => Uint8Array): OperatorKey;
  sign(message: Uint8Array): Uint8Array;
  /** File text; the caller writes it 0600. */
  toFile(options: { passphrase?: string; random: (n: number) => Uint8Array }): Promise<string>;
  /** @throws SecureError `bad_operator_key` | `wrong_passphrase` */
  static fromFile(text: string, passphrase?: string): Promise<OperatorKey>;
  /** Whether a file text wants a passphrase. */
  static isEncrypted(text: string): boolean;
}
