import type { HandshakeStep } from './handshake-step.ts';
import type { Identity } from './identity.ts';
import type { HandshakeRole } from './pake.ts';
import type { NodeId, SwarmSecrets } from './types.ts';
export interface MemberHandshakeOptions {
  readonly role: HandshakeRole;
  /** With an epoch key. */
  readonly secrets: SwarmSecrets;
  readonly identity: Identity;
  /** 16 bytes. */
  readonly bootId: Uint8Array;
  readonly random: (n: number) => Uint8Array;
  /** Whom the initiator means to reach: another identity is refused as `wrong_peer`. */
  readonly expect?: NodeId;
}
export declare class MemberHandshake {
  constructor(options: MemberHandshakeOptions);
  /** M1, on the initiator. */
  start(): Uint8Array;
  /** @throws SecureError; then send its `reply`, if any, and close */
  handle(message: Uint8Array): HandshakeStep;
}
