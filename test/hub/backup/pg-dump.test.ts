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

      const spelt = 'update swarmplane.sql_object set major = 0';
      await run('psql', '--quiet', `--command=${spelt}`, moved.superUrl);

      const { pool, drift } = await openDatabase(moved.url, silentLog);
      await pool.end();
      expect(drift).toEqual([]);
      const [was, is] = [await contentOf(old.superUrl), await contentOf(moved.superUrl)];
      const compared = major === 15 ? Object.keys(was) : ['rows', 'sequences', 'partitions'];
      // A view that was made of its own text is spelt otherwise.
      for (const section of compared.filter((each) => !/drift|bodies/.test(each)))
        expect(is[section]).toEqual(was[section]);
    },
  );
});
