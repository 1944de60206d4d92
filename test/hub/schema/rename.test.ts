/** What a migration renames is there under its new name in a database of before, and nothing under the old one. */
import { expect, it } from 'vitest';
import { migrate } from '../../../src/hub/schema/migrate.ts';
import { eachPostgres, migrationsDir, sqlDir } from '../../helpers/postgres.ts';

const THIS = { migrationsDir, sqlDir, release: '0.0.0' };

eachPostgres('a database whose takings were called a collection', (postgres) => {
  it('has them as takings, with their partitions, indexes and constraints', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const pool = database.pool();
    await migrate(pool, { ...THIS, upTo: 19 });
    // As swarmplane.make_month_partition made them.
    await pool.query(`
      set local role swarmplane_owner;
      create table swarmplane.collection_202610 (like swarmplane.collection including defaults including constraints);
      alter table swarmplane.collection attach partition swarmplane.collection_202610
        for values from ('2026-10-01 00:00Z') to ('2026-11-01 00:00Z');
      insert into swarmplane.collection (at, host_at, sequence, node_id, table_name, kind, line, reason)
      values ('2026-10-05Z', '2026-10-05Z', 7, 1, 'users', 'gap', substr(sha256(''), 1, 16), 'busy')`);
    expect((await migrate(pool, THIS)).applied).toContain('020-taking');

    const names = `
      select relname as name from pg_class
       where relnamespace = 'swarmplane'::regnamespace and relname ~ '^(collection|taking)'
       union
      select conname from pg_constraint where conname ~ '^(collection|taking)'`;
    const found = (await pool.query<{ name: string }>(names)).rows.map(({ name }) => name);
    expect(found.filter((name) => name.startsWith('collection'))).toEqual([]);
    expect(found).toEqual(
      expect.arrayContaining([
        'taking',
        'taking_pkey',
        'taking_gap',
        'taking_202610',
        'taking_202610_pkey',
        'taking_202610_node_id_table_name_at_idx',
      ]),
    );
    const { rows } = await pool.query('select sequence, reason from swarmplane.taking_202610');
    expect(rows).toEqual([{ sequence: 7, reason: 'busy' }]);
    // The month that is there is found by its name, and not made again.
    await pool.query(
      `select swarmplane.make_month_partition('swarmplane', 'taking', '2026-10-20Z')`,
    );
    await pool.query(`select swarmplane.make_partitions()`);
  });
});
