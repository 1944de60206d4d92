/** A request from its insert to its account, with hosts that do what the test says. */
import { expect, it } from 'vitest';
import { eachPostgres } from '../helpers/postgres.ts';
import { hubFixture } from './hub-fixture.ts';

eachPostgres('a request', (postgres) => {
  it('is answered by every host, rows and account in tables', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    const id = await fixture.request('select name from host');

    expect(await fixture.ended(id)).toEqual({ ok: 3 });
    expect(
      await fixture.query(
        'select host, row from swarmplane.result where request_id = $1 order by 1',
        [id],
      ),
    ).toEqual(['hub1', 'web1', 'web2'].map((name) => ({ host: name, row: { name } })));
    expect(
      await fixture.query(
        'select host, state, rows, ms, error from swarmplane.request_status where request_id = $1 order by 1',
        [id],
      ),
    ).toEqual(
      ['hub1', 'web1', 'web2'].map((host) => ({ host, state: 'ok', rows: 1, ms: 2, error: null })),
    );
    expect(fixture.asker.asked).toHaveLength(1);
    expect(fixture.asker.asked[0]!.targets).toEqual({ kind: 'all' });
    expect(await fixture.query('table swarmplane.lease')).toEqual([]);
  });

  it('that is rolled back asks nothing', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    const client = await fixture.pool.connect();
    await client.query('begin');
    await client.query(`insert into swarmplane.request (sql) values ('select never')`);
    await client.query('rollback');
    client.release();
    const id = await fixture.request('select after');
    await fixture.ended(id);
    expect(fixture.asker.asked.map(({ sql }) => sql)).toEqual(['select after']);
    expect(
      await fixture.query(`select from swarmplane.request where sql = 'select never'`),
    ).toEqual([]);
  });

  it('that no host would run ends as refused, with the sentence, and is asked once', async () => {
    const fixture = await hubFixture(postgres());
    fixture.asker.refuse = Object.assign(new Error('near "slect": syntax error'), {
      name: 'QueryError',
      code: 'syntax',
    });
    await fixture.startHub();
    const id = await fixture.request('slect 1');
    expect(await fixture.ended(id)).toEqual({ refused: 3 });
    expect(fixture.asker.asked).toHaveLength(1);
    expect(
      await fixture.query(
        'select distinct error, code from swarmplane.request_status where request_id = $1',
        [id],
      ),
    ).toEqual([{ error: 'near "slect": syntax error', code: 'syntax' }]);
    expect(
      await fixture.query(
        `select kind, key, count from swarmplane.alert where resolved_at is null`,
      ),
    ).toEqual([{ kind: 'query_refused', key: 'syntax', count: 3 }]);
  });

  it('is tried again where hosts were busy, silent, restored or broke off, and counts no failure', async () => {
    const fixture = await hubFixture(postgres());
    fixture.asker.behave = (host, _sql, nth) => {
      if (nth === 1 && host === 'hub1') return { state: 'refused', code: 'busy' };
      if (nth === 1 && host === 'web1') return { state: 'partial' };
      if (nth === 1 && host === 'web2') return { state: 'refused', code: 'stale_key' };
      if (nth <= 2 && host === 'web2') return { state: 'timeout' };
      return { state: 'ok', columns: ['a'], rows: [[nth]] };
    };
    await fixture.startHub();
    const id = await fixture.request('select 1');
    expect(await fixture.ended(id)).toEqual({ ok: 3 });
    expect(
      await fixture.query(
        'select host, attempt from swarmplane.request_status where request_id = $1 order by 1',
        [id],
      ),
    ).toEqual([
      { host: 'hub1', attempt: 2 },
      { host: 'web1', attempt: 2 },
      { host: 'web2', attempt: 3 },
    ]);
    // the causes are over: the alerts about these hosts are resolved
    expect(await fixture.query(`select from swarmplane.alert where resolved_at is null`)).toEqual(
      [],
    );
    expect(await fixture.query(`select key from swarmplane.alert order by key`)).toHaveLength(3);
  });

  it('that a host never answers fails after ten attempts, with an alert', async () => {
    const fixture = await hubFixture(postgres());
    fixture.asker.behave = (host) =>
      host === 'web2'
        ? { state: 'refused', code: 'busy', message: 'two queries run' }
        : { state: 'ok' };
    await fixture.startHub();
    const id = await fixture.request('select 1');
    expect(await fixture.ended(id)).toEqual({ ok: 2, failed: 1 });
    const [status] = await fixture.query(
      `select attempt, error from swarmplane.request_status where request_id = $1 and state = 'failed'`,
      [id],
    );
    expect(status).toEqual({ attempt: 10, error: 'two queries run' });
    expect(
      await fixture.query(
        `select key, count from swarmplane.alert where kind = 'host_gave_no_answer'`,
      ),
    ).toEqual([{ key: 'web2', count: 1 }]);
  });

  it('keeps error and refusal of a host as final, others unharmed', async () => {
    const fixture = await hubFixture(postgres());
    fixture.asker.behave = (host) =>
      host === 'web1'
        ? { state: 'error', code: 'table_unavailable', message: 'systemd is not running' }
        : host === 'web2'
          ? { state: 'refused', code: 'clock_ahead', message: 'clocks differ' }
          : { state: 'ok', truncated: true };
    await fixture.startHub();
    const id = await fixture.request('select 1');
    expect(await fixture.ended(id)).toEqual({ ok: 1, failed: 1, refused: 1 });
    expect(fixture.asker.asked).toHaveLength(1);
    const [line] = await fixture.query<{ account: string }>('select swarmplane.account($1)', [id]);
    expect(line!.account).toBe(
      '3 hosts: 1 ok (1 of them truncated), 1 failed (web1), 1 refused (web2)',
    );
  });

  it('waits for a host that is away and reaches it when it is back, no attempt burnt', async () => {
    const fixture = await hubFixture(postgres());
    fixture.asker.set('web2', 'dead');
    await fixture.startHub();
    const id = await fixture.request('select 1');
    await fixture.until(
      `select from swarmplane.request_status where request_id = $1 and host = 'web2' and state = 'parked'`,
      [id],
    );
    await fixture.until('select from swarmplane.request where id = $1 and ok = 2', [id]);
    fixture.asker.set('web2', 'alive');
    expect(await fixture.ended(id)).toEqual({ ok: 3 });
    const [row] = await fixture.query(
      `select attempt from swarmplane.request_status where request_id = $1 and host = 'web2'`,
      [id],
    );
    expect(row).toEqual({ attempt: 1 });
  });

  it('ends at its expiry: unreachable where no host was, expired where one stayed busy', async () => {
    const fixture = await hubFixture(postgres());
    fixture.asker.set('web1', 'dead');
    fixture.asker.behave = (host) =>
      host === 'web2' ? { state: 'refused', code: 'busy' } : { state: 'ok' };
    await fixture.pool.query(
      `update swarmplane.setting set value = '1000' where name = 'attempts_max'`,
    );
    await fixture.startHub();
    const id = await fixture.request('select 1', { expires_in: '700 milliseconds' });
    expect(await fixture.ended(id)).toEqual({ ok: 1, unreachable: 1, expired: 1 });
  });

  it('is cancelled while hosts hang and others are away', async () => {
    const fixture = await hubFixture(postgres());
    fixture.asker.set('web1', 'dead');
    fixture.asker.behave = (host) => (host === 'web2' ? 'hang' : { state: 'ok' });
    await fixture.startHub();
    const id = await fixture.request('select 1');
    await fixture.until('select from swarmplane.request where id = $1 and ok = 1', [id]);
    await fixture.pool.query('select swarmplane.cancel($1)', [id]);
    expect(await fixture.ended(id)).toEqual({ ok: 1, cancelled: 2 });
  });

  it('whose hosts hang is ended by the hub, not by the asker', async () => {
    const fixture = await hubFixture(postgres());
    fixture.asker.behave = (host) => (host === 'web2' ? 'hang' : { state: 'ok' });
    await fixture.startHub({ askMs: 200, graceMs: 100 });
    const id = await fixture.request('select 1', { expires_in: '1 second' });
    expect(await fixture.ended(id)).toEqual({ ok: 2, expired: 1 });
  });

  it('keeps every digit, byte and character that PostgreSQL can hold, and marks the others', async () => {
    const fixture = await hubFixture(postgres(), ['hub1']);
    fixture.asker.behave = () => ({
      state: 'ok',
      columns: ['big', 'bytes', 'text', 'text', 'real', 'none', 'endless'],
      rows: [
        [-9223372036854775808n, new Uint8Array([0, 255]), 'ok', 'x', 0.1, null, Infinity],
        [9007199254740993n, null, 'a\0b', '\ud800', 1e300, null, null],
      ],
    });
    await fixture.startHub();
    const id = await fixture.request('select 1');
    expect(await fixture.ended(id)).toEqual({ ok: 1 });
    expect(
      await fixture.query(
        'select row::text, altered from swarmplane.result where request_id = $1 order by ordinal',
        [id],
      ),
    ).toEqual([
      {
        row: '{"big": -9223372036854775808, "none": null, "real": 0.1, "text": "ok", "bytes": "\\\\x00ff", "text:1": "x", "endless": "Infinity"}',
        altered: false,
      },
      {
        row: expect.stringMatching(
          /^\{"big": 9007199254740993, .*"text": "a\ufffdb".*"text:1": "\ufffd"/,
        ) as string,
        altered: true,
      },
    ]);
  });

  it('reports what the swarm knows of hosts, and its alarms', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    fixture.asker.set('web9', 'alive', { labels: { role: 'web' } });
    fixture.asker.set('web1', 'left');
    fixture.asker.alarm('clone', 'web2', 'two hosts use one identity');
    fixture.asker.alarm('clone', 'web2', 'two hosts use one identity');
    await fixture.until(`select from swarmplane.alert where kind = 'clone' and count = 2`);
    await fixture.until(`select from swarmplane.node where name = 'web9'`);
    await fixture.until(`select from swarmplane.node where name = 'web1' and state = 'left'`);
    expect(
      await fixture.query(`select name, state, labels, hub from swarmplane.node order by name`),
    ).toEqual([
      { name: 'hub1', state: 'alive', labels: { role: 'test' }, hub: true },
      { name: 'web1', state: 'left', labels: { role: 'test' }, hub: false },
      { name: 'web2', state: 'alive', labels: { role: 'test' }, hub: false },
      { name: 'web9', state: 'alive', labels: { role: 'web' }, hub: false },
    ]);
    expect(
      await fixture.query(
        `select distinct host(ip) as ip from swarmplane.node_address where current`,
      ),
    ).toEqual([{ ip: '127.0.0.1' }]);
  });
});
