/** call swarmplane.ask(...): what a person at a prompt sees. */
import type pg from 'pg';
import { expect, it } from 'vitest';
import { eachPostgres } from '../../helpers/postgres.ts';
import { hubFixture, type Fixture } from '../hub-fixture.ts';

/** One session of the login alice, an operator, with what it was told. */
async function session(fixture: Fixture): Promise<{ client: pg.PoolClient; told: string[] }> {
  const url = await fixture.database.urlAs('alice', ['swarmplane_operator']);
  const client = await fixture.database.pool(url).connect();
  const told: string[] = [];
  client.on('notice', (notice) => told.push(`${notice.severity}: ${notice.message}`));
  return { client, told };
}

eachPostgres('ask', (postgres) => {
  it('waits, says the account, and leaves the rows in answer', async () => {
    const fixture = await hubFixture(postgres());
    fixture.asker.set('web2', 'dead');
    await fixture.startHub();
    const { client, told } = await session(fixture);
    await client.query(`call swarmplane.ask('select name from host')`);
    expect(told).toEqual(['NOTICE: 3 hosts: 2 ok, 1 unreachable (web2)']);
    const { rows } = await client.query('table swarmplane.answer');
    expect(rows).toEqual([
      { host: 'hub1', row: { name: 'hub1' } },
      { host: 'web1', row: { name: 'web1' } },
    ]);
    await client.query(`call swarmplane.ask('select name from host', '{web1}')`);
    expect((await client.query('table swarmplane.answer')).rows).toHaveLength(1);
    client.release();
  });

  it('keeps columns in the order of the query, of two with one name as well', async () => {
    const fixture = await hubFixture(postgres());
    const columns = ['zone', 'a', 'name', 'a'];
    fixture.asker.behave = () => ({ state: 'ok', columns, rows: [['z', 1n, 'x', null]] });
    await fixture.startHub();
    const { client } = await session(fixture);
    await client.query(`call swarmplane.ask('select zone, a, name, b as a from t', '{web1}')`);
    const { rows } = await client.query(`
      select a.row::text as answered, swarmplane.in_order(r.row, s.columns)::text as shown, s.columns
        from swarmplane.answer a
        join swarmplane.result r on r.request_id = swarmplane.last_request() and r.host = a.host
        join swarmplane.request_status s using (request_id, node_id)`);
    const text = '{"zone": "z", "a": 1, "name": "x", "a:1": null}';
    expect(rows).toEqual([{ answered: text, shown: text, columns: ['zone', 'a', 'name', 'a:1'] }]);
    const odd = await client.query(`
      select swarmplane.in_order('{"b": 1, "a": 2}', '{a}')::text as other,
             swarmplane.in_order('{"b": 1, "a": 2}', '{b,b}')::text as twice,
             swarmplane.in_order('{}', '{}')::text as none, swarmplane.in_order('{"b": 1}', null)::text as unknown`);
    expect(odd.rows).toEqual([
      { other: '{"a": 2, "b": 1}', twice: '{"a": 2, "b": 1}', none: '{}', unknown: '{"b": 1}' },
    ]);
    client.release();
  });

  it('says why hosts failed and why SQL was refused', async () => {
    const fixture = await hubFixture(postgres());
    fixture.asker.behave = (host) =>
      host === 'web1' ? { state: 'error', message: 'systemd is not running' } : { state: 'ok' };
    await fixture.startHub();
    const { client, told } = await session(fixture);
    await client.query(`call swarmplane.ask('select * from systemd_units')`);
    expect(told.splice(0)).toEqual([
      'NOTICE: 3 hosts: 2 ok, 1 failed (web1)',
      'NOTICE: web1: failed: systemd is not running',
    ]);
    fixture.asker.refuse = Object.assign(new Error('no such table: nope'), {
      name: 'QueryError',
      code: 'no_such_table',
    });
    await client.query(`call swarmplane.ask('select * from nope')`);
    expect(told).toEqual([
      'NOTICE: 3 hosts: 3 refused (hub1, web1, web2)',
      'NOTICE: 3 hosts: refused: no such table: nope',
    ]);
    client.release();
  });

  it('tells equal reasons once with their count, three at most, and how many more there are', async () => {
    const fixture = await hubFixture(postgres());
    for (const name of ['web3', 'web4', 'web5', 'web6']) fixture.asker.set(name, 'alive');
    fixture.asker.behave = (host) => ({
      state: 'error',
      message: /^web[1-3]$/.test(host) ? 'systemd is not running' : `${host} has its own trouble`,
    });
    await fixture.startHub();
    await fixture.until(`select from swarmplane.node where state = 'alive' having count(*) = 7`);
    const { client, told } = await session(fixture);
    await client.query(`call swarmplane.ask('select * from systemd_units')`);
    const { rows } = await client.query<{ id: string }>(
      'select max(id) id from swarmplane.request',
    );
    expect(told.slice(1)).toEqual([
      'NOTICE: 3 hosts: failed: systemd is not running',
      'NOTICE: hub1: failed: hub1 has its own trouble',
      'NOTICE: web4: failed: web4 has its own trouble',
      `NOTICE: 2 more reasons: table swarmplane.request_status where request_id = ${rows[0]!.id}`,
    ]);
    client.release();
  });

  it('without a hub says so and leaves the request for one', async () => {
    const fixture = await hubFixture(postgres());
    const hub = await fixture.startHub();
    await hub.stop();
    const { client, told } = await session(fixture);
    await client.query(`call swarmplane.ask('select 1', timeout => '100 milliseconds')`);
    expect(told).toEqual([
      'NOTICE: 3 hosts: 3 waited for (hub1, web1, web2)',
      expect.stringMatching(/^WARNING: request \d+ is still open: is a hub running\?/) as string,
    ]);
    await fixture.startHub();
    await fixture.until(`select from swarmplane.request where state = 'done'`);
    client.release();
  });

  it('leaves no earlier answer where it fails, and raises no alert for everybody', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    const { client, told } = await session(fixture);
    await client.query(`call swarmplane.ask('select name from host')`);
    await expect(client.query(`call swarmplane.ask('select 1', '{nix}')`)).rejects.toThrow(
      'nix: unknown',
    );
    expect((await client.query('table swarmplane.answer')).rows).toEqual([]);
    fixture.asker.refuse = Object.assign(new Error('near "slect": syntax error'), {
      name: 'QueryError',
      code: 'syntax',
    });
    await client.query(`call swarmplane.ask('slect 1')`);
    expect(told.at(-1)).toBe('NOTICE: 3 hosts: refused: near "slect": syntax error');
    expect(await fixture.query('select kind, key from swarmplane.alert')).toEqual([]);
    // of an insert that nobody waits for it is one
    await fixture.ended(await fixture.request('slect 1'));
    expect(await fixture.query('select kind, key from swarmplane.alert')).toEqual([
      { kind: 'query_refused', key: 'syntax' },
    ]);
    client.release();
  });

  it('tells whoever listens that a request has ended', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    const { client } = await session(fixture);
    await client.query('listen swarmplane_done');
    const done = new Promise<string | undefined>((resolve) =>
      client.once('notification', ({ payload }) => resolve(payload)),
    );
    const id = await fixture.request('select name from host');
    expect(await done).toBe(String(id));
    expect(await fixture.query('select state from swarmplane.request where id = $1', [id])).toEqual(
      [{ state: 'done' }],
    );
    client.release();
  });

  it('inside a transaction is refused before anything is asked', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    const { client } = await session(fixture);
    await client.query('begin');
    await expect(client.query(`call swarmplane.ask('select 1')`)).rejects.toMatchObject({
      message: 'ask commits, and it was called inside of a transaction',
      hint: expect.stringMatching(/^call it after commit or rollback/) as string,
    });
    await client.query('rollback');
    expect(await fixture.query('select from swarmplane.request')).toEqual([]);
    client.release();
  });
});
