/** Policies of a pack as rows of desired state, by the program against a real PostgreSQL. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withPostgres } from '../helpers/postgres.ts';
import { checkOf } from '../../src/cli/pack-import.ts';
import { swarmplane } from '../helpers/swarm.ts';

const POLICIES = `apiVersion: v1
kind: policy
spec:
  name: no empty passwords
  query: select 1 where not exists (select 1 from shadow where password_status = 'empty'); -- ok
  description: Nobody gets in without a password.
  resolution: Lock the account.
---
kind: policy
spec: {name: gatekeeper, query: select 1 from gatekeeper, platform: darwin}
---
kind: query
spec: {name: who, query: select * from users}
`;

it('a check keeps what looks like a comment and is none', () => {
  expect(checkOf(`select 1 where x = '-- a;' /* b */ and y = "/*" ; -- c`)).toBe(
    `select 'policy' as failed where not exists (select 1 where x = '-- a;'   and y = "/*")`,
  );
});

describe('pack import', () => {
  const postgres = withPostgres();
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'swarmplane-pack-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  it('makes a row of each policy, changes it the next time, and leaves queries', async () => {
    const database = await postgres().createDatabase();
    const args = ['--state', folder, 'pack', 'import', '--database', database.url];
    const first = await swarmplane([...args, file('a.yml', POLICIES)]);
    expect(first.stderr).toBe('');
    expect(first.stdout).toBe(
      [
        'new        no empty passwords',
        'skipped    gatekeeper: is for darwin',
        'table swarmplane.policy_status tells how they stand',
        '',
      ].join('\n'),
    );
    const pool = database.pool();
    const { rows } = await pool.query(
      'select name, sql, hosts, description, resolution, action, dry_run from swarmplane.desired',
    );
    expect(rows).toEqual([
      {
        name: 'no empty passwords',
        sql: `select 'policy' as failed where not exists (select 1 where not exists (select 1 from shadow where password_status = 'empty'))`,
        hosts: ['*'],
        description: 'Nobody gets in without a password.',
        resolution: 'Lock the account.',
        action: null,
        dry_run: false,
      },
    ]);
    expect((await swarmplane([...args, join(folder, 'a.yml')])).stdout).toMatch(/^as it was/);
    const changed = file('b.yml', POLICIES.replace('Lock the', 'Remove the'));
    expect((await swarmplane([...args, changed])).stdout).toMatch(/^changed/);
  });

  it('takes all of a file or none, and never over a row with an action', async () => {
    const database = await postgres().createDatabase();
    const pool = database.pool();
    await pool.query(
      `insert into swarmplane.node (identity, name, state) values (repeat('a', 64), 'h1', 'alive')`,
    );
    await pool.query(
      `insert into swarmplane.desired (name, sql, action, hosts) values ('b', 'select 1', 'mend', '{h1}')`,
    );
    const both = file(
      'c.yml',
      'kind: policy\nspec: {name: a, query: select 1}\n---\nkind: policy\nspec: {name: b, query: select 1}\n',
    );
    const { code, stderr } = await swarmplane([
      '--state',
      folder,
      'pack',
      'import',
      both,
      '--database',
      database.url,
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/has a row "b" with an action already/);
    expect((await pool.query('select name from swarmplane.desired')).rows).toEqual([{ name: 'b' }]);
  });

  it('says so where there is no policy', async () => {
    const queries = file('d.yml', 'kind: query\nspec: {name: who, query: select * from users}\n');
    const database = await postgres().createDatabase();
    const { stderr } = await swarmplane([
      '--state',
      folder,
      'pack',
      'import',
      queries,
      '--database',
      database.url,
    ]);
    expect(stderr).toMatch(/holds no policies/);
  });
});
