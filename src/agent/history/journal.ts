/**
 * Takings on the disk until they are acknowledged: segments of records, appended and fsynced, the
 * oldest dropped when they are acknowledged, or beyond the bounds. Every segment begins with where
 * each table stood, and holds the whole state of a table with its first taking there, so that it
 * can be understood when those before it are gone.
 */
import type { Disk } from './disk.ts';
import { decodeStatement, type Statement } from '../../takings/index.ts';
import {
  decodeHeads,
  decodeRecord,
  encodeHeads,
  encodeRecord,
  framesOf,
  type Head,
  type Heads,
  type JournalRecord,
} from './segment.ts';
import { decodeFields } from '../../wire/index.ts';

export interface JournalBounds {
  readonly bytes: number;
  readonly ageMs: number;
}

/** So many segments: to drop the oldest is not to lose all. */
const SEGMENTS = 16;
/** One taking may be this part of the journal. */
const PARTS = 4;

export interface Segment {
  readonly name: string;
  /** Where each table stood before it. */
  readonly heads: Heads;
  bytes: number;
  /** Wall time of its first and of its newest taking; undefined while it has none. */
  since: number | undefined;
  newest: number;
  readonly tables: Map<string, Span>;
}

/** A table's takings in one segment. */
interface Span {
  line: Uint8Array;
  last: number;
  /** Its state is whole in this segment. */
  stated: boolean;
}

export interface Entry extends JournalRecord {
  readonly statement: Statement;
}

/** A taking that would push too many others out. */
export class TooLarge extends Error {
  constructor(bytes: number, bounds: JournalBounds) {
    super(`${bytes} bytes, and of a journal of ${bounds.bytes} one taking may fill a quarter`);
  }
}

export class Journal {
  readonly #disk: Disk;
  readonly #bounds: JournalBounds;
  readonly #segments: Segment[] = [];
  readonly #heads = new Map<string, Head>();
  #dropped = 0;

  private constructor(disk: Disk, bounds: JournalBounds) {
    this.#disk = disk;
    this.#bounds = bounds;
  }

  /** Cuts off what a crash left half-written. @throws when the folder cannot be read */
  static async open(disk: Disk, bounds: JournalBounds): Promise<Journal> {
    const journal = new Journal(disk, bounds);
    const names = (await disk.list()).filter((name) => SEGMENT_NAME.test(name)).sort();
    for (const name of names) await journal.#load(name);
    return journal;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Segments that the bounds have dropped since the start, with takings nobody had fetched. */
  get dropped(): number {
    return this.#dropped;
  }

  get heads(): Heads {
    return this.#heads;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** The next taking of the table is a full. */
  forgetState(table: string): void {
    const head = this.#heads.get(table);
    if (head !== undefined) this.#heads.set(table, { ...head, hash: NOTHING });
  }

  /**
   * Appends what `make` gives; on the disk when it resolves. `make` is told whether the whole state
   * belongs with it.
   * @throws TooLarge, or what the disk says; the journal is as before then
   */
  async append(
    statement: Statement,
    wall: number,
    make: (whole: boolean) => JournalRecord,
  ): Promise<void> {
    await this.#dropOld(wall);
    if (this.#mustRoll(wall)) await this.#roll();
    const segment = this.#segments.at(-1)!;
    const record = encodeRecord(make(segment.tables.get(statement.table)?.stated !== true));
    if (record.length > this.#bounds.bytes / PARTS) throw new TooLarge(record.length, this.#bounds);
    await this.#makeRoom(record.length);
    try {
      await this.#disk.append(segment.name, segment.bytes, record);
    } catch (error) {
      // The next write goes to the same place, so that it does not matter if this fails.
      await this.#disk.truncate(segment.name, segment.bytes).catch(() => undefined);
      throw error;
    }
    segment.bytes += record.length;
    this.#note(segment, statement);
  }

  /** Forgets takings up to these sequences of the tables' present lines. */
  async forget(acknowledged: ReadonlyMap<string, number>): Promise<void> {
    while (this.#segments.length > 1) {
      const [oldest] = this.#segments as [Segment];
      if (!this.#fetched(oldest, acknowledged)) return;
      await this.#drop(oldest);
    }
  }

  /** The entries of a segment, in order, as far as they are whole. */
  async *read(segment: Segment): AsyncGenerator<Entry> {
    const bytes = await this.#disk.read(segment.name);
    if (bytes === undefined) return;
    for (const entry of entriesOf(bytes.subarray(0, segment.bytes))) {
      // A write that was given up may be whole on the disk all the same; its number was used again.
      const span = segment.tables.get(entry.statement.table);
      if (span !== undefined && entry.statement.sequence <= span.last) yield entry;
    }
  }

  #note(segment: Segment, statement: Statement): void {
    const { table, line, sequence, at, kind } = statement;
    const stated = kind !== 'gap' || segment.tables.get(table)?.stated === true;
    segment.tables.set(table, { line, last: sequence, stated });
    segment.since ??= at;
    segment.newest = Math.max(segment.newest, at);
    const known = this.#heads.get(table);
    const before = known !== undefined && sameLine(known.line, line) ? known : UNKNOWN;
    const { hash, shape, found } =
      kind === 'gap' ? before : { ...statement, found: { sequence, at } };
    this.#heads.set(table, { line, sequence, at, hash, shape, found });
  }

  #mustRoll(wall: number): boolean {
    const newest = this.#segments.at(-1);
    if (newest === undefined || newest.bytes >= this.#bounds.bytes / SEGMENTS) return true;
    return newest.since !== undefined && wall - newest.since > this.#bounds.ageMs / SEGMENTS;
  }

  async #roll(): Promise<void> {
    const number = Number(this.#segments.at(-1)?.name.slice(0, NUMBER_DIGITS) ?? 0) + 1;
    const name = `${String(number).padStart(NUMBER_DIGITS, '0')}.seg`;
    const head = encodeHeads(this.#heads);
    await this.#disk.replace(name, head);
    this.#segments.push(emptySegment(name, new Map(this.#heads), head.length));
  }

  /** The newest segment and one more taking always fit. */
  async #makeRoom(bytes: number): Promise<void> {
    while (this.bytes + bytes > this.#bounds.bytes && this.#segments.length > 1) {
      this.#dropped++;
      await this.#drop(this.#segments[0]!);
    }
  }

  async #dropOld(wall: number): Promise<void> {
    while (this.#segments.length > 1) {
      const [oldest] = this.#segments as [Segment];
      if (oldest.since !== undefined && wall - oldest.newest <= this.#bounds.ageMs) return;
      if (oldest.since !== undefined) this.#dropped++;
      await this.#drop(oldest);
    }
  }

  async #drop(segment: Segment): Promise<void> {
    await this.#disk.remove(segment.name);
    this.#segments.splice(this.#segments.indexOf(segment), 1);
  }

  #fetched(segment: Segment, acknowledged: ReadonlyMap<string, number>): boolean {
    return [...segment.tables].every(([table, { line, last }]) => {
      const head = this.#heads.get(table);
      const present = head !== undefined && sameLine(head.line, line);
      return !present || last <= (acknowledged.get(table) ?? 0);
    });
  }

  async #load(name: string): Promise<void> {
    const bytes = (await this.#disk.read(name)) ?? NOTHING;
    const first = framesOf(bytes).next().value;
    const heads = first && decodeHeads(first.content);
    // Replacing a file is whole or not at all: this one rotted. Without it no count is certain.
    this.#heads.clear();
    if (heads === undefined) return this.#disk.remove(name);
    for (const [table, head] of heads) this.#heads.set(table, head);
    this.#segments.at(-1)?.tables.forEach((span, table) => {
      const head = heads.get(table);
      if (head !== undefined && sameLine(head.line, span.line)) {
        span.last = Math.min(span.last, head.sequence);
      }
    });
    const segment = emptySegment(name, heads, first!.end);
    for (const { statement, end } of entriesOf(bytes)) {
      this.#note(segment, statement);
      segment.bytes = end;
    }
    this.#segments.push(segment);
    if (segment.bytes < bytes.length) await this.#disk.truncate(name, segment.bytes);
  }
}

function* entriesOf(bytes: Uint8Array): Generator<Entry & { readonly end: number }> {
  for (const { content, end } of framesOf(bytes)) {
    if (decodeHeads(content) !== undefined) continue;
    const entry = entryOf(content);
    if (entry === undefined) return;
    yield { ...entry, end };
  }
}

function entryOf(content: Uint8Array): Entry | undefined {
  try {
    const record = decodeRecord(content);
    const [statement] = decodeFields(record.taking, 5) as [Uint8Array];
    return { ...record, statement: decodeStatement(statement) };
  } catch {
    return undefined;
  }
}

function emptySegment(name: string, heads: Heads, bytes: number): Segment {
  return { name, heads, bytes, since: undefined, newest: 0, tables: new Map() };
}

export function sameLine(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

const NUMBER_DIGITS = 12;
const SEGMENT_NAME = /^\d{12}\.seg$/;
const NOTHING = new Uint8Array(0);
const UNKNOWN = { hash: NOTHING, shape: NOTHING, found: { sequence: 0, at: 0 } };
