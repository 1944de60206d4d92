/**
 * Takes the tracked tables, one at a time, each when it is due, whether a hub is there or not.
 * Every try ends in the journal: as a state, as what changed since the last one, or as a gap with
 * its reason.
 */
import { QueryError, type TakenRow, type TakenTable } from '../../query/index.ts';
import { shapeHash } from '../../tables/canonical.ts';
import { concat, equalBytes, pack, toHex } from '../../wire/index.ts';
import { encodeTaking, type SignedStatement, type Statement } from '../../takings/index.ts';
import { TooLarge, type Journal } from './journal.ts';
import { Schedule } from './schedule.ts';
import type { StateStore } from './state.ts';
import type { KeptWish } from './wishes.ts';
import type { Log } from '../log.ts';

/** Clock and timer; tests have their own. */
export interface Time {
  /** Monotonic milliseconds. */
  mono(): number;
  /** Unix milliseconds. */
  wall(): number;
  /** Calls once after so many milliseconds; the result takes it back. */
  after(ms: number, call: () => void): () => void;
}

export interface TrackerOptions {
  readonly journal: Journal;
  readonly states: StateStore;
  readonly nodeId: string;
  readonly take: (wish: KeptWish, signal: AbortSignal) => Promise<TakenTable>;
  readonly sign: (content: Statement) => SignedStatement;
  readonly random: (n: number) => Uint8Array;
  /** Keeps readers of the journal out while it is written. */
  readonly exclusively: <T>(work: () => Promise<T>) => Promise<T>;
  readonly time: Time;
  readonly log: Log;
}

type Reason = NonNullable<Statement['reason']>;

/** Must fit an answer to `fetch`, with what is around it. */
const TAKING_BYTES_MAX = 3.5 * 1024 * 1024;
const TIMER_MS_MAX = 3_600_000;

export class Tracker {
  readonly #options: TrackerOptions;
  readonly #schedule: Schedule;
  readonly #stopping = new AbortController();
  /** Takings that could not be written; a gap says so once the disk takes it. */
  readonly #missed = new Map<string, Reason>();
  #wishes: readonly KeptWish[] = [];
  #running: Promise<void> | undefined;
  #disarm: (() => void) | undefined;

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#schedule = new Schedule(options.nodeId);
  }

  setWishes(wishes: readonly KeptWish[]): void {
    const { time, journal } = this.#options;
    const before = new Map(this.#wishes.map(({ table, query }) => [table, textOf(query)]));
    this.#wishes = wishes;
    this.#schedule.set(wishes, time.mono(), (table) => {
      const at = journal.heads.get(table)?.at;
      return at === undefined ? undefined : time.wall() - at;
    });
    // What is asked otherwise now is asked now.
    for (const { table, query } of wishes)
      if (before.has(table) && before.get(table) !== textOf(query))
        this.#schedule.hurry(table, time.mono());
    this.#arm();
  }

  /** The table's next taking is a full, and comes at once. */
  renew(table: string): void {
    this.#options.journal.forgetState(table);
    this.#schedule.hurry(table, this.#options.time.mono());
    this.#arm();
  }

  /** Begins a new line of the table, because its count cannot be trusted. */
  async restart(table: string, message: string): Promise<void> {
    const line = this.#options.random(16);
    await this.#gap(table, { code: 'restored', message }, { line, sequence: 1 });
    this.renew(table);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#disarm?.();
    await this.#running;
  }

  #arm(): void {
    const { time } = this.#options;
    this.#disarm?.();
    this.#disarm = undefined;
    const next = this.#schedule.next();
    if (next === undefined || this.#running !== undefined || this.#stopping.signal.aborted) return;
    const wait = Math.min(Math.max(0, next.due - time.mono()), TIMER_MS_MAX);
    this.#disarm = time.after(wait, () => this.#wake());
  }

  #wake(): void {
    const next = this.#schedule.next();
    if (next === undefined || next.due > this.#options.time.mono()) return this.#arm();
    const wish = this.#wishes.find(({ table }) => table === next.table)!;
    this.#running = this.#takeAndKeep(wish).finally(() => {
      this.#running = undefined;
      this.#schedule.taken(wish.table, this.#options.time.mono());
      this.#arm();
    });
  }

  /** Never rejects. */
  async #takeAndKeep(wish: KeptWish): Promise<void> {
    const { table } = wish;
    try {
      const taken = await this.#take(wish);
      if (this.#stopping.signal.aborted) return;
      await this.#options.exclusively(() => this.#keep(table, taken));
    } catch (error) {
      const message = (error as Error).message;
      this.#missed.set(table, { code: 'not_kept', message: reasonText(message) });
      this.#options.log.warn({ table, error: message }, 'a taking could not be kept');
    }
  }

  async #take(wish: KeptWish): Promise<TakenTable | Reason> {
    try {
      const taken = await this.#options.take(wish, this.#stopping.signal);
      if (taken.truncated) return { code: 'truncated', message: TRUNCATED };
      const bytes = taken.rows.reduce((sum, row) => sum + row.bytes.length + 4, 0);
      if (bytes <= TAKING_BYTES_MAX) return taken;
      return { code: 'too_large', message: `its rows take ${bytes} bytes` };
    } catch (error) {
      const code = error instanceof QueryError ? error.code : 'failed';
      return { code, message: reasonText((error as Error).message) };
    }
  }

  async #keep(table: string, taken: TakenTable | Reason): Promise<void> {
    const missed = this.#missed.get(table);
    if (missed !== undefined) {
      await this.#gap(table, missed);
      this.#missed.delete(table);
    }
    if ('code' in taken) return this.#gap(table, taken);
    try {
      await this.#state(table, taken);
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error;
      await this.#gap(table, { code: 'too_large', message: error.message });
    }
  }

  /** One more taking of the table: its content but for what kind it is of. */
  #next(table: string): Pick<Statement, 'table' | 'line' | 'sequence' | 'at'> {
    const { journal, random, time } = this.#options;
    const head = journal.heads.get(table);
    const line = head?.line ?? random(16);
    return { table, line, sequence: (head?.sequence ?? 0) + 1, at: time.wall() };
  }

  async #gap(
    table: string,
    reason: Reason,
    as?: Pick<Statement, 'line' | 'sequence'>,
  ): Promise<void> {
    const { journal, sign, time } = this.#options;
    const none = { base: NOTHING, hash: NOTHING, shape: NOTHING };
    const content: Statement = { ...this.#next(table), ...as, kind: 'gap', ...none, reason };
    const taking = encodeTaking(sign(content), [], NOTHING);
    await journal.append(content, time.wall(), () => ({ taking, layout: NOTHING, full: NOTHING }));
    this.#options.log.info({ table, ...reason }, 'a gap in the history of a table');
  }

  async #state(table: string, taken: TakenTable): Promise<void> {
    const { journal, states, sign, time } = this.#options;
    const shape = shapeHash(taken.shape);
    const change = await this.#changeOf(table, taken, shape);
    const content: Statement = { ...this.#next(table), ...change.about, hash: taken.hash, shape };
    const taking = encodeTaking(sign(content), change.added, change.removed);
    await journal.append(content, time.wall(), (whole) => {
      const isFull = content.kind === 'full';
      const layout = whole || isFull ? pack(taken.shape) : NOTHING;
      if (!whole || isFull) return { taking, layout, full: NOTHING };
      const full = sign({ ...content, kind: 'full', base: NOTHING });
      return { taking, layout, full: encodeTaking(full, bytesOf(taken.rows), NOTHING) };
    });
    if (content.kind === 'same') return;
    const { line, hash } = content;
    try {
      await states.write(table, { line, hash, shape: taken.shape, rows: taken.rows });
    } catch (error) {
      // The taking itself is kept; without its state the next one is a full.
      journal.forgetState(table);
      this.#options.log.warn({ table, error: (error as Error).message }, 'a state was not kept');
    }
  }

  async #changeOf(table: string, taken: TakenTable, shape: Uint8Array): Promise<Change> {
    const { journal, states } = this.#options;
    const head = journal.heads.get(table);
    if (head !== undefined && equalBytes(head.shape, shape)) {
      if (equalBytes(head.hash, taken.hash)) {
        return { about: { kind: 'same', base: head.hash }, added: [], removed: NOTHING };
      }
      const before = await states.read(table, head);
      if (before !== undefined) {
        return {
          about: { kind: 'delta', base: head.hash },
          ...difference(before.rows, taken.rows),
        };
      }
    }
    return { about: { kind: 'full', base: NOTHING }, added: bytesOf(taken.rows), removed: NOTHING };
  }
}

interface Change {
  readonly about: Pick<Statement, 'kind' | 'base'>;
  readonly added: readonly Uint8Array[];
  readonly removed: Uint8Array;
}

function difference(
  before: readonly TakenRow[],
  after: readonly TakenRow[],
): Pick<Change, 'added' | 'removed'> {
  const gone = new Map(before.map((row) => [toHex(row.row), row]));
  const added = after.filter((row) => !gone.delete(toHex(row.row)));
  const removed = [...gone.values()].map(({ key, row }) => concat(key, row));
  return { added: bytesOf(added), removed: concat(...removed) };
}

function textOf(query: KeptWish['query']): string {
  return JSON.stringify(query ?? null);
}

function bytesOf(rows: readonly TakenRow[]): Uint8Array[] {
  return rows.map((row) => row.bytes);
}

/** What a host says of itself is bounded, and fits a database. */
function reasonText(message: string): string {
  return message.replaceAll('\0', '\ufffd').slice(0, 500);
}

const TRUNCATED = 'it has more rows than the limits of this host let through';
const NOTHING = new Uint8Array(0);
