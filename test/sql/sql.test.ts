/** Runs each NN-topic.sql of this folder in a new database: act as each role, assert, roll back. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { eachPostgres } from '../helpers/postgres.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const files = readdirSync(folder).filter((name) => /^\d\d-.*\.sql$/.test(name));
const read = (name: string): string => readFileSync(folder + name, 'utf8');

/** Login to the roles it is in. */
const LOGINS: Readonly<Record<string, readonly string[]>> = {
  alice: ['swarmplane_operator'],
  bob: ['swarmplane_asker'],
  rita: ['swarmplane_reader'],
  hank: ['swarmplane_hub'],
  carol: ['swarmplane_auditor'],
  olga: ['swarmplane_operator'],
  sven: ['swarmplane_sensitive'],
  mallory: [],
};

eachPostgres('in SQL', (postgres) => {
  it.each(files)('%s', async (name) => {
    const database = await postgres().createDatabase();
    for (const [login, roles] of Object.entries(LOGINS)) await database.urlAs(login, roles);
    const client = await database.pool(database.superUrl).connect();
    try {
      await client.query(read('assert.sql'));
      await client.query(read(name));
      const { rows } = await client.query('select pg_current_xact_id_if_assigned() as open');
      expect(rows, 'the file ends its transactions').toEqual([{ open: null }]);
    } finally {
      client.release(true);
    }
  });
});
