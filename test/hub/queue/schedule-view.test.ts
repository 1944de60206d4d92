/** The newest answer of a schedule as a typed view: whose it is, of which text, and what it leaves out. */
import { expect, it } from 'vitest';
import { eachPostgres } from '../../helpers/postgres.ts';
import { hubFixture, type Fixture } from '../hub-fixture.ts';

eachPostgres('the view of a schedule', (postgres) => {
  it('has the rows of each host as it answered last, typed', async () => {
    const fixture = await hubFixture(postgres());
    let tick = 0;
    fixture.asker.look = () =>
      Promise.resolve({
        columns: [
          { name: 'path', type: 'TEXT' },
          { name: 'size', type: 'BIGINT' },
          { name: 'host', type: 'TEXT' },
          { name: 'share', type: 'DOUBLE' },
          { name: 'raw', type: 'BLOB' },
        ],
        tables: ['file'],
        sensitive: [],
      });
    fixture.asker.behave = (host) =>
      host === 'web2' && tick > 0
        ? { state: 'error', code: 'table_unavailable', message: 'no' }
        : {
            state: 'ok',
            columns: ['path', 'size', 'host', 'share', 'raw'],
            rows: [[`/${host}`, 2n ** 53n + BigInt(tick), 'x', 0.5, new Uint8Array([1, 255])]],
            truncated: host === 'web1',
          };
    await fixture.startHub();
    await fixture.query(
      `insert into swarmplane.schedule (name, sql, every, hosts) values ('sizes', 'select 1', '1 day', '{web1,web2}')`,
    );
    await fixture.until(`select from swarmplane.schedule where described ? 'columns'`);
    await ticked(fixture, 1);
    const [made] = await fixture.query(`select swarmplane.schedule_view('sizes') as name`);
    expect(made).toEqual({ name: 'inventory.schedule_sizes' });
    tick = 1;
    await fixture.query(`update swarmplane.schedule set next_at = now()`);
    await fixture.query('notify swarmplane');
    await ticked(fixture, 2);
    const rows = await fixture.query(
      `select host, path, size::text, host_, share, encode(raw, 'hex') as raw, truncated, taken_at <= now() as taken
         from inventory.schedule_sizes order by host`,
    );
    const said = { host_: 'x', share: 0.5, raw: '01ff', taken: true };
    expect(rows).toEqual([
      { host: 'web1', path: '/web1', size: String(2n ** 53n + 1n), truncated: true, ...said },
      { host: 'web2', path: '/web2', size: String(2n ** 53n), truncated: false, ...said },
    ]);

    const rita = fixture.database.pool(await fixture.database.urlAs('rita', ['swarmplane_reader']));
    await fixture.query(`delete from swarmplane.label_grant`);
    await fixture.query(
      `insert into swarmplane.node_label select id, 'web' from swarmplane.node where name = 'web2'`,
    );
    await fixture.query(`insert into swarmplane.label_grant (role, label) values ('rita', 'web')`);
    const seen = await rita.query<{ host: string }>('select host from inventory.schedule_sizes');
    expect(seen.rows).toEqual([{ host: 'web2' }]);

    await fixture.query(`update swarmplane.schedule set sql = 'select 2'`);
    const gone = await fixture.query(`select to_regclass('inventory.schedule_sizes') as name`);
    expect(gone).toEqual([{ name: null }]);
  });

  it('has null in place of what is not of the type, and the rows of all other hosts', async () => {
    const fixture = await hubFixture(postgres());
    fixture.asker.look = () =>
      Promise.resolve({
        columns: [
          { name: 'n', type: 'BIGINT' },
          { name: 'u', type: 'UNSIGNED_BIGINT' },
          { name: 'd', type: 'DOUBLE' },
          { name: 'raw', type: 'BLOB' },
        ],
        tables: [],
        sensitive: [],
      });
    const lies = ['abc', 1.5, '1e999', '\\xzz'];
    fixture.asker.behave = (host) => ({
      state: 'ok',
      columns: ['n', 'u', 'd', 'raw'],
      rows: [
        host === 'web1' ? lies : [-(2n ** 63n), 7, 1e-300, new Uint8Array([255])],
        [null, 1, null, null],
      ],
    });
    await fixture.startHub();
    await fixture.query(
      `insert into swarmplane.schedule (name, sql, every, hosts) values ('lies', 'select 1', '1 day', '{web1,web2}')`,
    );
    await fixture.until(`select from swarmplane.schedule where described ? 'columns'`);
    await ticked(fixture, 1);
    await fixture.query(`select swarmplane.schedule_view('lies')`);
    const rows = await fixture.query(
      `select host, n::text, u::text, d, encode(raw, 'hex') as raw, unfit
         from inventory.schedule_lies order by host, u nulls first`,
    );
    const none = { n: null, d: null, raw: null };
    expect(rows).toEqual([
      { host: 'web1', ...none, u: null, unfit: ['n', 'u', 'd', 'raw'] },
      { host: 'web1', ...none, u: '1', unfit: null },
      { host: 'web2', ...none, u: '1', unfit: null },
      { host: 'web2', n: '-9223372036854775808', u: '7', d: 1e-300, raw: 'ff', unfit: null },
    ]);
  });

  it('is refused with what to do while nothing is known of the columns, and ends with the schedule', async () => {
    const fixture = await hubFixture(postgres());
    const make = `select swarmplane.schedule_view('later')`;
    await expect(fixture.query(make)).rejects.toMatchObject({
      message: 'there is no schedule "later"',
    });
    // Busy: nothing is said of the text.
    fixture.asker.look = () => Promise.reject(Object.assign(new Error('busy'), { code: 'busy' }));
    await fixture.startHub();
    await fixture.query(
      `insert into swarmplane.schedule (name, sql, every) values ('later', 'select nope', '1 day')`,
    );
    await expect(fixture.query(make)).rejects.toMatchObject({
      message: 'no hub has looked at the schedule "later" yet',
    });
    fixture.asker.look = () => Promise.reject(new Error('no such column: nope'));
    await fixture.query('notify swarmplane');
    await fixture.until(`select from swarmplane.schedule where described ? 'trouble'`);
    await expect(fixture.query(make)).rejects.toMatchObject({
      message: 'the schedule "later" cannot be asked: no such column: nope',
    });
    fixture.asker.look = () =>
      Promise.resolve({ columns: [{ name: 'a', type: 'TEXT' }], tables: [], sensitive: [] });
    await fixture.query(`update swarmplane.schedule set sql = 'select a'`);
    await fixture.query('notify swarmplane');
    await fixture.until(`select from swarmplane.schedule where described ? 'columns'`);
    await fixture.query(make);
    await fixture.query('delete from swarmplane.schedule');
    const gone = await fixture.query(`select to_regclass('inventory.schedule_later') as name`);
    expect(gone).toEqual([{ name: null }]);
  });
});

async function ticked(fixture: Fixture, times: number): Promise<void> {
  await fixture.until(
    `select from swarmplane.request where schedule_id is not null and state = 'done' having count(*) = $1`,
    [times],
  );
}
