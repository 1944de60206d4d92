/** Rows of a table in PostgreSQL's text form, the same for every server and session, and their sum. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { CopiedTable } from './format.ts';

/** Number of rows, and a hash of them that does not depend on their order. */
export class RowSum {
  #rows = 0;
  #sum = 0n;

  add(rows: readonly string[]): void {
    this.#rows += rows.length;
    for (const row of rows) {
      // Added, not xored: two equal rows would vanish.
      this.#sum += BigInt(`0x${createHash('sha256').update(row).digest('hex')}`);
    }
  }

  get rows(): number {
    return this.#rows;
  }

  /** 64 hex digits: the sum of the rows' SHA-256 modulo 2^256. */
  get hash(): string {
    return BigInt.asUintN(256, this.#sum).toString(16).padStart(64, '0');
  }
}

const ROWS_AT_ONCE = 200;

/** Inside a transaction of a session of `speakPlainly`. */
export async function* tableRows(
  client: pg.ClientBase,
  table: CopiedTable,
): AsyncGenerator<string[]> {
  await client.query(
    `declare copied_rows no scroll cursor for select ${rowText(table)} as row from ${table.name} t`,
  );
  for (;;) {
    const { rows } = await client.query<{ row: string }>(`fetch ${ROWS_AT_ONCE} from copied_rows`);
    if (rows.length === 0) break;
    yield rows.map((each) => each.row);
  }
  await client.query('close copied_rows');
}

function rowText({ columns, types }: CopiedTable): string {
  if (types === undefined) return '(t.*)::text';
  return `row(${columns.map((column) => `t.${column}`).join(', ')})::text`;
}

/** Sets for the session what decides how values are written, and that nothing cuts it short. */
export async function speakPlainly(client: pg.ClientBase): Promise<void> {
  await client.query(`
    set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set intervalstyle = 'postgres';
    set extra_float_digits = 3; set bytea_output = 'hex'; set xmloption = 'content';
    set search_path = pg_catalog; set standard_conforming_strings = on;
    set client_min_messages = 'error'; set check_function_bodies = off;
    set row_security = off`);
  await client.query(
    `select set_config(name, '0', false) from pg_settings
      where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
                     'idle_session_timeout', 'transaction_timeout')`,
  );
}
