/** Watching a real swarm with a hub: metrics by HTTP, one request through all logs, doctor, alerts, grants. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestPostgres, type TestDatabase, type TestPostgres } from '../helpers/postgres.ts';
import { parsePrometheus, type Scraped } from '../helpers/prometheus.ts';
import { eventually, freeAddress, PROGRAM, swarmplane, TestSwarm } from '../helpers/swarm.ts';
import { only } from '../helpers/needs.ts';

let postgres: TestPostgres;
let database: TestDatabase;
let swarm: TestSwarm;
let client: pg.Client;
const metricsAt: Record<string, string> = {};

beforeAll(async () => {
  postgres = await startTestPostgres();
  database = await postgres.createDatabase();
  swarm = await TestSwarm.start(['h1', 'h2'], { hub: true, database: database.url });
  for (const host of swarm.hosts) {
    metricsAt[host.name] = await freeAddress();
    await host.end();
    appendFileSync(
      join(host.state, 'config.yaml'),
      `metrics: {listen: "${metricsAt[host.name]}"}\n`,
    );
    host.start();
  }
  await swarm.whole();
  await swarm.host('h1').until((status) => status.hub?.['state'] === 'ready', 'has a hub');
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await swarm?.stop();
  await postgres?.stop();
});

async function scrape(host: string): Promise<Scraped> {
  const response = await fetch(`http://${metricsAt[host]}/metrics`);
  return parsePrometheus(await response.text());
}

type Line = Record<string, unknown>;

function linesOf(host: string): Line[] {
  return swarm
    .host(host)
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
}

async function ask(sql: string): Promise<number> {
  const { rows } = await client.query<{ id: string }>(
    'insert into swarmplane.request (sql) values ($1) returning id',
    [sql],
  );
  const id = Number(rows[0]!.id);
  await eventually(async () => {
    const { rowCount } = await client.query(
      `select from swarmplane.request where id = $1 and state = 'done'`,
      [id],
    );
    return rowCount === 1 || undefined;
  }, 'the request ends');
  return id;
}

/** Not in a clone under root's home, for one. */
function nobodyMayRun(): boolean {
  if (process.getuid?.() !== 0) return false;
  return spawnSync('/usr/bin/test', ['-r', PROGRAM], { uid: 65_534, gid: 65_534 }).status === 0;
}

describe('a swarm with a hub, watched', () => {
  it('tells in metrics what a request did, at the hub and at the host', async () => {
    const before = await scrape('h2');
    const ranBefore = before.samples.find(
      ({ name, labels }) =>
        name === 'swarmplane_requests_run_total' &&
        labels['kind'] === 'query' &&
        labels['outcome'] === 'ok',
    );
    await ask('select 1 as one');
    const hub = await scrape('h1');
    expect(hub.value('swarmplane_members', { state: 'alive' })).toBe(2);
    expect(hub.value('swarmplane_links')).toBe(1);
    expect(hub.value('swarmplane_link_received_bytes_total')).toBeGreaterThan(0);
    expect(hub.value('swarmplane_hub_connected')).toBe(1);
    expect(hub.value('swarmplane_hub_outcomes_total', { outcome: 'ok' })).toBeGreaterThanOrEqual(2);
    expect(hub.value('swarmplane_hub_claims_total')).toBeGreaterThanOrEqual(1);
    expect(hub.value('swarmplane_hub_wakeups_total', { reason: 'notify' })).toBeGreaterThan(0);
    expect(hub.value('swarmplane_hubs')).toBe(1);
    expect(hub.value('swarmplane_queue_oldest_due_seconds')).toBeGreaterThanOrEqual(0);
    expect(hub.value('swarmplane_request_account_seconds_count')).toBeGreaterThanOrEqual(1);
    const host = await scrape('h2');
    const ran = { kind: 'query', outcome: 'ok' };
    expect(host.value('swarmplane_requests_run_total', ran)).toBe((ranBefore?.value ?? 0) + 1);
    expect(host.value('swarmplane_request_run_seconds_count')).toBeGreaterThanOrEqual(1);
    expect([...host.types.keys()].some((name) => name.startsWith('swarmplane_hub_'))).toBe(false);
  });

  it('carries one id from the insert through the log of the hub to those of the hosts', async () => {
    const id = await ask('select 2 as two');
    /** Lines of a log are written when their host comes to it. */
    const logged = (host: string, msg: string, found: Record<string, unknown>) =>
      eventually(
        () =>
          linesOf(host).find(
            (line) =>
              line['msg'] === msg && Object.entries(found).every(([key, is]) => line[key] === is),
          ),
        `"${msg}" in the log of ${host}`,
      );
    const asked = await logged('h1', 'asked the swarm', { hub_request: id });
    const { request } = asked;
    expect(request).toMatch(/^[0-9a-f]{32}$/);
    expect(asked['lease']).toMatch(/^[0-9a-f-]{36}$/);
    expect(asked['deliveries']).toBe(2);
    await logged('h1', 'the account of a request is whole', { request });
    for (const host of ['h1', 'h2']) {
      expect(await logged(host, 'request', { request })).toMatchObject({ origin: 'h1' });
      expect(await logged(host, 'request ended here', { request })).toMatchObject({
        outcome: 'ok',
        rows: 1,
      });
    }
  });

  it('doctor finds it well, then names what is wrong and how bad that is', async () => {
    const well = await swarm.host('h2').cli('doctor', '--json');
    const found = JSON.parse(well.stdout) as { check: string; state: string; message: string }[];
    const of = (check: string) => found.filter((one) => one.check === check);
    expect(of('agent')).toEqual([
      {
        check: 'agent',
        state: 'ok',
        message: expect.stringMatching(/^running, process \d+/) as string,
      },
    ]);
    expect(of('state')[0]!.state).toBe('ok');
    expect(of('members')[0]!.message).toBe('2 hosts, none away');
    expect(of('clock').map(({ message }) => message)).toContain('agrees with 1 other hosts');
    expect(of('database')).toEqual([
      { check: 'database', state: 'skipped', message: 'there is no hub here' },
    ]);
    expect(found.filter(({ state }) => state === 'error')).toEqual([]);

    const secret = join(swarm.host('h2').state, 'swarm.json');
    chmodSync(secret, 0o644);
    const open = await swarm.host('h2').cli('doctor');
    chmodSync(secret, 0o600);
    expect(open.code).toBe(1);
    expect(open.stdout).toMatch(/^error +state +others may read swarm\.json$/m);
    expect(open.stdout).toMatch(/^ +hint: chmod go= /m);
    // the servers of tests run without fsync: that is found, on the hub that names its database
    const hub = await swarm.host('h1').cli('doctor');
    expect(hub.stdout).toMatch(/^ok +hub +at work: h1$/m);
    expect(hub.stdout).toMatch(/^error +settings +fsync is off$/m);
    expect(hub.code).toBe(1);
  });

  it('doctor says that an agent hangs, or is not there', async () => {
    const host = swarm.host('h2');
    host.signal('SIGSTOP');
    const hung = await host.cli('doctor');
    host.signal('SIGCONT');
    expect(hung.code).toBe(1);
    expect(hung.stdout).toMatch(/^error +agent +the agent does not answer within 5 s$/m);
    const none = await swarmplane(['--state', join(swarm.folder, 'nowhere'), 'doctor'], {
      env: { DATABASE_URL: 'postgres://a:s3cret@127.0.0.1:1/x' },
    });
    expect(none.code).toBe(1);
    expect(none.stdout).toContain('there is no state folder');
    expect(none.stdout).toMatch(
      /^error +database +cannot reach PostgreSQL at postgres:\/\/a:\*\*\*@/m,
    );
    await swarm.whole();
  });

  only(nobodyMayRun(), 'as root in a clone that others may enter')(
    'doctor helps a user who may not look',
    async () => {
      const nobody = await swarmplane(['--state', swarm.host('h2').state, 'doctor'], {
        uid: 65_534,
        gid: 65_534,
        env: { HOME: '/nonexistent' },
      });
      expect(nobody.code).toBe(1);
      expect(nobody.stdout).toMatch(/^error +state +cannot look at .*permission denied/m);
      expect(nobody.stdout).toContain('hint: run as its owner or as root');
    },
  );

  it('alerts are printed and watched on the hub; a host without one shows its own alarms', async () => {
    await client.query(`select swarmplane.raise_alert('clone', 'web1', 'two hosts')`);
    const printed = await swarm.host('h1').cli('alerts');
    expect(printed.stdout).toMatch(/^\d{4}-\S+ \S+ +warning +clone web1: two hosts #\d+$/m);
    const id = /two hosts #(\d+)$/m.exec(printed.stdout)![1]!;
    const ack = await swarm.host('h1').cli('alerts', 'ack', `#${id}`, '--why', 'looked at');
    expect(ack.stdout).toBe(`acknowledged #${id}\n`);
    expect((await swarm.host('h1').cli('alerts')).stdout).toMatch(
      /two hosts #\d+; acknowledged by \S+: looked at$/m,
    );
    const mute = ['alerts', 'mute', id, '--for', '2 hours', '--why', 'twins'];
    expect((await swarm.host('h1').cli(...mute)).stdout).toBe(`muted #${id}\n`);
    const quiet = await swarm.host('h1').cli('alerts');
    expect(quiet.stdout).not.toContain('two hosts');
    expect(quiet.stdout).toMatch(/, 1 muted \(--all shows them\)$/m);
    expect((await swarm.host('h1').cli('alerts', '--all')).stdout).toMatch(
      /muted until \d{4}-\d\d-\d\d \d\d:\d\d UTC by \S+: twins$/m,
    );
    const nobody = await swarm.host('h1').cli('alerts', 'ack', '999999');
    expect([nobody.code, nobody.stderr]).toEqual([
      1,
      expect.stringContaining('alert 999999 is not open'),
    ]);
    expect((await swarm.host('h1').cli('alerts', 'unmute', 'clone', 'web1')).code).toBe(0);
    expect(printed.stdout).toMatch(/^\d+ alerts?$/m);
    const watch = spawn(process.execPath, [
      ...[PROGRAM, '--state', swarm.host('h1').state],
      ...['alerts', '--watch', '--json'],
    ]);
    let said = '';
    watch.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await eventually(() => said.includes('"web1"') || undefined, 'the open one is shown');
    await client.query(`select swarmplane.resolve_alerts('{clone}', '{web1}')`);
    await eventually(() => /"web1".*"resolved_at":"/.test(said) || undefined, 'its end is shown');
    watch.kill('SIGTERM');
    expect(await once(watch, 'exit')).toEqual([0, null]);
    const alone = await swarm.host('h2').cli('alerts', '--json');
    expect(alone.stderr).toBe('no hub here: the alarms of h2 itself\n');
    expect(JSON.parse(alone.stdout)).toEqual(expect.any(Array));
    expect((await swarm.host('h2').cli('alerts', '--watch')).stderr).toContain(
      "--watch needs a hub's database",
    );
  });

  it('a grant is shown, run, and used', async () => {
    const dry = await swarm.host('h1').cli('hub', 'grant', '--role', 'reader', '--dry-run', 'ann');
    expect(dry.stdout).toMatch(/^begin;\ncreate role "ann" login password 'SCRAM-SHA-256\$/);
    const run = await swarm.host('h1').cli('hub', 'grant', '--role', 'reader', 'ann');
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/^grant swarmplane_reader to "ann";$/m);
    expect(run.stderr).toMatch(/^the password, shown this once: \S{24}$/m);
    const url = new URL(database.url);
    url.username = 'ann';
    const read = await swarmplane([
      'sql',
      '--database',
      url.href,
      'select count(*) as n from swarmplane.node',
    ]);
    expect(read.stdout).toContain('2');
    const wrong = await swarm.host('h1').cli('hub', 'grant', '--role', 'king', 'ann');
    expect(wrong.code).toBe(64);
    expect(wrong.stderr).toContain('reader, asker, operator, auditor');
  });

  it('a secret of the webhook is quoted nowhere, a wrong one neither', async () => {
    const state = join(swarm.folder, 'other');
    await swarmplane([
      '--state',
      state,
      'init',
      '--name',
      'other',
      '--listen',
      await freeAddress(),
    ]);
    const file = join(state, 'config.yaml');
    writeFileSync(file, 'name: other\nalert_webhook: {url: "ftp://x/s3cret", token: t0ken}\n');
    const { stderr, code } = await swarmplane(['--state', state, 'up']);
    expect(code).toBe(1);
    expect(stderr).toContain('alert_webhook: what stands there is not valid');
    expect(stderr).not.toMatch(/s3cret|t0ken/);
  });

  it('hosts that are away are named, on the hub and on a host without one', async () => {
    await client.query(
      `update swarmplane.setting set value = '1 millisecond' where name = 'host_away_after'`,
    );
    const open = async (): Promise<string[]> => {
      await client.query('select swarmplane.look_after_alerts()');
      const printed = await swarm.host('h1').cli('alerts');
      return printed.stdout.split('\n').filter((line) => /host_(away|back|rebooted)/.test(line));
    };
    // what a host says of its start has come by then
    const kernel = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    await eventually(async () => {
      const { rows } = await client.query<{ name: string; boot: string }>(
        `select name, boot from swarmplane.node where clock_off between '-20 s' and '20 s'
            and booted_at < now() and boot is not null order by name`,
      );
      if (rows.length < 2) return undefined;
      expect(rows.map(({ boot }) => boot)).toEqual([kernel, kernel]);
      return true;
    }, 'both hosts have told when they were started');
    await swarm.host('h2').end('SIGKILL');
    await eventually(
      async () => (await open()).some((line) => line.includes('host_away h2')) || undefined,
      'the hub names h2',
    );
    swarm.host('h2').start();
    await swarm.whole();
    await eventually(async () => {
      const lines = await open();
      return lines.length === 1 && lines[0]!.includes('host_back h2') ? true : undefined;
    }, 'it is told that h2 is back, and nothing of a start of the machine');
    await swarm.host('h1').end('SIGKILL');
    await eventually(async () => {
      const { stdout } = await swarm.host('h2').cli('alerts', '--json');
      const alarms = JSON.parse(stdout) as { kind: string; key: string; message: string }[];
      const away = alarms.find(({ kind, key }) => kind === 'host_away' && key === 'h1');
      return away?.message.match(/^h1 is away since \d{4}-\d\d-\d\d \d\d:\d\d UTC$/) ?? undefined;
    }, 'h2 names h1');
    // Four waits, each with an end and a message of its own.
  }, 180_000);
});
