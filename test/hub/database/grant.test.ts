/** `swarmplane hub grant`: what each role may afterwards, names of every kind, nothing half done. */
import { describe, expect, it } from 'vitest';
import pg from 'pg';
import { grant, scramVerifier, type GrantOptions } from '../../../src/hub/database/grants.ts';
import type { HubError } from '../../../src/hub/errors.ts';
import { withPostgres, type TestDatabase } from '../../helpers/postgres.ts';

const postgres = withPostgres();

const BASE = { labels: [], revoke: false, dryRun: false } as const;

function urlFor(database: TestDatabase, login: string): string {
  const url = new URL(database.url);
  url.username = encodeURIComponent(login);
  return url.href;
}

async function as<T extends pg.QueryResultRow>(
  database: TestDatabase,
  login: string,
  sql: string,
): Promise<T[]> {
  const client = new pg.Client({ connectionString: urlFor(database, login) });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function withHosts(): Promise<TestDatabase> {
  const database = await postgres().createDatabase();
  await database.pool().query(`
    set role swarmplane_owner;
    select swarmplane.make_partitions();
    insert into swarmplane.node (identity, name, state) values
      (repeat('1', 64), 'web1', 'alive'), (repeat('2', 64), 'db1', 'alive');
    insert into swarmplane.node_label select id, rtrim(name, '1') from swarmplane.node;
    reset role`);
  return database;
}

const READ = 'select name from swarmplane.node order by name';
const ASK = `insert into swarmplane.request (sql) values ('select 1')`;
const SET = `update swarmplane.setting set value = '9' where name = 'attempts_max'`;
const AUDIT = 'select action, object, actor, after from swarmplane.audit order by id';

/** Roles are shared by all databases of the server: each test has names of its own. */
describe('granting', () => {
  it.each([
    ['reader', [true, false, false, false]],
    ['asker', [true, true, false, false]],
    ['operator', [true, true, true, true]],
    ['auditor', [false, false, false, true]],
  ] as const)('%s lets a new login do that and no more', async (role, may) => {
    const database = await withHosts();
    const name = `new_${role}`;
    const { password, statements } = await grant({ ...BASE, url: database.url, name, role });
    expect(password).toMatch(/^[\w-]{24}$/);
    expect(statements.join('\n')).not.toContain(password);
    const tried = [];
    for (const sql of [READ, ASK, SET, AUDIT])
      tried.push(
        await as(database, name, sql).then(
          () => true,
          () => false,
        ),
      );
    expect(tried).toEqual(may);
    // again: the login is there, its password stays
    expect((await grant({ ...BASE, url: database.url, name, role })).password).toBeUndefined();
    await grant({ ...BASE, url: database.url, name, role, revoke: true });
    await expect(as(database, name, READ)).rejects.toThrow('permission denied');
    const { rows } = await database.pool(database.superUrl).query<{ action: string }>(AUDIT);
    expect(rows.filter(({ action }) => action.startsWith('role.'))).toEqual([
      ...[1, 2].map(() =>
        expect.objectContaining({ action: 'role.grant', object: `role ${name}` }),
      ),
      {
        action: 'role.revoke',
        object: `role ${name}`,
        actor: 'swarmplane',
        after: { role: `swarmplane_${role}`, labels: [] },
      },
    ]);
  });

  it('labels narrow what a reader sees, once the row for all is gone; and are taken back', async () => {
    const database = await withHosts();
    const name = 'web_reader';
    const options: GrantOptions = {
      ...BASE,
      url: database.url,
      name,
      role: 'reader',
      labels: ['web'],
    };
    const first = await grant(options);
    expect(first.notes).toEqual([expect.stringContaining('sees every host')]);
    await database
      .pool(database.superUrl)
      .query(`delete from swarmplane.label_grant where role = 'swarmplane_reader'`);
    expect((await grant(options)).notes).toEqual([]);
    expect(await as(database, name, READ)).toEqual([{ name: 'web1' }]);
    const gone = await grant({ ...options, labels: [], revoke: true });
    expect(gone.notes).toEqual([expect.stringContaining('labels stay: web')]);
    await grant({ ...options, labels: [] });
    await grant({ ...options, revoke: true });
    expect(await as(database, name, READ)).toEqual([]);
  });

  it.each(['Robert"; drop table swarmplane.request; --', "o'neil", 'select', 'ümläut 1', '$1'])(
    'quotes the name %s',
    async (name) => {
      const database = await withHosts();
      const granted = await grant({
        ...BASE,
        url: database.url,
        name,
        role: 'reader',
        labels: [`la"b'el`],
      });
      expect(granted.password).toBeDefined();
      expect(await as(database, name, 'select session_user::text as me')).toEqual([{ me: name }]);
      expect(await as(database, name, READ)).toHaveLength(2);
    },
  );

  it('a dry run shows the same statements and runs none', async () => {
    const database = await withHosts();
    const options: GrantOptions = { ...BASE, url: database.url, name: 'dry', role: 'asker' };
    const { statements } = await grant({ ...options, dryRun: true });
    expect(statements[0]).toMatch(/^create role "dry" login password 'SCRAM-SHA-256\$/);
    expect(statements[1]).toBe('grant swarmplane_asker to "dry"');
    const { rowCount } = await database.pool().query(`select from pg_roles where rolname = 'dry'`);
    expect(rowCount).toBe(0);
  });

  it('refuses names of the system, a role that is not there, a login that may not, no schema', async () => {
    const database = await withHosts();
    const failed = (options: Partial<GrantOptions>): Promise<HubError> =>
      grant({ ...BASE, url: database.url, name: 'x', role: 'reader', ...options }).then(
        () => expect.fail('it went through') as never,
        (error: HubError) => error,
      );
    for (const name of ['', 'pg_monitor', 'swarmplane_owner', 'public', 'x'.repeat(64)])
      expect(await failed({ name })).toMatchObject({ code: 'bad_name' });
    expect(await failed({ name: 'nonesuch', revoke: true })).toMatchObject({
      code: 'no_such_role',
    });
    const weak = await database.urlAs('weak', ['swarmplane_operator']);
    const refused = await failed({ url: weak, name: 'friend', role: 'operator' });
    expect(refused).toMatchObject({
      code: 'grant_failed',
      hint: expect.stringContaining("hub's login") as string,
    });
    expect(refused.message).not.toContain('SCRAM');
    const half = await database.pool().query(`select from pg_roles where rolname = 'friend'`);
    expect(half.rowCount).toBe(0);
    const empty = await postgres().createDatabase({ empty: true });
    expect(await failed({ url: empty.url })).toMatchObject({ code: 'no_schema' });
  });

  it('its verifier is the one PostgreSQL would have made', async () => {
    const pool = (await postgres().createDatabase({ empty: true })).pool();
    await pool.query(
      `set password_encryption = 'scram-sha-256'; create role scrammed login password 'pencil-42'`,
    );
    const { rows } = await (
      await postgres().createDatabase({ empty: true })
    )
      .pool(postgres().superUrl)
      .query<{ rolpassword: string }>(
        `select rolpassword from pg_authid where rolname = 'scrammed'`,
      );
    const kept = rows[0]!.rolpassword;
    const salt = Buffer.from(/\$4096:([^$]+)\$/.exec(kept)![1]!, 'base64');
    expect(scramVerifier('pencil-42', salt)).toBe(kept);
  });
});
