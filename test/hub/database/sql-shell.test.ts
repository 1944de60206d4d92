import { describe, expect, it } from 'vitest';
import { HubError } from '../../../src/hub/errors.ts';
import { runSql } from '../../../src/hub/database/sql-shell.ts';
import { splitStatements } from '../../../src/hub/database/sql-split.ts';
import { withPostgres } from '../../helpers/postgres.ts';

const texts = (sql: string): string[] => splitStatements(sql).map((statement) => statement.text);

describe('splitting statements', () => {
  it('cuts at semicolons, leaves out what is empty', () => {
    expect(texts(' select 1 ;; select 2; -- the end')).toEqual(['select 1', 'select 2']);
  });

  it.each([
    [`select ';'`],
    [`select 'it''s; fine'`],
    [`select E'a\\'; b'`],
    [`select "a;b" from t`],
    ['do $$ begin perform 1; end $$'],
    ['do $body$ begin perform $$;$$; end $body$'],
    ['select 1 /* a; /* b; */ c; */ + 1'],
    ['select 1 -- a; b\n + 1'],
    [
      'create function f() returns int begin atomic select 1; select case when true then 2 end; end',
    ],
    ['create or replace procedure p() language sql begin atomic insert into t values (1); end'],
    [`select 'never closed; `],
    ['select $1;'.slice(0, -1)],
  ])('keeps %s whole', (sql) => {
    expect(texts(`${sql.trimEnd()}`)).toEqual([sql.trimEnd()]);
  });

  it('does not take begin; for a body', () => {
    expect(texts('begin; select 1; end')).toEqual(['begin', 'select 1', 'end']);
  });

  it('tells where each statement starts', () => {
    expect(splitStatements('select 1;\n  select 2').map((statement) => statement.offset)).toEqual([
      0, 12,
    ]);
  });
});

describe('running SQL', () => {
  const postgres = withPostgres();

  it('gives columns and rows as text, for every statement', async () => {
    expect(
      await runSql(
        postgres().superUrl,
        `select 1 as a, null as b, now() is not null as c; create temp table t (x int);
        insert into t values (1), (2); select sum(x)::bigint * 4611686018427387904 as big from t where x = 1`,
      ),
    ).toEqual([
      { command: 'SELECT 1', columns: ['a', 'b', 'c'], rows: [['1', null, 't']] },
      { command: 'CREATE', columns: [], rows: [] },
      { command: 'INSERT 0 2', columns: [], rows: [] },
      { command: 'SELECT 1', columns: ['big'], rows: [['4611686018427387904']] },
    ]);
  });

  it('lets a procedure commit, also when other statements stand beside it', async () => {
    const { superUrl } = await postgres().createDatabase({ empty: true });
    const results = await runSql(
      superUrl,
      `create table done (n int);
       create procedure twice() language plpgsql as $$
         begin insert into done values (1); commit; insert into done values (2); end $$;
       call twice(); select count(*) from done`,
    );
    expect(results.at(-1)!.rows).toEqual([['2']]);
  });

  it('hands over notices', async () => {
    const notices: string[] = [];
    await runSql(postgres().superUrl, `do $$ begin raise notice 'half way'; end $$`, (notice) =>
      notices.push(notice),
    );
    expect(notices).toEqual(['NOTICE: half way']);
  });

  it('points at the place of an error', async () => {
    const error = (await runSql(postgres().superUrl, `select 1;\nselect 'ü', nothing`).catch(
      (reason: unknown) => reason,
    )) as HubError;
    expect(error.code).toBe('sql_failed');
    expect(error.message).toBe(
      `column "nothing" does not exist\nline 2: select 'ü', nothing\n                    ^`,
    );
  });

  it('explains why it cannot connect, without the password', async () => {
    const error = (await runSql('postgres://a:s3cret@127.0.0.1:1/x', 'select 1').catch(
      (reason: unknown) => reason,
    )) as HubError;
    expect(error.code).toBe('unreachable');
    expect(error.message).not.toContain('s3cret');
  });
});
