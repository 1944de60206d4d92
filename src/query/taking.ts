/** A whole table as history wants it: its visible columns, each row canonical and hashed, each once. */
import { documentHash, encodeRow, canonicalRow, keyHash, rowHash } from '../tables/canonical.ts';
import type { HostTable, Shape, Value } from '../tables/types.ts';
import type { Database } from './database.ts';
import type { Session } from './session.ts';
import { QueryError, type TakenRow } from './types.ts';

/** Bytes of a key hash and a row hash in front of the encoded row. */
const HASHES_BYTES = 64;

/** @throws QueryError no_such_table or not_authorized */
export function tableToTake(database: Database, name: string): HostTable {
  const table = database.table(name);
  if (table !== undefined) return table;
  const quoted = JSON.stringify(name.slice(0, 80));
  throw database.whyMissing(name) ?? new QueryError('no_such_table', `no such table: ${quoted}`);
}

/** @throws QueryError load_only */
export function requireState(name: string, shape: Shape): void {
  if (shape.columns.length > 0) return;
  const message = `table "${name}" shows nothing but load, of which no history is kept`;
  throw new QueryError('load_only', message);
}

/** A query's rows are read by place. @throws QueryError no_such_column */
export function requireColumns(columns: readonly string[], shape: Shape): void {
  const declared = shape.columns.map(({ name }) => name);
  if (columns.length === declared.length && columns.every((name, at) => name === declared[at]))
    return;
  throw new QueryError(
    'no_such_column',
    `the query gives the columns ${columns.join(', ')} here, and is declared to give ${declared.join(', ')}`,
  );
}

export function takingSql(table: HostTable, shape: Shape): string {
  const names = shape.columns.map(({ name }) => `"${name}"`);
  return `select ${names.join(', ')} from "${table.name}"`;
}

/** Gathers the document hash while rows go by. */
export class Taking {
  readonly #shape: Shape;
  readonly #session: Session;
  readonly #hashes = new Map<string, Uint8Array>();

  constructor(shape: Shape, session: Session) {
    this.#shape = shape;
    this.#session = session;
  }

  get hash(): Uint8Array {
    return documentHash(this.#hashes.values());
  }

  /** For each row that was not there yet one value: key hash, row hash, encoded row. */
  *rows(rows: Iterable<readonly Value[]>): Generator<readonly [Uint8Array]> {
    for (const given of rows) {
      const row = canonicalRow(this.#shape, given);
      const hash = rowHash(this.#shape, row);
      const name = Buffer.from(hash).toString('latin1');
      if (this.#hashes.has(name)) continue;
      this.#hashes.set(name, hash);
      this.#session.checkTime();
      yield [Buffer.concat([keyHash(this.#shape, row), hash, encodeRow(this.#shape, row)])];
    }
  }
}

/** What `Taking.rows` made, on the agent's side. */
export function takenRow([value]: readonly Value[]): TakenRow {
  // Node's channel gives Buffers, whose methods differ.
  const { buffer, byteOffset, length } = value as Uint8Array;
  const bytes = new Uint8Array(buffer, byteOffset, length);
  return {
    key: bytes.subarray(0, HASHES_BYTES / 2),
    row: bytes.subarray(HASHES_BYTES / 2, HASHES_BYTES),
    bytes: bytes.subarray(HASHES_BYTES),
  };
}
