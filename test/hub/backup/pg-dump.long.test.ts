/** The way of PostgreSQL's own programs that docs/operating.md describes, for a database of one's own. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { restoreDatabase } from '../../../src/hub/backup/embedded-backup.ts';
import { silentLog } from '../../../src/hub/log.ts';
import { openDatabase } from '../../../src/hub/schema/open-database.ts';
import { startTestPostgres, type TestDatabase } from '../../helpers/postgres.ts';
import { SYSTEM_15 } from '../../helpers/postgres-server.ts';
import { contentOf } from './database-content.ts';
import { needs } from '../../helpers/needs.ts';

// Servers and processes of their own: slow where others work as well.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 300_000 });

const LIFE = fileURLToPath(new URL('files/version-1.backup', import.meta.url));

const run = (program: string, ...args: string[]): Promise<unknown> =>
  promisify(execFile)(join(SYSTEM_15, program), args);

needs(
  'pg_dump 15',
  existsSync(join(SYSTEM_15, 'pg_dump')),
  describe,
)('pg_dump and pg_restore', () => {
  it.each([15, 18] as const)(
    'roles first, then the database, into a fresh PostgreSQL %i',
    async (major) => {
      const folder = await mkdtemp(join(tmpdir(), 'swarmplane-pg-dump-'));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      const source = await startTestPostgres({ major: 15, bare: true });
      onTestFinished(() => source.stop());
      const fresh = await startTestPostgres({ major, bare: true });
      onTestFinished(() => fresh.stop());
      const old = await source.createDatabase({ empty: true });
      await restoreDatabase({ url: old.url, file: LIFE });

      const [roles, dump] = [join(folder, 'roles.sql'), join(folder, 'fleet.dump')];
      await run('pg_dumpall', '--roles-only', `--dbname=${old.superUrl}`, `--file=${roles}`);
      await run('pg_dump', '--format=custom', `--file=${dump}`, old.superUrl);
      const moved: TestDatabase = await fresh.createDatabase({ empty: true });
      await promisify(execFile)('sed', ['-i', 's/ GRANTED BY [^;]*;/;/', roles]);
      await run('psql', '--quiet', `--file=${roles}`, fresh.superUrl);
      await run('pg_restore', '--exit-on-error', `--dbname=${moved.superUrl}`, dump);

      const { pool, drift } = await openDatabase(moved.url, silentLog);
      await pool.end();
      expect(drift).toEqual([]);
      const [was, is] = [await contentOf(old.superUrl), await contentOf(moved.superUrl)];
      const compared = major === 15 ? Object.keys(was) : ['rows', 'sequences', 'partitions'];
      // A view that was made of its own text is spelt otherwise.
      for (const section of compared.filter((each) => each !== 'bodies'))
        expect(is[section]).toEqual(was[section]);
    },
  );

  it('a dump without its roles, owners or privileges is refused with what to do; roles that a hub made will do', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'swarmplane-pg-dump-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const source = await startTestPostgres({ major: 15 });
    onTestFinished(() => source.stop());
    const fresh = await startTestPostgres({ major: 18, bare: true });
    onTestFinished(() => fresh.stop());
    const dump = join(folder, 'fleet.dump');
    const old = await source.createDatabase({ used: true });
    await run('pg_dump', '--format=custom', `--file=${dump}`, old.superUrl);
    const restored = async (...options: string[]): Promise<TestDatabase> => {
      const database = await fresh.createDatabase({ empty: true });
      await run('pg_restore', ...options, `--dbname=${database.superUrl}`, dump).catch(
        () => undefined,
      );
      return database;
    };
    const opening = ({ superUrl }: TestDatabase): Promise<unknown> =>
      openDatabase(superUrl, silentLog).then(({ pool }) => pool.end());

    await expect(opening(await restored())).rejects.toMatchObject({
      code: 'roles_missing',
      message: expect.stringContaining(
        'without swarmplane_asker, swarmplane_auditor, swarmplane_hub',
      ),
      hint: expect.stringContaining('roles first'),
    });
    // the way without a copy of the roles: a hub's first start on a database that is thrown away makes them
    const made = await fresh.createDatabase({ empty: true });
    await opening({ ...made, superUrl: made.url });
    await expect(opening(await restored('--no-owner'))).rejects.toMatchObject({
      code: 'not_owned',
      message: expect.stringContaining('"postgres"'),
    });
    await expect(opening(await restored('--no-privileges'))).rejects.toMatchObject({
      code: 'not_owned',
      message: expect.stringContaining('restored without its privileges'),
    });
    const whole = await restored('--exit-on-error');
    await opening({ ...whole, superUrl: whole.url });
    const [was, is] = [await contentOf(old.superUrl), await contentOf(whole.superUrl)];
    expect(is['rows']).toEqual(was['rows']);
  });
});
