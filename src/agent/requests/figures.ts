/** The agent in numbers, for metrics: what it ran for others, what it asked, who it is linked to. */
import { isRequestKind } from './request-kinds.ts';
import type { Account, HostState, MemberState, RunOutcome } from '../../swarm/index.ts';
import type { SwarmNode } from '../../net/index.ts';
import type { Certificates } from '../operator/certificates.ts';
import type { OpenAlarm } from '../state/alarms.ts';
import type { Asker } from '../types.ts';
import { Histogram, type HistogramFigures } from './histogram.ts';
import { VERSION } from '../version.ts';

/** Counters only grow; they start at zero with the process. */
export interface AgentFigures {
  readonly version: string;
  readonly epoch: number;
  readonly members: Readonly<Record<MemberState, number>>;
  readonly links: number;
  /** Since the start, over links that are up and those that are gone. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Connections in the middle of a handshake, and those of them that wait for their J-PAKE run. */
  readonly unproven: number;
  readonly joinsQueued: number;
  /** Joins turned away because the budget for J-PAKE was used up. */
  readonly joinsRefused: number;
  /** Open alarms by kind. */
  readonly alarms: ReadonlyMap<string, number>;
  readonly ran: readonly RanFigures[];
  /** Requests refused here, by code. */
  readonly refused: ReadonlyMap<string, number>;
  /** From the request's arrival at this host to its outcome. */
  readonly runSeconds: HistogramFigures;
  /** What hosts ended as in the accounts of requests asked here. */
  readonly answers: ReadonlyMap<HostState, number>;
  /** From the asking to the whole account. */
  readonly askSeconds: HistogramFigures;
  /** Unix seconds at which the first certificate that holds ends; undefined without one. */
  readonly certificateEnds: number | undefined;
}

export interface RanFigures {
  readonly kind: string;
  readonly outcome: RunOutcome['status'];
  readonly count: number;
}

/** Codes are this software's own words; should that ever change, memory stays bounded. */
const CODES_MAX = 100;

export class AgentCounters {
  readonly #ran = new Map<string, RanFigures>();
  readonly #refused = new Map<string, number>();
  readonly #answers = new Map<HostState, number>();
  readonly #runSeconds = new Histogram();
  readonly #askSeconds = new Histogram();

  ran(asKind: string, { status, code = 'other' }: RunOutcome, ms: number): void {
    // Kinds that a peer makes up all count as one.
    const kind = isRequestKind(asKind) ? asKind : 'other';
    const key = `${kind} ${status}`;
    const count = (this.#ran.get(key)?.count ?? 0) + 1;
    this.#ran.set(key, { kind, outcome: status, count });
    this.#runSeconds.observe(ms / 1000);
    if (status !== 'refused') return;
    count1(this.#refused, this.#refused.size < CODES_MAX ? code : 'other');
  }

  asked(account: Account, ms: number): void {
    for (const { state } of account.hosts) count1(this.#answers, state);
    this.#askSeconds.observe(ms / 1000);
  }

  figures(): Pick<AgentFigures, 'ran' | 'refused' | 'answers' | 'runSeconds' | 'askSeconds'> {
    return {
      ran: [...this.#ran.values()],
      refused: this.#refused,
      answers: this.#answers,
      runSeconds: this.#runSeconds.figures(),
      askSeconds: this.#askSeconds.figures(),
    };
  }
}

/** What the agent counts of itself is read off. */
export interface Counted extends Pick<Asker, 'members' | 'departed'> {
  readonly node: Pick<SwarmNode, 'secrets' | 'pressure' | 'traffic'>;
  readonly certificates: Pick<Certificates, 'list'>;
  alarms(): readonly OpenAlarm[];
}

/** A snapshot; cheap enough for every scrape. */
export function agentFigures(agent: Counted, counters: AgentCounters): AgentFigures {
  const { node } = agent;
  const members = { alive: 0, suspect: 0, dead: 0, left: 0, forgotten: 0, expelled: 0 };
  for (const { state } of [...agent.members(), ...agent.departed()]) members[state]++;
  const alarms = new Map<string, number>();
  for (const { kind } of agent.alarms()) count1(alarms, kind);
  const ends = agent.certificates.list().flatMap(({ problem, notAfter }) => {
    return problem === null ? [notAfter] : [];
  });
  const { unproven, queued, refused } = node.pressure();
  return {
    ...counters.figures(),
    version: VERSION,
    epoch: node.secrets.epoch,
    members,
    alarms,
    ...node.traffic(),
    unproven,
    joinsQueued: queued,
    joinsRefused: refused,
    certificateEnds: ends.length === 0 ? undefined : Math.min(...ends),
  };
}

function count1<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
