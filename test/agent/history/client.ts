/** A hub's half of history for tests: asks hosts to track and to hand over, and keeps what it is told. */
import { documentHash, rowHash } from '../../../src/tables/canonical.ts';
import {
  decodeFetchAnswer,
  decodeTrackAnswer,
  encodeFetchBody,
  encodeTrackBody,
  verifyStatement,
  type Ack,
  type Agent,
  type FetchAnswer,
  type HostOutcome,
  type Taking,
  type TrackAnswer,
  type Wish,
} from '../../../src/agent/index.ts';
import { toHex } from '../../../src/wire/index.ts';

export interface Asked {
  readonly outcome: HostOutcome;
  readonly payload: Uint8Array;
}

export async function request(
  agent: Agent,
  nodeId: string,
  kind: string,
  body: Uint8Array,
  timeoutMs = 30_000,
): Promise<Asked> {
  const targets = { kind: 'nodes', nodes: [nodeId] } as const;
  for await (const event of agent.request({ kind, body, targets, timeoutMs })) {
    if (event.kind === 'answer') return { outcome: event.outcome, payload: event.payload };
    const [outcome] = event.account.hosts;
    if (outcome !== undefined) return { outcome, payload: new Uint8Array() };
  }
  throw new Error('no account');
}

export async function track(
  agent: Agent,
  nodeId: string,
  version: number,
  tables: readonly Wish[],
): Promise<TrackAnswer> {
  const { outcome, payload } = await request(
    agent,
    nodeId,
    'track',
    encodeTrackBody({ version, tables }),
  );
  if (outcome.state !== 'ok') throw new Error(`track: ${outcome.state} ${outcome.message}`);
  return decodeTrackAnswer(payload);
}

/** What one hub knows of one host: the state of each table, and every taking it committed. */
export class Keeper {
  readonly states = new Map<string, Map<string, readonly unknown[]>>();
  readonly taken: Taking[] = [];
  readonly #acks = new Map<string, Ack>();

  get acks(): readonly Ack[] {
    return [...this.#acks.values()];
  }

  ofTable(table: string): readonly Taking[] {
    return this.taken.filter((taking) => taking.table === table);
  }

  /** Asks once and commits what comes; undefined when the host did not answer. */
  async fetch(
    agent: Agent,
    nodeId: string,
    options: { bytes?: number; timeoutMs?: number } = {},
  ): Promise<FetchAnswer | undefined> {
    const { bytes, timeoutMs } = options;
    const body = encodeFetchBody({ acks: this.acks, ...(bytes === undefined ? {} : { bytes }) });
    const { outcome, payload } = await request(agent, nodeId, 'fetch', body, timeoutMs);
    if (outcome.state !== 'ok') return undefined;
    const { swarmId } = agent.node.secrets;
    const answer = decodeFetchAnswer(payload, { swarmId, nodeId });
    const { entries } = agent.node.keyList(nodeId);
    for (const taking of answer.takings) {
      if (!verifyStatement(entries[taking.keyVersion]!.signKey, taking)) {
        throw new Error(`taking ${taking.sequence} of ${taking.table} is not signed by its host`);
      }
      this.commit(taking);
    }
    return answer;
  }

  /** Applies a taking, which must fit: a hub would refuse one that does not. */
  commit(taking: Taking): void {
    const { table, line, sequence, kind } = taking;
    const known = this.#acks.get(table);
    const sameLine = known !== undefined && toHex(known.line) === toHex(line);
    const expected = (sameLine ? known.sequence : 0) + 1;
    if ((taking.dropped?.from ?? sequence) !== expected) {
      throw new Error(`${table}: taking ${sequence} came where ${expected} was due`);
    }
    this.taken.push(taking);
    const hash = kind === 'gap' ? (sameLine ? known.hash! : EMPTY) : taking.hash;
    if (kind !== 'gap') this.#apply(taking);
    this.#acks.set(table, { table, line, sequence, hash });
  }

  /** As a hub that was restored from a backup. */
  forget(table: string): void {
    this.#acks.delete(table);
  }

  acknowledge(ack: Ack): void {
    this.#acks.set(ack.table, ack);
  }

  #apply(taking: Taking): void {
    const state = new Map(taking.kind === 'full' ? [] : this.states.get(taking.table));
    const before = documentHash([...state.keys()].map(fromHex));
    if (taking.kind !== 'full' && toHex(taking.base) !== toHex(before)) {
      throw new Error(`${taking.table}: taking ${taking.sequence} goes on from another state`);
    }
    for (const { row } of taking.removed) {
      if (!state.delete(toHex(row))) throw new Error('a row is removed that was not there');
    }
    for (const { values } of taking.added)
      state.set(toHex(rowHash(taking.layout!, values)), values);
    const after = documentHash([...state.keys()].map(fromHex));
    if (toHex(after) !== toHex(taking.hash)) {
      throw new Error(
        `${taking.table}: taking ${taking.sequence} does not give the state it signs`,
      );
    }
    this.states.set(taking.table, state);
  }
}

const EMPTY = new Uint8Array();

function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}
