import type { HandshakeStep } from './handshake-step.ts';
import type { Identity } from './identity.ts';
import type { HandshakeRole, PakeFactory } from './pake.ts';
import type { SwarmSecrets } from './types.ts';
export interface AdmissionOptions {
  readonly role: HandshakeRole;
  /** On the responder with an epoch key and the operator key; on the initiator from the token. */
  readonly secrets: SwarmSecrets;
  readonly identity: Identity;
  readonly bootId: Uint8Array;
  readonly random: (n: number) => Uint8Array;
  readonly createPake: PakeFactory;
}
/** What the initiator is let in with; keep it (0600, fsynced) before using it. */
export interface Admitted {
  readonly epoch: number;
  readonly epochKey: Uint8Array;
  /** Its hash was checked against the swarm id. */
  readonly operatorKey: Uint8Array;
}
export declare class Admission {
  constructor(options: AdmissionOptions);
  start(): Promise<Uint8Array>;
  /** One message at a time. @throws SecureError; then send its `reply`, if any, and close */
  handle(message: Uint8Array): Promise<HandshakeStep>;
}
