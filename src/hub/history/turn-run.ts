/** One host's turn to hand over: asked, committed, acknowledged by the next question, until it has no more. */
import type { Ack, FetchAnswer, FetchBody } from '../../agent/index.ts';
import type { HistoryStore, Ingested, Turn, TurnNote } from './store.ts';
import type { Log } from '../log.ts';
import { batchText, isStorable } from './takings.ts';

/** Of a table whose whole state is to be asked for; left alone until `restUntil`, by `performance.now()`. */
export interface TableTrouble {
  readonly strikes: number;
  readonly restUntil: number;
}

export interface Heard {
  readonly answer: FetchAnswer;
  /** Wall time here, Unix milliseconds, before the question left and after the answer was here. */
  readonly between: readonly [number, number];
}

export interface TurnRunOptions {
  readonly turn: Turn;
  readonly store: HistoryStore;
  readonly log: Log;
  /** By table; written here, kept for the host's next turn. */
  readonly troubles: Map<string, TableTrouble>;
  /** @throws when the host gave no answer that can be read */
  readonly ask: (body: FetchBody) => Promise<Heard>;
  readonly signal: AbortSignal;
}

/** Questions in one turn; a host with more gets its next turn at once. */
const ROUNDS_MAX = 32;
const REST_MIN_MS = 60_000;
const REST_MAX_MS = 3_600_000;
/** In an ack: there is no state to apply changes to. */
const NO_STATE = new Uint8Array();

export class TurnRun {
  readonly #options: TurnRunOptions;
  readonly #acks: Map<string, Ack>;
  readonly #refused = new Set<string>();

  constructor(options: TurnRunOptions) {
    this.#options = options;
    this.#acks = new Map(options.turn.acks.map((ack) => [ack.table, ack]));
  }

  async go(): Promise<TurnNote> {
    const { turn, ask, signal } = this.#options;
    const identity = turn.nodeId;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const body = this.#body();
      const { answer, between } = await ask(body);
      const repeat = await this.#take(answer, body);
      for (const { table } of answer.refused) this.#refused.add(table);
      const refused = answer.refused.map((one) => ({ ...one, tracked: true as const }));
      const { wall, boot, upMs } = answer.vitals;
      const note: TurnNote = {
        identity,
        version: answer.version,
        refused,
        ...(boot !== '' && { boot, up_ms: upMs }),
        clock_off_ms: clockOff(wall, between),
      };
      if (!repeat || signal.aborted) return note;
      if (round === ROUNDS_MAX - 1) return { ...note, soon: 0 };
    }
    throw new Error('unreachable');
  }

  /** Every table that is wished for was taken once, or the host does not hand it over. */
  get isWhole(): boolean {
    return this.#options.turn.wishes.every(
      ({ table }) => this.#acks.has(table) || this.#refused.has(table),
    );
  }

  #body(): FetchBody {
    const { troubles } = this.#options;
    const now = performance.now();
    const rests = (table: string) => (troubles.get(table)?.restUntil ?? 0) > now;
    // Without a hash: from where it is, but with a whole state. Without the ack the host would begin at
    // its first taking, which says nothing new, and go on to the one that could not be taken.
    const acks = [...this.#acks.values()].map((ack) =>
      troubles.has(ack.table) ? { ...ack, hash: NO_STATE } : ack,
    );
    const wished = this.#options.turn.wishes.map(({ table }) => table);
    return wished.some(rests) ? { acks, tables: wished.filter((one) => !rests(one)) } : { acks };
  }

  /** True when the host is to be asked again at once. */
  async #take(answer: FetchAnswer, { acks }: FetchBody): Promise<boolean> {
    const { store, turn, log } = this.#options;
    const takings = answer.takings.filter(isStorable);
    if (takings.length < answer.takings.length)
      log.warn({ node: turn.nodeId }, 'takings with times or numbers beyond all measure left out');
    if (takings.length === 0) return false;
    const stated = new Set(acks.filter(({ hash }) => hash?.length).map(({ table }) => table));
    const whole = takings.map(({ table }) => table).filter((table) => !stated.has(table));
    const results = await store.ingest(
      turn.nodeId,
      batchText(takings, [...new Set(whole)], [...this.#acks.values()]),
    );
    for (const result of results) this.#learn(result);
    const asked = results.some(({ became, taken }) => became === 'again' || taken > 0);
    return (answer.more && asked) || results.some(({ became }) => became === 'again');
  }

  #learn({ table, ack, became, why }: Ingested): void {
    const { troubles, log, turn } = this.#options;
    if (ack !== undefined) this.#acks.set(table, ack);
    if (became === 'taken' || became === 'repeated') return void troubles.delete(table);
    const strikes = (troubles.get(table)?.strikes ?? 0) + 1;
    const rest = Math.min(REST_MIN_MS * 2 ** strikes, REST_MAX_MS);
    // Its whole state is asked for once at once; what goes wrong again has to wait.
    const restUntil = became === 'again' && strikes === 1 ? 0 : performance.now() + rest;
    troubles.set(table, { strikes, restUntil });
    log.warn({ node: turn.nodeId, table, why }, 'the whole state of a tracked table is needed');
  }
}

/**
 * By how much a clock that said `wall` at some moment between two is ahead (behind: less than 0), at
 * least: 0 where it may be right, however long question and answer were on their way.
 */
export function clockOff(wall: number, [before, after]: Heard['between']): number {
  return wall > after ? wall - after : Math.min(wall - before, 0);
}
