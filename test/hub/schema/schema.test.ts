import { expect, it } from 'vitest';
import { dumpSchema } from '../../../src/hub/schema/dump.ts';
import { readFacts } from '../../../src/hub/schema/facts.ts';
import { writeReleased } from '../../../src/hub/schema/released.ts';
import { withPostgres } from '../../helpers/postgres.ts';

const postgres = withPostgres();

it('the schema is the one in schema.sql; npm run schema writes it anew', async () => {
  const database = await postgres().createDatabase();
  const text = await dumpSchema(database.pool(database.superUrl));
  expect(text).toContain('create table swarmplane.request (');
  await expect(text).toMatchFileSnapshot('schema.sql');
});

it('what drift is compared with is sql/schema.jsonl; npm run schema writes it anew', async () => {
  const database = await postgres().createDatabase({ used: true });
  const { plain, sensitive } = EXAMPLES;
  await database
    .pool()
    .query('select swarmplane.track($1), swarmplane.track($2)', [plain, sensitive]);
  const client = await database.pool(database.superUrl).connect();
  await client.query('begin');
  const text = writeReleased(await readFacts(client), EXAMPLES);
  await client.query('rollback');
  client.release();
  expect(text).toContain('["table","inventory.{sensitive}_history"');
  await expect(text).toMatchFileSnapshot('../../../sql/schema.jsonl');
});

/** Of the tables that are tracked. */
const EXAMPLES = { plain: 'mounts', sensitive: 'shadow' };

it('the dump is the same for another database with the same migrations', async () => {
  const dumps = await Promise.all(
    [1, 2].map(async () => {
      const database = await postgres().createDatabase();
      return dumpSchema(database.pool(database.superUrl));
    }),
  );
  expect(dumps[1]).toBe(dumps[0]);
});

it('shows what a change by hand did: a column, a grant, a trigger, a policy, a function', async () => {
  const database = await postgres().createDatabase({ empty: true });
  const pool = database.pool(database.superUrl);
  await pool.query(`
    create schema swarmplane;
    create table swarmplane.thing (id bigint primary key, name text not null default 'x' check (name <> ''));
    create function swarmplane.tg() returns trigger language plpgsql as 'begin return new; end'`);
  const before = await dumpSchema(pool);
  await pool.query(`
    alter table swarmplane.thing add size int generated always as (length(name)) stored;
    alter table swarmplane.thing enable row level security;
    create policy mine on swarmplane.thing for select to public using (name = current_user);
    create trigger guard before insert on swarmplane.thing for each row execute function swarmplane.tg();
    alter table swarmplane.thing enable always trigger guard;
    create index on swarmplane.thing (name) where id > 7;
    grant select on swarmplane.thing to swarmplane;
    grant update (name) on swarmplane.thing to public;
    revoke execute on function swarmplane.tg() from public`);
  const added = (await dumpSchema(pool)).split('\n').filter((line) => !before.includes(line));
  expect(added).toMatchInlineSnapshot(`
    [
      "  size integer generated always as (length(name)) stored,",
      "CREATE INDEX thing_name_idx ON swarmplane.thing USING btree (name) WHERE (id > 7);",
      "CREATE TRIGGER guard BEFORE INSERT ON swarmplane.thing FOR EACH ROW EXECUTE FUNCTION swarmplane.tg();",
      "alter table swarmplane.thing enable always trigger guard;",
      "alter table swarmplane.thing enable row level security;",
      "create policy mine on swarmplane.thing for select to public using (name = CURRENT_USER);",
      "grant select on swarmplane.thing to swarmplane;",
      "grant update (name) on swarmplane.thing to public;",
    ]
  `);
});
