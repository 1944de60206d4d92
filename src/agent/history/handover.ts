/**
 * What is handed over to whoever fetches: the takings that follow its acks, in order. Where the
 * next one is not kept any more, or does not go on from the asker's state, a gap that says so and
 * the next state that is known whole.
 */
import { shapeHash } from '../../tables/canonical.ts';
import type { Shape } from '../../tables/types.ts';
import { equalBytes, pack, toHex, unpack } from '../../wire/index.ts';
import {
  type Ack,
  encodeTaking,
  layoutOf,
  type SignedStatement,
  type Statement,
} from '../../takings/index.ts';
import { sameLine, type Entry, type Journal, type Segment } from './journal.ts';
import type { Head } from './segment.ts';
import type { StateStore } from './state.ts';

export interface HandoverSources {
  readonly journal: Journal;
  readonly states: StateStore;
  readonly sign: (content: Statement) => SignedStatement;
}

export interface Handover {
  readonly takings: readonly Uint8Array[];
  readonly layouts: readonly Shape[];
  readonly more: boolean;
  /** Tables of which the asker needs a state and none is kept: their next taking must be a full. */
  readonly stateless: readonly string[];
}

/** How far the asker is with one table. */
interface Cursor {
  readonly table: string;
  readonly head: Head;
  sequence: number;
  /** Document hash of its state; undefined where it did not say. */
  hash: Uint8Array | undefined;
  /** Wall time of the last taking behind `sequence` that was passed over. */
  passedAt: number | undefined;
  layout: Uint8Array;
}

/** `tables` are those the asker may have. */
export async function handOver(
  { journal, states, sign }: HandoverSources,
  tables: readonly string[],
  acks: readonly Ack[],
  bytesMax: number,
): Promise<Handover> {
  const cursors = cursorsOf(journal, tables, acks);
  const parcel = new Parcel(bytesMax, sign);
  for (const segment of [...journal.segments]) {
    if (![...segment.tables].some(([table, { last }]) => isBehind(cursors.get(table), last)))
      continue;
    for await (const entry of journal.read(segment)) {
      const cursor = cursors.get(entry.statement.table);
      if (cursor !== undefined) follow(parcel, cursor, entry, segment);
      if (parcel.full) return parcel.close([]);
    }
  }
  const stateless: string[] = [];
  for (const cursor of cursors.values()) {
    if (parcel.full) break;
    if (!(await leap(parcel, cursor, states))) stateless.push(cursor.table);
  }
  return parcel.close(stateless);
}

function cursorsOf(
  journal: Journal,
  tables: readonly string[],
  acks: readonly Ack[],
): Map<string, Cursor> {
  const cursors = new Map<string, Cursor>();
  for (const table of tables) {
    const head = journal.heads.get(table);
    if (head === undefined) continue;
    const ack = acks.find((one) => one.table === table && sameLine(one.line, head.line));
    const { sequence = 0, hash } = ack ?? {};
    cursors.set(table, { table, head, sequence, hash, passedAt: undefined, layout: NOTHING });
  }
  return cursors;
}

function isBehind(cursor: Cursor | undefined, last: number): boolean {
  return cursor !== undefined && cursor.sequence < last;
}

/** One taking of the journal, in the form in which the asker can go on with it. */
function follow(parcel: Parcel, cursor: Cursor, entry: Entry, segment: Segment): void {
  const { statement } = entry;
  if (!sameLine(statement.line, cursor.head.line)) return;
  if (entry.layout.length > 0) cursor.layout = entry.layout;
  if (statement.sequence <= cursor.sequence) return;
  const next = statement.sequence === cursor.sequence + 1;
  if (next && goesOnFrom(cursor, statement)) return parcel.put(cursor, statement, [entry.taking]);
  const onward = onwardOf(cursor, entry);
  if (onward.length === 0) {
    cursor.passedAt = statement.at;
    return;
  }
  const before = segment.heads.get(cursor.table);
  const passedAt = cursor.passedAt ?? before?.at ?? statement.at;
  const gap = parcel.gap(cursor, statement.sequence - 1, passedAt);
  parcel.put(cursor, statement, [...gap, onward]);
}

/** The form in which a taking stands behind ones that the asker does not get; empty where it cannot. */
function onwardOf({ head, sequence }: Cursor, { statement, taking, full }: Entry): Uint8Array {
  if (statement.kind === 'full') return taking;
  // What is missing before it were gaps, too: no state is lost, and its reason is all there is to say.
  if (statement.kind === 'gap' && head.found.sequence <= sequence) return taking;
  return full;
}

function goesOnFrom({ hash }: Cursor, { kind, base }: Statement): boolean {
  return kind === 'gap' || kind === 'full' || hash === undefined || equalBytes(hash, base);
}

/**
 * To the state that is kept beside the journal, where the journal has nothing to go on with.
 * False when there is none: then a gap tells what the asker does not get, as the next state may be
 * a long time coming.
 */
async function leap(parcel: Parcel, cursor: Cursor, states: StateStore): Promise<boolean> {
  const { table, head, sequence: begun } = cursor;
  const agrees = cursor.hash === undefined || equalBytes(cursor.hash, head.hash);
  if (begun === head.sequence && agrees) return true;
  const state = head.found.sequence > begun ? await states.read(table, head) : undefined;
  if (state === undefined) {
    putRest(parcel, cursor);
    return agrees && head.found.sequence <= begun;
  }
  const { sequence, at } = head.found;
  const content: Statement = {
    table,
    line: head.line,
    sequence,
    at,
    kind: 'full',
    base: NOTHING,
    hash: state.hash,
    shape: shapeHash(state.shape),
  };
  const rows = state.rows.map((row) => row.bytes);
  const whole = encodeTaking(parcel.sign(content), rows, NOTHING);
  cursor.layout = pack(state.shape);
  // Gaps behind that state were passed over, too.
  const gap = parcel.gap(cursor, sequence - 1, Math.min(cursor.passedAt ?? at, at));
  parcel.put(cursor, content, [...gap, whole]);
  putRest(parcel, cursor);
  return true;
}

/** A gap for all that follows. */
function putRest(parcel: Parcel, cursor: Cursor): void {
  const { head } = cursor;
  const rest = parcel.gap(cursor, head.sequence, head.at);
  if (rest.length > 0) parcel.put(cursor, { kind: 'gap', sequence: head.sequence }, rest);
}

/** The last one of takings that are put. */
type Last = Statement | { readonly kind: 'gap'; readonly sequence: number };

/** The answer as it fills. */
class Parcel {
  readonly sign: (content: Statement) => SignedStatement;
  readonly #bytesMax: number;
  readonly #takings: Uint8Array[] = [];
  readonly #layouts = new Map<string, Uint8Array>();
  #bytes = 0;
  /** Something did not fit. */
  full = false;

  constructor(bytesMax: number, sign: (content: Statement) => SignedStatement) {
    this.#bytesMax = bytesMax;
    this.sign = sign;
  }

  /** Takings that stay together. */
  put(cursor: Cursor, last: Last, takings: readonly Uint8Array[]): void {
    const bytes = takings.reduce((sum, { length }) => sum + length + OVERHEAD_BYTES, 0);
    this.full ||= this.#takings.length > 0 && this.#bytes + bytes > this.#bytesMax;
    if (this.full) return;
    this.#bytes += bytes;
    this.#takings.push(...takings);
    cursor.sequence = last.sequence;
    cursor.passedAt = undefined;
    if (last.kind === 'gap') return;
    cursor.hash = last.hash;
    this.#layouts.set(toHex(last.shape), cursor.layout);
  }

  /** A gap for the takings up to `to` that the asker does not get; none where there are none. */
  gap({ table, head, sequence }: Cursor, to: number, at: number): Uint8Array[] {
    if (to <= sequence) return [];
    const content: Statement = {
      table,
      line: head.line,
      sequence: to,
      at,
      kind: 'gap',
      base: NOTHING,
      hash: NOTHING,
      shape: NOTHING,
      reason: { code: 'dropped', message: 'no longer kept' },
      dropped: { from: sequence + 1, to },
    };
    return [encodeTaking(this.sign(content), [], NOTHING)];
  }

  close(stateless: readonly string[]): Handover {
    const layouts = [...this.#layouts.values()].map((one) => layoutOf(unpack(one)));
    return { takings: this.#takings, layouts, more: this.full, stateless };
  }
}

/** What MessagePack puts around a taking. */
const OVERHEAD_BYTES = 5;
const NOTHING = new Uint8Array(0);
