/** The server that a backup is restored into to see that it can be: also where one of before was left behind. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import pg from 'pg';
import { backupDatabase } from '../../../src/hub/backup/embedded-backup.ts';
import { EmbeddedPostgres } from '../../../src/hub/postgres/embedded.ts';
import { withPostgres } from '../../helpers/postgres.ts';
import { hubFixture, temporaryFolder } from '../hub-fixture.ts';

describe('a backup that is verified', () => {
  const postgres = withPostgres();

  it('is so where a killed process of the same id left its server, as in a container', async () => {
    const fixture = await hubFixture(postgres());
    const own = temporaryFolder();
    const homeForRoot = `${own}-home`;
    onTestFinished(() => rmSync(homeForRoot, { recursive: true, force: true }));
    const verifyIn = join(own, 'verify');
    const dataDir = join(verifyIn, String(process.pid));
    mkdirSync(dataDir, { recursive: true, mode: 0o711 });
    const left = await EmbeddedPostgres.start({ dataDir, homeForRoot });
    const client = new pg.Client({ connectionString: left.hubUrl });
    await client.connect();
    await client.query('create schema swarmplane; create table swarmplane.migration ()');
    await client.end();
    await left.stop();
    const file = join(own, 'a.backup');
    const made = await backupDatabase({
      url: fixture.database.url,
      file,
      verifyIn,
      homeForRoot,
    });
    expect(made.verified).toBeDefined();
    expect([existsSync(file), existsSync(verifyIn)]).toEqual([true, false]);
  });
});
