/**
 * One own request and what is known of each host that must appear in its account. A host ends
 * once, by its answer or when the account closes; until then even one that seems unreachable may
 * still answer.
 */
import type { NodeId } from '../../secure/types.ts';
import type { AnswerOpener, Outcome } from './answer.ts';
import type { Request } from './request.ts';
import type { Account, HostOutcome, HostState, MemberState } from '../types.ts';

export interface AskedHost {
  readonly nodeId: NodeId;
  readonly name: string;
  /** Why a host that was named cannot be asked at all, e.g. `left`. */
  readonly hopeless: string | undefined;
  /** An answer that has begun, with the key it came under. */
  opening: { key: string; opener: AnswerOpener } | undefined;
  /** The host said that it works on it. */
  accepted: boolean;
  /** Whose link its last word came over. */
  via: NodeId | undefined;
  /** By the member table, as last seen by this request. */
  state: MemberState | undefined;
  /** `mono` at which that changed; 0 while it did not. */
  changedAt: number;
  outcome: HostOutcome | undefined;
}

export interface Ask {
  readonly request: Request;
  /** The secret half of eR, to which answers are sealed; wiped when the account closes. */
  readonly secretKey: Uint8Array;
  /** `mono`. */
  readonly startedAt: number;
  /** `mono` at which the account closes at the latest. */
  readonly endsAt: number;
  readonly hosts: Map<NodeId, AskedHost>;
  /** Hosts that have not ended. */
  readonly waiting: Set<NodeId>;
  /** Strangers that answered, as hosts of their own. */
  readonly strangers: Map<NodeId, AskedHost>;
  beacons: number;
  /** `mono` of the last beacon. */
  beaconAt: number;
}

export function newHost(nodeId: NodeId, name: string, hopeless?: string): AskedHost {
  return {
    nodeId,
    name,
    hopeless,
    opening: undefined,
    accepted: false,
    via: undefined,
    state: undefined,
    changedAt: 0,
    outcome: undefined,
  };
}

/** What an answer says, in the words of the account; `over`: the host whose link it came over. */
export function outcomeOf(
  host: AskedHost,
  outcome: Outcome,
  over: string | undefined,
): HostOutcome {
  return {
    nodeId: host.nodeId,
    name: host.name,
    state: outcome.status,
    ...(outcome.code ? { code: outcome.code } : {}),
    ...(outcome.message ? { message: outcome.message } : {}),
    rowCount: outcome.rowCount,
    truncated: outcome.truncated,
    tookMs: outcome.tookMs,
    ...(over === undefined ? {} : { over }),
  };
}

/** What the asker knows of a host that never finished its answer. */
interface Silence {
  /** Why it cannot be reached, where that is so. */
  readonly unreachable: string | undefined;
  /** Over whom its last word came, where it came over another. */
  readonly over: string | undefined;
  readonly cancelled: boolean;
}

/** How such a host ends. */
export function silentOutcome(host: AskedHost, silent: Silence): HostOutcome {
  const { over, cancelled } = silent;
  const { state, message } = silence(host, silent);
  const code = cancelled && state !== 'unreachable' ? 'cancelled' : host.hopeless;
  return {
    nodeId: host.nodeId,
    name: host.name,
    state,
    ...(code === undefined ? {} : { code }),
    message: cancelled && state !== 'unreachable' ? 'the request was withdrawn' : message,
    rowCount: 0,
    truncated: false,
    ...(over === undefined ? {} : { over }),
  };
}

function silence(
  host: AskedHost,
  { unreachable, over }: Silence,
): { state: HostState; message: string } {
  if (host.hopeless !== undefined) {
    return { state: 'unreachable', message: HOPELESS[host.hopeless] ?? 'cannot be asked' };
  }
  const way = over === undefined ? '' : ` over ${JSON.stringify(over)}`;
  if (host.opening !== undefined) {
    return { state: 'partial', message: `the answer began${way}, its end never came` };
  }
  if (unreachable !== undefined) return { state: 'unreachable', message: unreachable };
  const message = host.accepted
    ? `the host said${way} that it works on it, and did not finish in time`
    : 'the host is there and did not answer in time';
  return { state: 'timeout', message };
}

const HOPELESS: Readonly<Record<string, string>> = {
  left: 'this host has left the swarm',
  forgotten: 'this host was forgotten',
  expelled: 'the operator has expelled this host',
  unknown: 'no member has this node id',
  no_key:
    'no key of the last two days is known to seal the request to: the host was away, or its clock or the one here is off',
};

/** Hosts by name, then id, so that two accounts compare. */
export function accountOf(ask: Ask): Account {
  return {
    requestId: ask.request.id,
    hosts: sorted(ask.hosts),
    unexpected: sorted(ask.strangers),
  };
}

function sorted(hosts: ReadonlyMap<NodeId, AskedHost>): HostOutcome[] {
  return [...hosts.values()]
    .flatMap((host) => (host.outcome === undefined ? [] : [host.outcome]))
    .sort((a, b) => compare(a.name, b.name) || compare(a.nodeId, b.nodeId));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
