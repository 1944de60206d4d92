/**
 * The history of this host: its wish list, its tracker, its journal, and the two requests of a hub
 * about them (docs/protocol.md section 11).
 */
import { CodedError } from '../../base/index.ts';
import { QueryError, type PreparedInfo, type QueryRunner } from '../../query/index.ts';
import { SecureError } from '../../secure/index.ts';
import type { IncomingRequest } from '../../swarm/index.ts';
import { toHex } from '../../wire/index.ts';
import {
  type Ack,
  decodeFetchBody,
  decodeTrackBody,
  encodeFetchAnswer,
  encodeTrackAnswer,
  type Refusal,
  type SignedStatement,
  type Statement,
  type Wish,
} from '../../takings/index.ts';
import { removeLeftovers, type Disk } from './disk.ts';
import { handOver } from './handover.ts';
import { Journal, sameLine, type JournalBounds } from './journal.ts';
import { StateStore } from './state.ts';
import { Tracker, type Time } from './tracker.ts';
import {
  EVERY_SECONDS_MAX,
  isInterval,
  isTableName,
  readWishes,
  WISHES_MAX,
  writeWishes,
  type KeptWish,
  type WishList,
} from './wishes.ts';
import type { Log } from '../log.ts';
import { readVitals } from './vitals.ts';

export interface HistoryOptions {
  readonly disk: Disk;
  readonly bounds: JournalBounds;
  readonly nodeId: string;
  readonly runner: Pick<QueryRunner, 'prepare' | 'take'>;
  readonly sign: (content: Statement) => SignedStatement;
  readonly random: (n: number) => Uint8Array;
  readonly time: Time;
  readonly log: Log;
  /** Whether a member says that it is a hub. */
  readonly isHub: (nodeId: string) => boolean;
  /** @throws SecureError unless the request shows a certificate that names the tables */
  readonly requireCertificate: (request: IncomingRequest, tables: readonly string[]) => void;
}

/** What `status` shows. */
export interface HistoryStatus {
  /** Of the wish list, 0 when there is none. */
  readonly version: number;
  readonly journalBytes: number;
  /** Segments that the bounds have dropped since the start. */
  readonly dropped: number;
  readonly tables: readonly {
    readonly table: string;
    readonly every: number;
    readonly sequence: number;
    /** Unix milliseconds of the last taking; null before the first. */
    readonly at: number | null;
    /** Of its takings, hex; null before the first. */
    readonly line: string | null;
    /** The newest of that line that a hub acknowledged since the start; null where none did. */
    readonly fetched: number | null;
  }[];
}

const ANSWER_BYTES = 1024 * 1024;
const ANSWER_BYTES_MAX = 3.75 * 1024 * 1024;
const NOT_A_HUB = 'is taken from hubs only that the operator certified, and its sender is none';

export class History {
  readonly #options: HistoryOptions;
  readonly #journal: Journal;
  readonly #states: StateStore;
  readonly #tracker: Tracker;
  #wishes: WishList | undefined;
  /** The newest acknowledged taking of each table. */
  readonly #fetched = new Map<string, Pick<Ack, 'line' | 'sequence'>>();
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(options: HistoryOptions, journal: Journal, wishes: WishList | undefined) {
    this.#options = options;
    this.#journal = journal;
    this.#states = new StateStore(options.disk);
    this.#wishes = wishes;
    const { runner } = options;
    this.#tracker = new Tracker({
      ...options,
      journal,
      states: this.#states,
      take: ({ table, query, sensitive }, signal) =>
        runner.take(query ?? table, { signal, allowSensitive: sensitive.length > 0 }),
      exclusively: (work) => this.#exclusively(work),
    });
  }

  /** Reads what the last run left. @throws when the folder cannot be read */
  static async open(options: HistoryOptions): Promise<History> {
    await removeLeftovers(options.disk);
    const journal = await Journal.open(options.disk, options.bounds);
    return new History(options, journal, await readWishes(options.disk));
  }

  /** Begins to take. */
  start(): void {
    this.#tracker.setWishes(this.#tables);
  }

  get status(): HistoryStatus {
    return {
      version: this.#wishes?.version ?? 0,
      journalBytes: this.#journal.bytes,
      dropped: this.#journal.dropped,
      tables: this.#tables.map(({ table, every }) => {
        const { sequence = 0, at = null, line } = this.#journal.heads.get(table) ?? {};
        const acked = this.#fetched.get(table);
        const inLine = line !== undefined && acked !== undefined && sameLine(acked.line, line);
        const fetched = inLine ? acked.sequence : null;
        return { table, every, sequence, at, line: line ? toHex(line) : null, fetched };
      }),
    };
  }

  /**
   * Takes up a wish list that is not older than the one kept.
   * @throws SecureError, WireError, QueryError `busy`
   */
  async track(request: IncomingRequest): Promise<Uint8Array> {
    this.#requireHub(request);
    const { version, tables } = decodeTrackBody(request.body);
    return this.#exclusively(async () => {
      const kept = this.#wishes?.version ?? 0;
      if (version < kept) return encodeTrackAnswer({ version: kept, taken: false, refused: [] });
      const { wishes, refused } = await this.#judge(request, tables);
      const { id, origin, originName } = request;
      const from = { origin, originName, request: id, at: this.#options.time.wall() };
      const list: WishList = { version, ...from, tables: wishes };
      await writeWishes(this.#options.disk, list);
      this.#wishes = list;
      await this.#states.keepOnly(wishes.map(({ table }) => table));
      this.#tracker.setWishes(wishes);
      return encodeTrackAnswer({ version, taken: true, refused });
    });
  }

  /**
   * Forgets what is acknowledged and gives what follows.
   * @throws SecureError, WireError
   */
  async fetch(request: IncomingRequest): Promise<{ payload: Uint8Array; takings: number }> {
    this.#requireHub(request);
    const { acks, bytes = ANSWER_BYTES, tables } = decodeFetchBody(request.body);
    return this.#exclusively(async () => {
      const { allowed, refused } = this.#allowed(request, tables);
      const own = acks.filter(({ table }) => allowed.includes(table));
      for (const ack of own) await this.#checkAck(ack);
      for (const ack of own) this.#noteFetched(ack);
      await this.#journal.forget(this.#sequences(own));
      const sources = { journal: this.#journal, states: this.#states, sign: this.#options.sign };
      const found = await handOver(sources, allowed, own, Math.min(bytes, ANSWER_BYTES_MAX));
      for (const table of found.stateless) this.#tracker.renew(table);
      const version = this.#wishes?.version ?? 0;
      const vitals = readVitals(this.#options.time.wall());
      const payload = encodeFetchAnswer({ ...found, version, refused, vitals });
      return { payload, takings: found.takings.length };
    });
  }

  async stop(): Promise<void> {
    await this.#tracker.stop();
    await this.#tail;
  }

  get #tables(): readonly KeptWish[] {
    return this.#wishes?.tables ?? [];
  }

  #requireHub({ origin, originName, kind }: IncomingRequest): void {
    if (this.#options.isHub(origin)) return;
    const grant = `swarmplane operator grant ${originName} --role hub`;
    throw new SecureError('bad_certificate', `${kind} ${NOT_A_HUB}: \`${grant}\``);
  }

  async #judge(
    request: IncomingRequest,
    tables: readonly Wish[],
  ): Promise<{ wishes: KeptWish[]; refused: Refusal[] }> {
    const wishes = new Map<string, KeptWish>();
    const refused: Refusal[] = [];
    for (const wish of tables) {
      const refuse = (code: string, message: string) =>
        refused.push({ table: wish.table, code, message });
      if (wishes.size >= WISHES_MAX) {
        refuse('too_many', `at most ${WISHES_MAX} tables are tracked`);
        continue;
      }
      try {
        wishes.set(wish.table, { ...wish, sensitive: await this.#check(request, wish) });
      } catch (error) {
        if (error instanceof Refused) refuse(error.code, error.message);
        else if (error instanceof SecureError) refuse('authority', error.message);
        else throw error;
      }
    }
    return { wishes: [...wishes.values()], refused };
  }

  /** The sensitive tables that it reads. @throws Refused, SecureError, QueryError */
  async #check(
    request: IncomingRequest,
    { table, every, query }: Wish,
  ): Promise<readonly string[]> {
    if (!isTableName(table))
      throw new Refused('no_such_table', `not a table: "${table.slice(0, 80)}"`);
    if (!isInterval(every)) {
      throw new Refused(
        'bad_interval',
        `every ${every} s: choose 1 to ${EVERY_SECONDS_MAX} seconds`,
      );
    }
    const sensitive =
      query === undefined
        ? await this.#checkTable(request, table)
        : await this.#checkQuery(request, table, query.query);
    if (sensitive.length > 0) this.#options.requireCertificate(request, sensitive);
    return sensitive;
  }

  async #checkTable(request: IncomingRequest, table: string): Promise<readonly string[]> {
    try {
      return (await this.#prepare(request, `select * from "${table}"`)).sensitive;
    } catch (error) {
      if (!(error instanceof QueryError) || !FINAL.has(error.code)) throw error;
      throw new Refused(error.code === 'not_authorized' ? 'denied' : error.code, error.message);
    }
  }

  /** A query that cannot be asked here is kept: each of its takings is a gap that says why. */
  async #checkQuery(
    request: IncomingRequest,
    name: string,
    sql: string,
  ): Promise<readonly string[]> {
    if (await this.#isTable(request, name))
      throw new Refused('name_taken', `"${name}" is a table of this host: ${OTHER_NAME}`);
    try {
      return (await this.#prepare(request, sql)).sensitive;
    } catch (error) {
      if (!(error instanceof QueryError) || MOMENTARY.has(error.code)) throw error;
      return [];
    }
  }

  async #isTable(request: IncomingRequest, name: string): Promise<boolean> {
    try {
      await this.#prepare(request, `select * from "${name}"`);
      return true;
    } catch (error) {
      if (!(error instanceof QueryError) || !FINAL.has(error.code)) throw error;
      return error.code !== 'no_such_table';
    }
  }

  #prepare({ origin, remainingMs }: IncomingRequest, sql: string): Promise<PreparedInfo> {
    return this.#options.runner.prepare(sql, { asker: origin, waitMs: remainingMs });
  }

  /** The wished tables that this asker may have. */
  #allowed(
    request: IncomingRequest,
    only: readonly string[] | undefined,
  ): { allowed: string[]; refused: Refusal[] } {
    const allowed: string[] = [];
    const refused: Refusal[] = [];
    for (const { table, sensitive } of this.#tables) {
      if (only !== undefined && !only.includes(table)) continue;
      try {
        if (sensitive.length > 0) this.#options.requireCertificate(request, sensitive);
        allowed.push(table);
      } catch (error) {
        refused.push({ table, code: 'authority', message: (error as Error).message });
      }
    }
    return { allowed, refused };
  }

  /** An ack for what was never made: this host was set back, and would use its numbers again. */
  async #checkAck({ table, line, sequence }: Ack): Promise<void> {
    const head = this.#journal.heads.get(table);
    if (head === undefined || !sameLine(head.line, line) || sequence <= head.sequence) return;
    const message = `taking ${sequence} was fetched, and this host has come to ${head.sequence} only`;
    this.#options.log.warn({ table, sequence }, `this host was set back: ${message}`);
    await this.#tracker.restart(table, message);
  }

  #noteFetched({ table, line, sequence }: Ack): void {
    const known = this.#fetched.get(table);
    const newest = known !== undefined && sameLine(known.line, line) ? known.sequence : 0;
    this.#fetched.set(table, { line: line.slice(), sequence: Math.max(newest, sequence) });
  }

  /** Up to where each table is fetched; one that is not tracked any more is so as a whole. */
  #sequences(acks: readonly Ack[]): Map<string, number> {
    const sequences = new Map<string, number>();
    for (const [table, head] of this.#journal.heads) {
      const ack = acks.find((one) => one.table === table && sameLine(one.line, head.line));
      const tracked = this.#tables.some((wish) => wish.table === table);
      sequences.set(table, tracked ? (ack?.sequence ?? 0) : Infinity);
    }
    return sequences;
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return done;
  }
}

/** Why a table of a wish list is left out. */
class Refused extends CodedError {}

const OTHER_NAME = 'untrack the query, and track it under another name';
/** What asking again may change. */
const MOMENTARY: ReadonlySet<string> = new Set(['busy', 'cancelled']);
/** What asking again would not change. */
const FINAL: ReadonlySet<string> = new Set([
  ...['no_such_table', 'not_authorized', 'constraint_required', 'not_served', 'syntax'],
]);
