/** Whose database `hub backup` and `hub restore` take, by what the last hub left in the state folder. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { urlOf } from '../../src/hub/postgres/cluster.ts';
import { swarmplane } from '../helpers/swarm.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'swarmplane-hub-backup-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What `hub backup` says where nothing but this URL is left of a hub. */
async function backupWith(name: string, psqlUrl: string): Promise<string> {
  const state = join(folder, name);
  mkdirSync(state, { mode: 0o700 });
  writeFileSync(join(state, 'psql-url'), `${psqlUrl}\n`, { mode: 0o600 });
  const args = ['--state', state, 'hub', 'backup', join(folder, `${name}.backup`)];
  const { code, stderr } = await swarmplane(args, { env: { DATABASE_URL: undefined } });
  expect(code).toBe(1);
  return stderr;
}

const password = 'Zm9yIHRoZSBwZW9wbGUsIG5vdCBmb3Ih';
const passwords = { postgres: password, hub: password, operator: password };
const cluster = { state: { port: 1, home: '/nowhere', initialised: true, passwords } };

describe('the database of a hub that is gone', () => {
  it('is the embedded one where its data is lost, or stayed on another machine', async () => {
    const said = await backupWith('embedded', urlOf(cluster, 'operator', 'swarmplane'));
    expect(said).toContain(
      `there is no embedded PostgreSQL in ${join(folder, 'embedded', 'postgres')}`,
    );
  });

  it('is the one of its own that it worked on', async () => {
    const said = await backupWith('own', `postgres://operator:${password}@127.0.0.1:1/fleet`);
    expect(said).toContain('cannot reach PostgreSQL at postgres://operator:***@127.0.0.1:1/fleet');
  });
});
