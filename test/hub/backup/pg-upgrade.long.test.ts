/** pg_upgrade carries a hub's database as it is. Only Debian's 15 has the program, so it goes from 15 to 15. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { silentLog } from '../../../src/hub/log.ts';
import { serverAccount } from '../../../src/hub/postgres/os-user.ts';
import { openDatabase } from '../../../src/hub/schema/open-database.ts';
import { clusterRoot } from '../../helpers/clusters.ts';
import { needs } from '../../helpers/needs.ts';
import { PostgresServer, SYSTEM_15 } from '../../helpers/postgres-server.ts';
import { contentOf } from './database-content.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

needs(
  'pg_upgrade 15',
  existsSync(join(SYSTEM_15, 'pg_upgrade')),
  describe,
)('pg_upgrade', () => {
  it('brings everything as it is, and nothing of it is taken for a change by hand', async () => {
    const old = await server();
    await old.restart();
    const database = await old.createDatabase({ used: true });
    await database.pool().query(`
      select swarmplane.track('mounts'), swarmplane.track('shadow');
      insert into swarmplane.node (identity, name, state) values (repeat('a', 64), 'web1', 'alive');
      insert into swarmplane.request (sql) values ('select 1');
      insert into swarmplane.schedule (name, sql, every) values ('often', 'select 1', '1 hour')`);
    const was = await contentOf(database.superUrl);
    await old.shutDown();

    const moved = await server(await upgraded(old.dataDir));
    await moved.restart();
    const at = (url: string): string => url.replace(`:${old.port}/`, `:${moved.port}/`);
    // A view that was made of its own text is spelt otherwise.
    const { bodies: _before, ...before } = was;
    const { bodies: _after, ...after } = await contentOf(at(database.superUrl));
    expect(after).toEqual(before);
    const { pool, aside, drift, ...rest } = await openDatabase(at(database.url), silentLog);
    expect(rest).toEqual({});
    expect(drift).toEqual([]);
    await database
      .pool(at(database.url))
      .query(`insert into swarmplane.request (sql, hosts) values ('select 2', '{web1}')`);
    await Promise.all([pool.end(), aside.end()]);
  });
});

async function server(cluster?: string): Promise<PostgresServer> {
  const made = new PostgresServer(15);
  onTestFinished(() => made.stop());
  await made.initialise(cluster);
  return made;
}

/** A new cluster into which pg_upgrade has brought the one of this data folder. */
async function upgraded(from: string): Promise<string> {
  const account = serverAccount();
  const folder = await mkdtemp(join(clusterRoot(), 'swarmplane-upgrade-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const to = join(folder, 'data');
  for (const each of [folder, to]) {
    await mkdir(each, { recursive: true });
    if (account !== undefined) await chown(each, account.uid, account.gid);
    await chmod(each, 0o700);
  }
  const as = {
    cwd: folder,
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  };
  const run = (program: string, ...args: string[]): Promise<unknown> =>
    promisify(execFile)(join(SYSTEM_15, program), args, {
      ...as,
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
    });
  const initial = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  await run('initdb', '-D', to, ...initial);
  const binaries = ['-b', SYSTEM_15, '-B', SYSTEM_15];
  await run('pg_upgrade', ...binaries, '-d', from, '-D', to, '-U', 'postgres', '-s', folder);
  return to;
}
