/** Types of host columns and what they are in PostgreSQL: swarmplane.column_type is the one mapping. */
import { expect, it } from 'vitest';
import { COLUMN_TYPES } from '../../../src/tables/canonical.ts';
import { valuesToJson } from '../../../src/hub/database/json-text.ts';
import type { ColumnType, Value } from '../../../src/tables/types.ts';
import { eachPostgres } from '../../helpers/postgres.ts';

/** The ends of each type: JSON text, cast to the type as sql/64-row.sql casts it, gives them back. */
const ENDS: Readonly<Record<ColumnType, readonly [Value, string][]>> = {
  TEXT: [
    ['', ''],
    ['a\u2028"\\ \ud83d\ude00', 'a\u2028"\\ \ud83d\ude00'],
  ],
  INTEGER: [[-2_147_483_648, '-2147483648']],
  BIGINT: [
    [-(2n ** 63n), '-9223372036854775808'],
    [2n ** 63n - 1n, '9223372036854775807'],
  ],
  UNSIGNED_BIGINT: [[2n ** 64n - 1n, '18446744073709551615']],
  DOUBLE: [
    [0.1, '0.1'],
    [-Infinity, '-Infinity'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
  ],
  BLOB: [[Uint8Array.of(0, 255), '\\x00ff']],
};

eachPostgres('types of host columns', (postgres) => {
  it('each have one in PostgreSQL, which holds their ends', async () => {
    const pool = (await postgres().createDatabase()).pool();
    for (const type of COLUMN_TYPES) {
      const { rows } = await pool.query<{ type: string | null }>(
        'select swarmplane.column_type($1) as type',
        [type],
      );
      const called = rows[0]!.type;
      expect(called, type).not.toBeNull();
      for (const [value, written] of ENDS[type]) {
        const kept = await pool.query<{ text: string }>(
          `select (($1::jsonb) ->> 0)::${called}::text as text`,
          [valuesToJson([value])],
        );
        expect(kept.rows[0]!.text, type).toBe(written);
      }
    }
  });

  it('that no host has have none', async () => {
    const pool = (await postgres().createDatabase()).pool();
    const { rows } = await pool.query(`select swarmplane.column_type('MONEY') as type`);
    expect(rows).toEqual([{ type: null }]);
  });
});
