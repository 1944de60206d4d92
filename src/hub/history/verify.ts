/**
 * Whether the database says of hosts what they said themselves: hashes are computed anew from the rows
 * that are kept, signatures checked with keys that do not come from the database. Nothing here trusts
 * the hub.
 */
import type pg from 'pg';
import { encodeStatement, verifyStatement, type Statement } from '../../agent/index.ts';
import { documentHash, rowHash, shapeHash } from '../../tables/canonical.ts';
import {
  readRows,
  readSubjects,
  readTakings,
  readTracked,
  type Instant,
  type KeptRow,
  type KeptTaking,
  type Subject,
  type SubjectFilter,
  type TrackedTable,
} from './evidence.ts';

export interface VerifyOptions extends SubjectFilter {
  /** Of the swarm as this machine knows it. */
  readonly swarmId: Uint8Array;
  /** Signing keys of a node by version, as pinned on this machine; undefined where it knows none. */
  readonly keysOf: (nodeId: string) => Promise<ReadonlyMap<number, Uint8Array> | undefined>;
  /** What the host itself says was fetched, asked before the database is read; undefined where it cannot say. */
  readonly fetchedOf?: (nodeId: string, table: string) => Fetched | undefined;
}

/** How far a host knows that a hub has kept its takings. */
export interface Fetched {
  /** Hex. */
  readonly line: string;
  readonly sequence: number;
}

/** Something that is not as the host said. */
export interface Finding {
  readonly nodeId: string;
  readonly table: string;
  /** The taking it belongs to; undefined where there is none. */
  readonly sequence: number | undefined;
  /** Time of the taking in the database, Unix milliseconds. */
  readonly at: number | undefined;
  readonly what: string;
}

/** The account of one table of one host. */
export interface Verified {
  readonly nodeId: string;
  readonly table: string;
  readonly takings: number;
  readonly rows: number;
  /** Takings whose signature could not be checked: this machine does not have the key. */
  readonly unchecked: number;
  /** The end was compared with what the host says. */
  readonly compared: boolean;
  readonly findings: readonly Finding[];
}

/** One for each table of each host, as they are checked; all of one moment, as a hub may be at work. */
export async function* verifyHistory(
  pool: pg.Pool,
  options: VerifyOptions,
): AsyncGenerator<Verified> {
  const client = await pool.connect();
  try {
    await client.query('begin transaction isolation level repeatable read, read only');
    yield* checkHistory(client, options);
  } finally {
    await client.query('rollback').catch(() => undefined);
    client.release();
  }
}

/** The same in a transaction of the caller's. */
export async function* checkHistory(
  client: pg.ClientBase,
  options: VerifyOptions,
): AsyncGenerator<Verified> {
  const tracked = await readTracked(client);
  for (const subject of await readSubjects(client, options)) {
    const table = tracked.get(subject.table);
    if (table === undefined) continue;
    const takings = await readTakings(client, subject);
    const rows = await readRows(client, subject, table);
    const keys = await options.keysOf(subject.nodeId);
    const fetched = options.fetchedOf?.(subject.nodeId, subject.table);
    yield new Check(subject, table, takings, rows).run(options.swarmId, keys, fetched);
  }
}

class Check {
  readonly #subject: Subject;
  readonly #table: TrackedTable;
  readonly #takings: readonly KeptTaking[];
  readonly #rows: readonly KeptRow[];
  readonly #findings: Finding[] = [];
  #unchecked = 0;

  constructor(
    subject: Subject,
    table: TrackedTable,
    takings: readonly KeptTaking[],
    rows: readonly KeptRow[],
  ) {
    this.#subject = subject;
    this.#table = table;
    this.#takings = takings;
    this.#rows = rows;
  }

  run(
    swarmId: Uint8Array,
    keys: ReadonlyMap<number, Uint8Array> | undefined,
    fetched: Fetched | undefined,
  ): Verified {
    for (const row of this.#rows) this.#checkRow(row);
    for (const taking of this.#takings) this.#checkSignature(taking, swarmId, keys);
    this.#checkTimes();
    this.#checkChain();
    this.#checkStates();
    if (fetched !== undefined) this.#checkEnd(fetched);
    const { nodeId, table } = this.#subject;
    return {
      nodeId,
      table,
      takings: this.#takings.length,
      rows: this.#rows.length,
      unchecked: this.#unchecked,
      compared: fetched !== undefined,
      findings: this.#findings,
    };
  }

  #find(taking: KeptTaking | undefined, what: string): void {
    const { nodeId, table } = this.#subject;
    const at = taking === undefined ? undefined : Number(taking.at / 1000n);
    this.#findings.push({ nodeId, table, sequence: taking?.sequence, at, what });
  }

  /** The row is what its hash says, in the shape it was said in, and came and went with takings. */
  #checkRow(row: KeptRow): void {
    const came = this.#stateAt(row.from);
    const shape = this.#table.shapes.get(row.shape);
    const shown =
      shape === undefined ? 'a row' : `the row ${describe(shape.key, shape.columns, row)}`;
    if (shape === undefined || !equal(shapeHash(shape), shape.hash))
      return this.#find(came, `${shown} has a shape that no host declared`);
    if (!equal(rowHash(shape, row.values), row.rowHash) || row.foreign.length > 0)
      this.#find(came, `${shown} was changed after the host said it`);
    if (came === undefined && row.from >= this.#table.keptSince)
      this.#find(
        this.#lastBefore(row.from),
        `${shown} holds since a time at which nothing was taken`,
      );
    if (row.to !== undefined && this.#stateAt(row.to) === undefined)
      this.#find(this.#lastBefore(row.to), `${shown} ends at a time at which nothing was taken`);
  }

  #stateAt(at: Instant): KeptTaking | undefined {
    return this.#takings.find((taking) => taking.at === at && isState(taking));
  }

  #lastBefore(at: Instant): KeptTaking | undefined {
    return this.#takings.findLast((taking) => taking.at <= at);
  }

  #checkSignature(
    taking: KeptTaking,
    swarmId: Uint8Array,
    keys: ReadonlyMap<number, Uint8Array> | undefined,
  ): void {
    // what the hub wrote itself: takings that never came
    if (taking.kind === 'gap' && taking.signature === undefined) return;
    const key = keys?.get(taking.keyVersion ?? -1);
    if (key === undefined) {
      this.#unchecked++;
      return;
    }
    const statement = this.#statementOf(taking, swarmId);
    if (
      statement === undefined ||
      !verifyStatement(key, { statement, signature: taking.signature! })
    )
      this.#find(taking, 'it is not what the host signed');
  }

  /** The bytes that the host signed, made from the columns; undefined where they cannot be. */
  #statementOf(taking: KeptTaking, swarmId: Uint8Array): Uint8Array | undefined {
    const { nodeId, table } = this.#subject;
    const { line, sequence, kind, hash, reasonCode: code, reason, droppedFrom, droppedTo } = taking;
    const shape = this.#table.shapes.get(taking.shape ?? -1)?.hash;
    if (kind !== 'gap' && (shape === undefined || hash === undefined)) return undefined;
    const gap = {
      ...(code && { reason: { code, message: reason ?? '' } }),
      ...(droppedFrom !== undefined && { dropped: { from: droppedFrom, to: droppedTo ?? 0 } }),
    };
    const content: Statement = {
      table,
      line,
      sequence,
      at: Number(taking.hostAt / 1000n),
      kind,
      shape: shape ?? NOTHING,
      base: taking.base ?? NOTHING,
      hash: hash ?? NOTHING,
      ...(kind === 'gap' && gap),
    };
    return encodeStatement({ swarmId, nodeId }, content);
  }

  /** Times are those of the host, but for clocks that went back or ahead. */
  #checkTimes(): void {
    for (const [n, taking] of this.#takings.entries()) {
      const { at, hostAt, receivedAt } = taking;
      const heldBack = isHeldBack(taking, this.#takings[n - 1]);
      if (at === hostAt || isUnsigned(taking)) continue;
      if (at > hostAt ? heldBack : hostAt > receivedAt) continue;
      this.#find(taking, 'it was moved to another time than the host gave it');
    }
  }

  /** Each taking builds on the state before it: none was left out. */
  #checkChain(): void {
    let last: KeptTaking | undefined;
    let held: Uint8Array | undefined;
    for (const taking of this.#takings) {
      const inLine = last !== undefined && equal(last.line, taking.line);
      if (inLine && taking.sequence <= last!.sequence && !isUnsigned(taking))
        this.#find(taking, 'its number is not above that of the taking before it');
      if (taking.base !== undefined && held !== undefined && !(inLine && equal(taking.base, held)))
        this.#find(taking, 'a taking before it is missing');
      held = taking.hash ?? held;
      last = taking;
    }
    const { headHash, headSequence } = this.#subject;
    if (last === undefined) return;
    if (held !== undefined && (headHash === undefined || !equal(held, headHash)))
      this.#find(last, 'it is not the state in swarmplane.head');
    if (Math.max(last.sequence, last.droppedTo ?? 0) !== headSequence)
      this.#find(last, `swarmplane.head says ${headSequence} takings were handed over`);
  }

  /** What the host was told is kept, is kept: the newest takings were not removed. */
  #checkEnd({ line, sequence }: Fetched): void {
    const { headLine, headSequence } = this.#subject;
    if (headLine === line && headSequence >= sequence) return;
    const kept = headLine === line ? `${headSequence} of them` : 'another line of them';
    this.#find(
      this.#takings.at(-1),
      `the host was told that its takings up to ${sequence} are kept, and there are ${kept}`,
    );
  }

  /** At each taking the rows that hold amount to the hash that the host signed. */
  #checkStates(): void {
    const coming = [...this.#rows].sort((a, b) => order(a.from, b.from));
    const going = this.#rows
      .filter(({ to }) => to !== undefined)
      .sort((a, b) => order(a.to!, b.to!));
    const held = new Map<string, number>();
    const count = (row: KeptRow, by: number) => {
      const key = hex(row.rowHash);
      const now = (held.get(key) ?? 0) + by;
      if (now === 0) held.delete(key);
      else held.set(key, now);
    };
    let [came, went] = [0, 0];
    let wrong = false;
    for (const taking of this.#takings) {
      while (came < coming.length && coming[came]!.from <= taking.at) count(coming[came++]!, 1);
      while (went < going.length && going[went]!.to! <= taking.at) count(going[went++]!, -1);
      if (taking.hash === undefined || taking.at < this.#table.keptSince) continue;
      const hashes = [...held.keys()].map((key) => Buffer.from(key, 'hex'));
      const right =
        [...held.values()].every((times) => times === 1) &&
        equal(documentHash(hashes), taking.hash);
      if (!right && !wrong)
        this.#find(taking, 'the rows that are kept are not those the host signed');
      wrong = !right;
    }
  }
}

/** Each a microsecond after the one before it, those included that compaction has dropped. */
function isHeldBack({ at, sequence }: KeptTaking, before: KeptTaking | undefined): boolean {
  if (before === undefined) return true;
  return at - before.at <= BigInt(Math.max(1, sequence - before.sequence));
}

const NOTHING = new Uint8Array(0);

function isState({ kind }: KeptTaking): boolean {
  return kind === 'full' || kind === 'delta';
}

function isUnsigned({ signature }: KeptTaking): boolean {
  return signature === undefined;
}

function describe(
  key: readonly string[],
  columns: readonly { readonly name: string }[],
  row: KeptRow,
): string {
  const shown = columns.flatMap(({ name }, at) => {
    const value = row.values[at] ?? null;
    if (!key.includes(name)) return [];
    return [
      `${name}=${value instanceof Uint8Array ? `\\x${hex(value)}` : JSON.stringify(String(value))}`,
    ];
  });
  return shown.length === 0 ? 'of the host' : shown.join(' ');
}

function order(a: Instant, b: Instant): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
