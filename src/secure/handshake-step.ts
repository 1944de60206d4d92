/** What both handshakes hand to their driver. */
import type { PeerIdentity } from './types.ts';
import type { Session } from './session.ts';
import type { Admitted } from './admission.ts';

/** Send `send` first, if present; then, if `done` is there, the session is open. */
export interface HandshakeStep {
  /** One message, to be framed. */
  readonly send?: Uint8Array;
  readonly done?: HandshakeDone;
  /** The next message may be a part of an EPOCH, up to 256 KiB: the peer has shown an epoch key. */
  readonly expectsPart?: boolean;
  /** On the responder: the peer has shown, now, that it holds the epoch key; `done` is still to come. */
  readonly proven?: boolean;
  /** On the responder: `send` is a challenge, and its answer is due. */
  readonly challenged?: boolean;
}

export interface HandshakeDone {
  readonly session: Session;
  readonly peer: PeerIdentity;
  /** Only after admission, on the initiator: what it was let in with. */
  readonly admitted?: Admitted;
}
