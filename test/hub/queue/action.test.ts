/** A queued command from its insert to its outcome: hub, host and PostgreSQL as processes, killed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { eventually, TestSwarm, type TestHost } from '../../helpers/swarm.ts';
import { withPostgres } from '../../helpers/postgres.ts';

describe('a queued command', () => {
  const postgres = withPostgres();
  let swarm: TestSwarm;
  let hub: TestHost;
  let web: TestHost;
  let pool: pg.Pool;
  let serial = 0;

  beforeAll(async () => {
    const database = await postgres().createDatabase({ used: true });
    pool = database.pool();
    swarm = await TestSwarm.start(['hub1', 'web1'], { hub: true, database: database.url });
    [hub, web] = [swarm.host('hub1'), swarm.host('web1')];
    await web.end();
    const file = join(web.state, 'config.yaml');
    const examples = /^actions:\n(?:  .*\n)*/m;
    writeFileSync(file, readFileSync(file, 'utf8').replace(examples, ACTIONS));
    web.start();
    await swarm.whole();
  });
  afterAll(() => swarm?.stop());

  /** A file to which each run adds a line. */
  const newFile = () => join(swarm.folder, `runs-${++serial}`);

  const lines = (file: string): number =>
    existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;

  async function insert(action: string, file: string): Promise<number> {
    const { rows } = await pool.query<{ id: number }>(
      `insert into swarmplane.request (action, args, hosts) values ($1, $2, '{web1}') returning id`,
      [action, { file }],
    );
    return rows[0]!.id;
  }

  /** What became of the request's host, once `sql`, about the view request_status, is true. */
  function until(id: number, sql: string): Promise<{ state: string; code: string; error: string }> {
    return eventually(
      async () => {
        const { rows } = await pool.query<{ state: string; code: string; error: string }>(
          `select state, code, error from swarmplane.request_status where request_id = $1 and ${sql}`,
          [id],
        );
        return rows[0];
      },
      () => `request ${id}: ${sql}\n${hub.log().slice(-3000)}`,
    );
  }
  const ended = (id: number) => until(id, 'ended_at is not null');

  it('waits while no hub may command it, with an alert that says what to run', async () => {
    const file = newFile();
    const id = await insert('count', file);
    const message = await eventually(async () => {
      const { rows } = await pool.query<{ message: string }>(
        `select message from swarmplane.alert where kind = 'no_commander' and key = 'count'`,
      );
      return rows[0]?.message;
    }, 'the hub opens the alert');
    const command = /swarmplane (operator grant .*)$/.exec(message)![1]!;
    expect(command).toBe('operator grant hub1 --role commander --actions count');
    expect(await until(id, 'true')).toMatchObject({ state: 'pending' });
    expect(await hub.cli(...command.split(' '), '--yes')).toMatchObject({ code: 0 });
    expect(await ended(id)).toMatchObject({ state: 'ok' });
    expect(lines(file)).toBe(1);
    const result = await pool.query<{ row: Record<string, unknown> }>(
      'select row from swarmplane.result where request_id = $1',
      [id],
    );
    expect(result.rows).toMatchObject([{ row: { exit_code: 0, stdout: 'counted\n' } }]);
    await hub.cli('operator', 'grant', 'hub1', '--role', 'commander', '--yes');
  });

  it('that fails is failed for good, with its row and an alert', async () => {
    const file = newFile();
    const id = await insert('fail', file);
    expect(await ended(id)).toMatchObject({
      state: 'failed',
      code: 'exit',
      error: 'exit code 3: sorry',
    });
    expect(lines(file)).toBe(1);
    const { rows } = await pool.query(
      `select r.row ->> 'exit_code' as exit_code, r.row ->> 'stderr' as stderr,
              (select message from swarmplane.alert where kind = 'action_failed') as alert,
              (select after ->> 'error' from swarmplane.audit where action = 'action.failed') as audit
         from swarmplane.result r where request_id = $1`,
      [id],
    );
    const error = 'exit code 3: sorry';
    expect(rows).toEqual([{ exit_code: '3', stderr: 'sorry\n', alert: error, audit: error }]);
  });

  it('that the host does not know or allow is refused', async () => {
    const id = await insert('nonesuch', newFile());
    expect(await ended(id)).toMatchObject({ state: 'refused', code: 'no_such_action' });
    const bad = await insert('count', '$(reboot)');
    expect(await ended(bad)).toMatchObject({ state: 'refused', code: 'bad_args' });
  });

  it('of a schedule runs once a tick, also when a restored database makes that tick again', async () => {
    const file = newFile();
    await pool.query(
      `insert into swarmplane.schedule (name, action, args, hosts, every)
       values ('nightly', 'count', $1, '{web1}', '10 days')`,
      [{ file }],
    );
    const ticked = async (after: number): Promise<number> =>
      eventually(async () => {
        const { rows } = await pool.query<{ id: number }>(
          'select id from swarmplane.request where schedule_id is not null and id > $1',
          [after],
        );
        return rows[0]?.id;
      }, 'it ticks');
    const first = await ticked(0);
    expect(await ended(first)).toMatchObject({ state: 'ok' });
    // As a backup of before the tick has it: neither the request nor how it ended, and the tick is due.
    await pool.query(`
      with gone as (update swarmplane.request set schedule_id = null, tick = null where id = ${first}
                    returning (select tick from swarmplane.request where id = ${first}) as tick)
      update swarmplane.schedule s set next_at = gone.tick from gone where s.name = 'nightly'`);
    const again = await ticked(first);
    expect(await ended(again)).toMatchObject({ state: 'ok' });
    expect(lines(file)).toBe(1);
    // The next tick is another command.
    await pool.query(`update swarmplane.schedule set next_at = now() where name = 'nightly'`);
    expect(await ended(await ticked(again))).toMatchObject({ state: 'ok' });
    expect(lines(file)).toBe(2);
    await pool.query(`delete from swarmplane.schedule where name = 'nightly'`);
  });

  it('runs once when the hub is killed while it runs', async () => {
    const file = newFile();
    const id = await insert('wait', file);
    await eventually(() => lines(file) || undefined, 'it runs');
    await hub.end('SIGKILL');
    writeFileSync(`${file}.go`, '');
    hub.start();
    expect(await ended(id)).toMatchObject({ state: 'ok' });
    expect(lines(file)).toBe(1);
  });

  it('runs once, and is interrupted, when its host is killed while it runs', async () => {
    const file = newFile();
    const id = await insert('wait', file);
    await eventually(() => lines(file) || undefined, 'it runs');
    await web.end('SIGKILL');
    web.start();
    expect(await ended(id)).toMatchObject({
      state: 'failed',
      code: 'interrupted',
      error: 'interrupted: the agent ended while it ran',
    });
    expect(lines(file)).toBe(1);
  });

  it('waits for a host that is away, unless it is cancelled', async () => {
    await web.end();
    const [file, cancelled] = [newFile(), newFile()];
    const id = await insert('count', file);
    const unwanted = await insert('count', cancelled);
    await until(id, `code = 'unreachable'`);
    await pool.query('select swarmplane.cancel($1)', [unwanted]);
    expect(await ended(unwanted)).toMatchObject({ state: 'cancelled' });
    web.start();
    expect(await ended(id)).toMatchObject({ state: 'ok' });
    expect([lines(file), lines(cancelled)]).toEqual([1, 0]);
  });

  it('waits again once the certificate is revoked', async () => {
    expect((await hub.cli('operator', 'revoke', 'hub1', '--yes')).code).toBe(0);
    const file = newFile();
    const id = await insert('count', file);
    await eventually(async () => {
      const { rowCount } = await pool.query(
        `select from swarmplane.alert where kind = 'no_commander' and resolved_at is null`,
      );
      return rowCount || undefined;
    }, 'the alert');
    expect(await until(id, 'true')).toMatchObject({ state: 'pending' });
    expect(lines(file)).toBe(0);
  });
});

const sh = (script: string) =>
  JSON.stringify({
    program: '/bin/sh',
    args: ['-c', script, 'sh', '{file}'],
    patterns: { file: '/[A-Za-z0-9/_.-]+' },
  });

const ACTIONS = `actions:
  count: ${sh('echo run >> "$1"; echo counted')}
  fail: ${sh('echo run >> "$1"; echo sorry >&2; exit 3')}
  wait: ${sh('echo run >> "$1"; while [ ! -e "$1.go" ]; do sleep 0.05; done')}
`;
