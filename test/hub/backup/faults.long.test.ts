/** Backups and restores on full disks, killed, damaged, and beside others: never a half one taken for whole. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { backup } from '../../../src/hub/backup/backup.ts';
import { checkDatabase } from '../../../src/hub/doctor/database-check.ts';
import { backupDatabase, restoreDatabase } from '../../../src/hub/backup/embedded-backup.ts';
import { HubError } from '../../../src/hub/errors.ts';
import { silentLog } from '../../../src/hub/log.ts';
import { openDatabase } from '../../../src/hub/schema/open-database.ts';
import { withPostgres, type TestDatabase } from '../../helpers/postgres.ts';
import { isRoot, only } from '../../helpers/needs.ts';
import { eventually } from '../../helpers/swarm.ts';

// Servers and processes of their own: slow where others work as well.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 300_000 });

const LIFE = fileURLToPath(new URL('files/version-1.backup', import.meta.url));
const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

const mayMount = isRoot && spawnSync('unshare', ['-m', 'true']).status === 0;

describe('a backup', () => {
  const postgres = withPostgres({ bare: true });
  let folder: string;
  let source: TestDatabase;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'swarmplane-faults-'));
    source = await postgres().createDatabase({ empty: true });
    await restoreDatabase({ url: source.url, file: LIFE });
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const each of [folder, `${folder}-home`]) await rm(each, { recursive: true, force: true });
  });

  function start(mode: string, url: string, file: string): ChildProcess {
    const places = [join(folder, 'scratch'), `${folder}-home`];
    const args = ['--import', 'tsx', CHILD, mode, url, file, ...places];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  }

  async function kill(child: ChildProcess): Promise<void> {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
  }

  async function connect(url: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  only(mayMount, 'with the right to mount')(
    'onto a disk that fills up leaves no file, and says so',
    async () => {
      const disk = join(folder, 'disk');
      await mkdir(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', disk]);
      try {
        const error = await failure(backupDatabase({ url: source.url, file: join(disk, 'a') }));
        expect([error.code, error.hint]).toEqual([
          'unwritable',
          'free some disk space, or write it to another folder',
        ]);
        expect(error.message).toContain('ENOSPC');
        expect(readdirSync(disk)).toEqual([]);
      } finally {
        execFileSync('umount', [disk]);
      }
    },
  );

  it('that is killed leaves nothing under its name, and the next one takes away what it left', async () => {
    const file = join(folder, 'killed.backup');
    const locker = await connect(source.superUrl);
    await locker.query('begin; lock table swarmplane.node_key in access exclusive mode');
    const child = start('backup', source.url, file);
    const partial = `${file}.partial-${child.pid}`;
    await eventually(() => existsSync(partial) || undefined, 'it is being written');
    await kill(child);
    await locker.end();
    expect(existsSync(file)).toBe(false);
    await backupDatabase({ url: source.url, file });
    expect(existsSync(partial)).toBe(false);
    expect(gunzipSync(readFileSync(file)).toString().trimEnd().split('\n').at(-1)).toContain(
      'done',
    );
  });

  it('is all of one moment while others write, so that verifying finds no difference', async () => {
    const writer = await connect(source.superUrl);
    let stopped = false;
    const writing = (async () => {
      for (let n = 0; !stopped; n++)
        await writer.query(
          `insert into swarmplane.network (range, name, site) values ('fd00::${n.toString(16)}/128', 'n${n}', 'x')`,
        );
    })();
    const written = backupDatabase({
      url: source.url,
      file: join(folder, 'written.backup'),
      verifyIn: join(folder, 'scratch'),
      homeForRoot: `${folder}-home`,
    });
    const { verified, rows } = await written.finally(() => (stopped = true));
    await writing;
    const { rows: now } = await writer.query<{ n: number }>(
      'select count(*)::int as n from swarmplane.network',
    );
    await writer.end();
    expect(verified!.rows).toBe(rows);
    const networks = verified!.tables.find(({ name }) => name === 'swarmplane.network')!;
    expect(networks.rows).toBeLessThan(now[0]!.n);
    expect(existsSync(join(folder, 'scratch'))).toBe(false);
  });

  it('whose rows are not those that were read gets no name', async () => {
    const file = join(folder, 'differs.backup');
    const spoil = async (written: string): Promise<void> => {
      const lines = gunzipSync(readFileSync(written)).toString().split('\n');
      const at = lines.findIndex(
        (line) => line.includes('"rows":["(demo') || /"rows":\["\(1,/.test(line),
      );
      lines[at] = lines[at]!.replace('(1,', '(7,');
      const spoilt = join(folder, 'spoilt.backup');
      await writeFile(spoilt, gzipSync(lines.join('\n')));
      const target = await postgres().createDatabase({ empty: true });
      await restoreDatabase({ url: target.url, file: spoilt });
    };
    const error = await failure(backup({ url: source.url, file, release: '0.1.0', verify: spoil }));
    expect(error.code).toBe('backup_differs');
    expect(existsSync(file)).toBe(false);
  });

  it('that is killed while it verifies leaves a server that ends, and the next one cleans up', async () => {
    const file = join(folder, 'verify.backup');
    const child = start('verify', source.url, file);
    const state = join(folder, 'scratch', String(child.pid), 'server.json');
    const home = await eventually(
      () => {
        if (!existsSync(state)) return undefined;
        const said = JSON.parse(readFileSync(state, 'utf8')) as { home: string };
        return existsSync(join(said.home, 'cluster', 'postmaster.pid')) ? said.home : undefined;
      },
      'the scratch server runs',
      200_000,
    );
    await kill(child);
    expect(existsSync(file)).toBe(false);
    const again = start('verify', source.url, file);
    let said = '';
    again.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(again, 'close');
    expect(said).toBe('done\n');
    expect(existsSync(home)).toBe(false);
    expect(existsSync(join(folder, 'scratch'))).toBe(false);
  });

  it('whose restore is killed is not taken for whole, and can be restored again', async () => {
    const target = await postgres().createDatabase({ empty: true });
    const child = start('restore', target.url, LIFE);
    const watch = await connect(target.superUrl);
    await eventually(
      async () => {
        const { rows } = await watch.query<{ there: boolean }>(
          `select to_regclass('swarmplane.restore_unfinished') is not null
            and to_regclass('inventory.users_current') is not null as there`,
        );
        return rows[0]!.there || undefined;
      },
      'a part of it is there',
      200_000,
    );
    await kill(child);
    await watch.end();
    const error = await failure(openDatabase(target.url, silentLog));
    expect(error.code).toBe('restore_unfinished');
    expect(error.message).toContain(`a restore of ${LIFE} began at 20`);
    expect(error.hint).toContain(`swarmplane hub restore ${LIFE}`);
    expect(await checkDatabase(target.url)).toContainEqual(
      expect.objectContaining({ check: 'restore', state: 'error' }),
    );
    const fromHalf = backupDatabase({ url: target.url, file: join(folder, 'half.backup') });
    expect((await failure(fromHalf)).code).toBe('restore_unfinished');
    await restoreDatabase({ url: target.url, file: LIFE });
    const { pool, drift } = await openDatabase(target.url, silentLog);
    expect(drift).toEqual([]);
    expect((await pool.query('select count(*)::int as n from swarmplane.request')).rows).toEqual([
      { n: 7 },
    ]);
    await pool.end();
  });

  it('into a folder that is not there quotes it and says to make it', async () => {
    const file = join(folder, 'no such folder', 'a');
    const error = await failure(backupDatabase({ url: source.url, file }));
    expect(error.message).toContain(`cannot write ${JSON.stringify(file)}: `);
    expect(error.hint).toBe('make its folder first, or write it to another one');
    const back = await failure(restoreDatabase({ url: source.url, file, replace: true }));
    expect(back.message).toContain(`cannot read ${JSON.stringify(file)}: `);
    expect(back.hint).toContain('swarmplane hub backup FILE');
  });

  it('whose restore waits behind a lock says whose it is', async () => {
    const target = await postgres().createDatabase({ empty: true });
    await restoreDatabase({ url: target.url, file: LIFE });
    const elsewhere = new URL(target.url);
    elsewhere.pathname = '/postgres';
    const stranger = await connect(elsewhere.href);
    const { rows } = await stranger.query<{ pid: number }>(
      'select pg_advisory_lock(8319119823914824051), pg_backend_pid() as pid',
    );
    const again = { url: target.url, file: LIFE, replace: true };
    const error = await failure(restoreDatabase(again));
    await stranger.end();
    expect([error.code, error.message]).toEqual([
      'restore_running',
      expect.stringContaining(`process ${rows[0]!.pid} of `),
    ]);
  });

  it('that cannot be read to its end leaves an empty database as empty as it was', async () => {
    const target = await postgres().createDatabase({ empty: true });
    const cut = join(folder, 'cut.backup');
    await writeFile(cut, readFileSync(LIFE).subarray(0, 200_000));
    const error = await failure(restoreDatabase({ url: target.url, file: cut }));
    expect(error.code).toBe('backup_incomplete');
    const client = await connect(target.url);
    const { rows } = await client.query(
      `select nspname from pg_namespace where nspname in ('swarmplane', 'inventory')`,
    );
    await client.end();
    expect(rows).toEqual([]);
  });
});

async function failure(promise: Promise<unknown>): Promise<HubError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HubError);
  return error as HubError;
}
