/**
 * What a request and an answer carry, opaque to the swarm: MessagePack maps. Numbers that do not
 * fit a double stay 64-bit integers, blobs stay bytes.
 */
import { setImmediate } from 'node:timers/promises';
import type { QueryResult } from '../query/index.ts';
import type { HostOutcome } from '../swarm/index.ts';
import type { Value } from '../tables/types.ts';
import {
  concat,
  pack,
  packArrayHeader,
  packMapHeader,
  unpack,
  WireError,
  type Packable,
} from '../wire/index.ts';
import type { HostAnswer } from './types.ts';

/** The body of a request of kind `query`. */
export function encodeQueryBody(sql: string): Uint8Array {
  return pack({ sql });
}

/** @throws WireError `malformed` */
export function decodeQueryBody(body: Uint8Array): { sql: string } {
  const value = unpack(body);
  const sql = isMap(value) ? value['sql'] : undefined;
  if (typeof sql !== 'string') throw new WireError('malformed', 'a query request without sql');
  return { sql };
}

/**
 * Packs the rows that fit `bytesMax`, leaving out the last ones where not all do. Megabytes of rows
 * are packed in slices, so that heartbeats get their turn between them.
 */
export async function encodeAnswer(
  result: Pick<QueryResult, 'columns' | 'rows' | 'warnings'>,
  bytesMax: number,
): Promise<{ payload: Uint8Array; rowCount: number; truncated: boolean }> {
  const before = concat(packMapHeader(3), pack('columns'), pack(result.columns), pack('rows'));
  const cut = `truncated: an answer has ${bytesMax} bytes; ask for fewer columns, or for the rows in parts`;
  const said = (warnings: readonly string[]) => concat(pack('warnings'), pack(warnings));
  const after = said([cut, ...result.warnings]);
  let bytes = before.length + ARRAY_HEADER_BYTES + after.length;
  const rows: Uint8Array[] = [];
  let sliceBytes = 0;
  for (const row of result.rows) {
    const packed = pack(row as Packable);
    if (bytes + packed.length > bytesMax) break;
    bytes += packed.length;
    rows.push(packed);
    sliceBytes += packed.length;
    if (sliceBytes > SLICE_BYTES || rows.length % SLICE_ROWS === 0) {
      sliceBytes = 0;
      await setImmediate();
    }
  }
  // Joining the parts is a turn of its own, and so is what comes after it.
  await setImmediate();
  const truncated = rows.length < result.rows.length;
  const end = truncated ? after : said(result.warnings);
  const payload = concat(before, packArrayHeader(rows.length), ...rows, end);
  await setImmediate();
  return { payload, rowCount: rows.length, truncated };
}

const ARRAY_HEADER_BYTES = 5;
const SLICE_BYTES = 256 * 1024;
const SLICE_ROWS = 500;

/** An answer whose rows are decoded only when somebody looks at them. */
export class PackedAnswer implements HostAnswer {
  readonly outcome: HostOutcome;
  readonly payload: Uint8Array;
  readonly proof: Uint8Array;
  #content: Content | undefined;

  constructor(outcome: HostOutcome, payload: Uint8Array, proof: Uint8Array) {
    this.outcome = outcome;
    this.payload = payload;
    this.proof = proof;
  }

  get columns(): readonly string[] {
    return this.#decoded().columns;
  }

  get rows(): readonly (readonly Value[])[] {
    return this.#decoded().rows;
  }

  get warnings(): readonly string[] {
    return this.#decoded().warnings;
  }

  #decoded(): Content {
    return (this.#content ??= decodeContent(this.payload, this.outcome.rowCount));
  }
}

interface Content {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
  readonly warnings: readonly string[];
}

const NOTHING: Content = { columns: [], rows: [], warnings: [] };

/** The bytes come from another host: whatever does not fit is no rows and a warning, never an error. */
function decodeContent(payload: Uint8Array, rowCount: number): Content {
  if (payload.length === 0) return NOTHING;
  try {
    const value = unpack(payload);
    if (!isMap(value)) throw new WireError('malformed', 'not a map');
    const columns = texts(value['columns']);
    const rows = value['rows'];
    if (!Array.isArray(rows)) throw new WireError('malformed', 'rows are no list');
    if (rows.length !== rowCount)
      throw new WireError('malformed', `${rows.length} rows, and it says ${rowCount}`);
    for (const row of rows) checkRow(row as Packable, columns.length);
    return { columns, rows: rows as Value[][], warnings: texts(value['warnings'] ?? []) };
  } catch (error) {
    return { ...NOTHING, warnings: [`the answer could not be read: ${(error as Error).message}`] };
  }
}

function checkRow(row: Packable, width: number): void {
  const fits =
    Array.isArray(row) &&
    row.length === width &&
    row.every((v) => v === null || typeof v !== 'object' || v instanceof Uint8Array);
  if (!fits) throw new WireError('malformed', `a row that is no list of ${width} values`);
  for (let i = 0; i < width; i++)
    if (typeof row[i] === 'boolean') (row as Packable[])[i] = row[i] ? 1 : 0;
}

function texts(value: Packable | undefined): string[] {
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) {
    throw new WireError('malformed', 'not a list of texts');
  }
  return value as string[];
}

function isMap(value: Packable | undefined): value is { readonly [key: string]: Packable } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  );
}
