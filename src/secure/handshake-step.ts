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
}

export interface HandshakeDone {
  readonly session: Session;
  readonly peer: PeerIdentity;
  /** Only after admission, on the initiator: what it was let in with. */
  readonly admitted?: Admitted;
}
