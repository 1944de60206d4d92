/** The whole way from INSERT to result rows, with a real hub, PostgreSQL and agents as processes. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, swarmplane, TestSwarm } from '../helpers/swarm.ts';

let swarm: TestSwarm;
let client: pg.Client;
const notices: string[] = [];

beforeAll(async () => {
  swarm = await TestSwarm.start(['h1', 'h2', 'h3'], { hub: true });
  client = await connected();
});
afterAll(async () => {
  await client?.end();
  await swarm?.stop();
});

async function connected(): Promise<pg.Client> {
  const fresh = new pg.Client({ connectionString: secretUrl() });
  fresh.on('notice', (notice) => notices.push(notice.message ?? ''));
  fresh.on('error', () => {});
  await fresh.connect();
  return fresh;
}

/** As `swarmplane sql` takes it. */
function secretUrl(): string {
  return readFileSync(join(swarm.host('h1').state, 'psql-url'), 'utf8').trim();
}

async function insert(sql: string): Promise<number> {
  const { rows } = await client.query<{ id: number }>(
    'insert into swarmplane.request (sql) values ($1) returning id',
    [sql],
  );
  return Number(rows[0]!.id);
}

interface StatusRow {
  host: string;
  state: string;
  rows: string;
  ms: number | null;
  error: string | null;
}

async function ended(id: number): Promise<StatusRow[]> {
  await eventually(
    async () => {
      const { rows } = await client.query<{ state: string }>(
        'select state from swarmplane.request where id = $1',
        [id],
      );
      return rows[0]!.state === 'open' ? undefined : true;
    },
    `request ${id} ends`,
    120_000,
  );
  const { rows } = await client.query<StatusRow>(
    'select host, state, rows, ms, error from swarmplane.request_status where request_id = $1 order by host',
    [id],
  );
  return rows;
}

describe('the hub', () => {
  it('answers `call ask` at once, rows in the view answer', async () => {
    notices.length = 0;
    await client.query("call swarmplane.ask('select 6 * 7 as n')");
    expect(notices.join('\n')).toContain('3 hosts: 3 ok');
    const { rows } = await client.query<{ host: string; row: unknown }>(
      'select host, row from swarmplane.answer order by host',
    );
    expect(rows).toEqual(['h1', 'h2', 'h3'].map((host) => ({ host, row: { n: 42 } })));
  });

  it('answers an insert without being waited for, with a row per host', async () => {
    const id = await insert('select username from users where uid = 0');
    const status = await ended(id);
    expect(status.map((row) => [row.host, row.state, Number(row.rows), row.error])).toEqual([
      ['h1', 'ok', 1, null],
      ['h2', 'ok', 1, null],
      ['h3', 'ok', 1, null],
    ]);
    expect(status.every((row) => row.ms !== null)).toBe(true);
    const { rows } = await client.query<{ host: string; name: string }>(
      "select host, row ->> 'username' as name from swarmplane.result where request_id = $1 order by host",
      [id],
    );
    expect(rows).toEqual(['h1', 'h2', 'h3'].map((host) => ({ host, name: 'root' })));
    const audit = await client.query('select * from swarmplane.audit');
    expect(audit.rowCount).toBeGreaterThan(0);
  });

  it('sends nothing for a rollback', async () => {
    await client.query('begin');
    const id = await insert("select 'rolled back' as mark");
    await client.query('rollback');
    const after = await insert("select 'committed' as mark");
    await ended(after);
    expect(
      (await client.query('select 1 from swarmplane.request where id = $1', [id])).rowCount,
    ).toBe(0);
    const { rows } = await client.query(
      "select 1 from swarmplane.result where row ->> 'mark' = 'rolled back'",
    );
    expect(rows).toEqual([]);
  });

  it('ends a request whose SQL is no read, with the reason for every host', async () => {
    const status = await ended(await insert('select * from nonesuch'));
    expect(status.map((row) => row.state)).not.toContain('ok');
    expect(status).toHaveLength(3);
    expect(status[0]!.error).toContain('nonesuch');
  });

  it('refuses null, empty and unknown hosts in the insert itself', async () => {
    for (const [hosts, words] of [
      [null, /null|empty/i],
      [[], /empty/i],
      [['h1', 'nobody'], /"?nobody"?/],
    ] as const) {
      await expect(
        client.query("insert into swarmplane.request (sql, hosts) values ('select 1', $1)", [
          hosts,
        ]),
      ).rejects.toThrow(words);
    }
  });

  it('refuses an action that does not name its hosts', async () => {
    await expect(
      client.query("insert into swarmplane.request (action) values ('restart-service')"),
    ).rejects.toThrow(/hosts/);
  });

  it('knows its nodes', async () => {
    const { rows } = await client.query<{ name: string; state: string }>(
      'select name, state from swarmplane.node order by name',
    );
    expect(rows).toEqual(['h1', 'h2', 'h3'].map((name) => ({ name, state: 'alive' })));
  });

  it('has an alert for a host with the wrong join secret', async () => {
    const { createJoinToken, parseJoinToken } = await import('../../src/secure/index.ts');
    const { swarmId } = parseJoinToken(readFileSync(swarm.tokenFile, 'utf8'));
    const forged = createJoinToken({ swarmId, random: (n) => new Uint8Array(n).fill(9) });
    const state = ['--state', join(swarm.folder, 'intruder')];
    const refused = await swarmplane(
      [
        ...state,
        'up',
        '--name',
        'intruder',
        '--listen',
        '127.0.0.1:0',
        '--join',
        swarm.host('h1').address,
      ],
      { stdin: forged.text, timeoutMs: 150_000 },
    );
    expect(refused.code).toBe(1);
    await eventually(async () => {
      const { rowCount } = await client.query(
        "select 1 from swarmplane.alert where kind = 'wrong_secret'",
      );
      return rowCount === 1 ? true : undefined;
    }, 'the alert is a row');
    expect((await client.query('select 1 from swarmplane.node')).rowCount).toBe(3);
  }, 200_000);

  it('is reached by `swarmplane sql` where there is no psql', async () => {
    const { stdout, code } = await swarm
      .host('h1')
      .cli('sql', 'select name from swarmplane.node order by name');
    expect(stdout).toBe(' name\n------\n h1\n h2\n h3\n(3 rows)\n');
    expect(code).toBe(0);
    const wrong = await swarm.host('h1').cli('sql', 'selct 1');
    expect(wrong.stderr).toContain('selct');
    expect(wrong.code).toBe(1);
    const elsewhere = await swarm.host('h2').cli('sql', 'select 1');
    expect(elsewhere.stderr).toContain('has no hub');
  });
});

describe('secrets', () => {
  it('are in nothing that is printed, logged or in the process list', async () => {
    const { state, pid, log, cli } = hubHost();
    const file = (name: string) => readFileSync(join(state, name), 'utf8');
    const server = JSON.parse(file('postgres/server.json')) as { passwords: object };
    const token = readFileSync(swarm.tokenFile, 'utf8').trim();
    const secrets = [...(Object.values(server.passwords) as string[]), token];
    expect(secretUrl()).toContain(secrets[2]);
    const commands = ['status', 'doctor', 'nodes', 'alerts', 'key list h1', 'actions', 'tables'];
    const said = await Promise.all(
      commands.flatMap((words) => [cli(words), cli(`${words} --json`)]),
    );
    const environments = processesOf(pid).map((one) =>
      readFileSync(`/proc/${one}/environ`, 'utf8'),
    );
    const shown = [
      ...said.map(({ stdout, stderr }) => stdout + stderr),
      ...processesOf(pid).map((one) => readFileSync(`/proc/${one}/cmdline`, 'utf8')),
      ...environments,
      log(),
    ];
    expect(shown.length).toBeGreaterThan(20);
    for (const text of shown) for (const secret of secrets) expect(text).not.toContain(secret);
  });

  it('are not in the URL that `status` gives psql, which logs in with it', async () => {
    const { stdout } = await swarm.host('h1').cli('status', '--json');
    const { hub } = JSON.parse(stdout) as { hub: { url: string } };
    expect(hub.url).toMatch(
      /^postgres:\/\/operator@127\.0\.0\.1:\d+\/swarmplane\?passfile=\/.*\/h1\/pgpass$/,
    );
    expect(statSync(join(swarm.host('h1').state, 'pgpass')).mode & 0o777).toBe(0o600);
    const psql = ['-w', '-AtXc', 'select count(*) from swarmplane.node'];
    const env = { PATH: process.env['PATH'] };
    expect(execFileSync('psql', [hub.url, ...psql], { encoding: 'utf8', env })).toBe('3\n');
  });
});

function hubHost() {
  const host = swarm.host('h1');
  const cli = (words: string) => host.cli(...words.split(' '));
  return { state: host.state, pid: host.pid, log: () => host.log(), cli };
}

/** A process and all that it started. */
function processesOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return [pid, ...(children === '' ? [] : children.split(' ').map(Number).flatMap(processesOf))];
}

describe('when things die', { timeout: 240_000 }, () => {
  it('a hub killed between claim and result loses no request', async () => {
    const ids = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        insert(`select ${i} as n, pid from processes where pid = 1`),
      ),
    );
    const h1 = swarm.host('h1');
    await h1.end('SIGKILL');
    // The others do not need it.
    const without = await swarm.host('h2').cli('query', 'select 1 as one');
    expect(without.stdout).toMatch(/3 hosts: 2 ok, 1 \w+ \(h1\)/);
    h1.start();
    await h1.until((s) => s.hub?.['state'] === 'ready', 'hub is back', 120_000);
    await client.end().catch(() => {});
    client = await connected();
    for (const id of ids) {
      const status = await ended(id);
      expect(status).toHaveLength(3);
      const { rows } = await client.query<{ count: string }>(
        'select count(*) from swarmplane.result where request_id = $1',
        [id],
      );
      expect(Number(rows[0]!.count)).toBe(status.filter((row) => row.state === 'ok').length);
    }
  });

  it('PostgreSQL killed for a while: agents answer on, every committed request ends', async () => {
    const before = await insert('select 1 as before');
    const pid = await postmasterPid();
    process.kill(pid, 'SIGKILL');
    const { stdout } = await swarm.host('h2').cli('query', 'select 1 as one');
    expect(stdout).toContain('3 hosts: 3 ok');
    await client.end().catch(() => {});
    client = await eventually(
      () => connected().catch(() => undefined),
      'PostgreSQL is back',
      60_000,
    );
    expect(await ended(before)).toHaveLength(3);
    const status = await ended(await insert('select 1 as after'));
    expect(status.map((row) => row.state)).toEqual(['ok', 'ok', 'ok']);
  });

  it('an agent killed in the middle of its answer is accounted for', async () => {
    const id = await insert(
      'with recursive c(n) as (select 1 union all select n + 1 from c where n < 2000000) select max(n) as n from c',
    );
    await eventually(async () => {
      const { rows } = await client.query<{ running: number }>(
        'select running from swarmplane.request where id = $1',
        [id],
      );
      return Number(rows[0]!.running) > 0 ? true : undefined;
    }, 'the request runs').catch(() => {});
    const h3 = swarm.host('h3');
    await h3.end('SIGKILL');
    await eventually(
      async () => {
        const { rows } = await client.query<{ ok: number }>(
          'select ok from swarmplane.request where id = $1',
          [id],
        );
        return Number(rows[0]!.ok) >= 2 ? true : undefined;
      },
      'the others answered',
      90_000,
    );
    h3.start();
    const status = await ended(id);
    expect(status).toHaveLength(3);
    expect(status.slice(0, 2).map((row) => row.state)).toEqual(['ok', 'ok']);
    expect(['ok', 'unreachable', 'expired', 'failed']).toContain(status[2]!.state);
    await swarm.whole();
  });
});

/** The server runs under the hub's process. */
async function postmasterPid(): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const parent = execFileSync('ps', ['-o', 'ppid=', '-p', String(rows[0]!.pid)], {
    encoding: 'utf8',
  });
  return Number(parent.trim());
}
