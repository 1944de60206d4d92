/**
 * A password-authenticated key exchange, as admission needs it (docs/protocol.md section 3).
 * Bytes in, bytes out, asynchronous, so that a worker thread can carry it. Each method may be
 * called once and in order; any error ends the object for good.
 */
export interface Pake {
  /**
   * Own round-1 message. The responder passes the initiator's, which is verified before anything
   * of its own is computed.
   */
  round1(peerRound1?: Uint8Array): Promise<Uint8Array>;
  /** Own round-2 message. The responder passes the same bytes again. */
  round2(peerRound1: Uint8Array): Promise<Uint8Array>;
  /** Own confirmation tag, 32 bytes. */
  finish(peerRound2: Uint8Array): Promise<Uint8Array>;
  /**
   * The session key, 32 bytes: never before the peer proved that it has the same one.
   * @throws SecureError `wrong_secret`
   */
  confirm(peerTag: Uint8Array): Promise<Uint8Array>;
}

/** All plain data, so that it can be posted to a worker. */
export interface PakeOptions {
  readonly role: HandshakeRole;
  /** scrypt of the join secret (`deriveTokenKeys`), 32 bytes. */
  readonly joinKey: Uint8Array;
  /** 32 bytes. */
  readonly swarmId: Uint8Array;
  /** Of the token, 8 bytes. */
  readonly tag: Uint8Array;
  /** This node's id, 32 bytes. */
  readonly selfId: Uint8Array;
}

export type HandshakeRole = 'initiator' | 'responder';

/** Makes a fresh object for one exchange: `(options) => new JpakeGuard(options)`, or a worker's proxy. */
export type PakeFactory = (options: PakeOptions) => Pake;
