import { CodedError } from '../base/index.ts';

/** What can go wrong on the way to a peer, or at start. `hint` says what to do next. */
export class NetError extends CodedError<NetErrorCode> {}

export type NetErrorCode =
  /** At start: another process listens there. */
  | 'port_in_use'
  /** At start: this machine does not have that address, or may not use that port. */
  | 'address_unavailable'
  | 'bad_address'
  /** Nobody listens there, or no route. */
  | 'unreachable'
  /** TCP works, but the handshake did not end in time. */
  | 'timeout'
  /** The peer's bytes are not this protocol. */
  | 'not_swarmplane'
  /** Same protocol, another swarm. */
  | 'wrong_swarm'
  /** Same swarm, another epoch. */
  | 'wrong_epoch'
  | 'wrong_secret'
  /** That member does not know the join token. */
  | 'unknown_token'
  | 'token_ended'
  | 'token_used_up'
  /** That member's clock is wrong. */
  | 'wrong_clock'
  | 'swarm_full'
  | 'expelled'
  /** The peer has too much to do; try again later. */
  | 'busy'
  /** The peer has the epoch key but no join key, so it admits nobody. */
  | 'cannot_admit'
  /** This node has no epoch key yet. */
  | 'not_admitted'
  /** The address leads to this node. */
  | 'self'
  /** The address leads to another process with this node's identity. */
  | 'clone'
  /** Another member answered than the one that was dialled. */
  | 'wrong_peer'
  /** The peer broke the protocol or failed to prove itself. */
  | 'handshake_failed'
  /** The connection ended without a reason that could be told. */
  | 'closed'
  /** The caller's signal. */
  | 'aborted'
  | 'stopped'
  /** What must be on the disk first could not be written. */
  | 'not_kept'
  | 'worker_failed';
