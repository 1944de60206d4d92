import { CodedError, type ErrorFacts } from '../base/index.ts';
import type { EpochHead } from './types.ts';

/**
 * What goes wrong in secure. Bytes from a peer raise one of these and nothing else; the driver then
 * sends `reply`, if there is one, and closes that connection.
 */
export class SecureError extends CodedError<SecureErrorCode> {
  /** One last message for the peer (a refusal or a part of an EPOCH), unsealed, to be framed and sent before closing. */
  readonly reply: Uint8Array | undefined;
  /** With `wrong_epoch`: an EPOCH above the own one that the peer showed. */
  readonly catchUp: CatchUp | undefined;
  /** True when the peer said so, unauthenticated, rather than this side found out. */
  readonly fromPeer: boolean;

  constructor(code: SecureErrorCode, message: string, options: SecureErrorOptions = {}) {
    super(code, message, options);
    this.reply = options.reply;
    this.catchUp = options.catchUp;
    this.fromPeer = options.fromPeer ?? false;
  }
}

/** What a host that was away is caught up with: verified, but not opened. */
export interface CatchUp {
  readonly head: EpochHead;
  /** What the peer showed of the operator's keys; its head is of one of them. */
  readonly operators: readonly Uint8Array[];
  /** The part that would have the own slot; absent where no part can have it. */
  readonly part?: { readonly number: number; readonly bytes: Uint8Array };
}

export interface SecureErrorOptions extends ErrorFacts {
  readonly reply?: Uint8Array;
  readonly catchUp?: CatchUp;
  readonly fromPeer?: boolean;
}

export type SecureErrorCode =
  /** Bytes that are no message, or not the one that is due. */
  | 'malformed'
  | 'unknown_version'
  | 'unknown_suite'
  /** The peer belongs to another swarm. */
  | 'wrong_swarm'
  /** The peer is in another epoch; `catchUp` is there when that epoch is a newer one. */
  | 'wrong_epoch'
  /** The join secrets differ, or somebody without it tried a guess. */
  | 'wrong_secret'
  /** An admission that is not of the token that was named, or not of this node. */
  | 'bad_admission'
  | 'unknown_token'
  | 'token_ended'
  | 'token_used_up'
  /** A clock behind the time at which a token was made. */
  | 'wrong_clock'
  | 'swarm_full'
  /** The operator has put this node out. */
  | 'expelled'
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
