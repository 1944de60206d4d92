/**
 * What goes wrong in secure. Bytes from a peer raise one of these and nothing else; the driver then
 * sends `reply`, if there is one, and closes that connection.
 */
export class SecureError extends Error {
  readonly code: SecureErrorCode;
  /** One last message for the peer (a refusal or an EPOCH record), unsealed, to be framed and sent before closing. */
  readonly reply: Uint8Array | undefined;
  /** With `wrong_epoch` on an initiator: the EPOCH record that the peer answered with. */
  readonly record: Uint8Array | undefined;
  /** True when the peer said so, unauthenticated, rather than this side found out. */
  readonly fromPeer: boolean;

  constructor(code: SecureErrorCode, message: string, options: SecureErrorOptions = {}) {
    super(message, options);
    this.name = 'SecureError';
    this.code = code;
    this.reply = options.reply;
    this.record = options.record;
    this.fromPeer = options.fromPeer ?? false;
  }
}

export interface SecureErrorOptions {
  readonly cause?: unknown;
  readonly reply?: Uint8Array;
  readonly record?: Uint8Array;
  readonly fromPeer?: boolean;
}

export type SecureErrorCode =
  /** Bytes that are no message, or not the one that is due. */
  | 'malformed'
  | 'unknown_version'
  | 'unknown_suite'
  /** The peer belongs to another swarm. */
  | 'wrong_swarm'
  /** The peer is in another epoch; `reply` may carry what it needs to catch up. */
  | 'wrong_epoch'
  /** The join secrets differ, or somebody without it tried a guess. */
  | 'wrong_secret'
  /** M1 was not made under the epoch key. */
  | 'bad_mac'
  /** A sealed message or frame does not authenticate. */
  | 'bad_seal'
  | 'bad_signature'
  /** A public key or point outside what is safe to compute with. */
  | 'bad_key'
  /** A J-PAKE proof of knowledge does not hold. */
  | 'bad_proof'
  /** The peer is this very node. */
  | 'self'
  /** The peer has this node's identity, yet it is another process: a copied state folder. */
  | 'clone'
  /** Another identity answered than the one that was dialled. */
  | 'wrong_peer'
  /** This host holds no epoch key yet. */
  | 'not_admitted'
  /** The peer has no room for a handshake now. */
  | 'busy'
  /** The session, handshake or pake object has ended; it is never used again. */
  | 'closed'
  | 'bad_token'
  | 'bad_identity'
  | 'bad_key_list'
  | 'bad_operator_key'
  | 'wrong_passphrase'
  | 'rotation_too_soon'
  | 'bad_certificate'
  | 'bad_record';
