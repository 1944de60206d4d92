import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canEnter, SERVER_ACCOUNT, serverAccount } from '../../../src/hub/postgres/os-user.ts';
import {
  embeddedBinaries,
  findPackage,
  type Found,
} from '../../../src/hub/postgres/postgres-binaries.ts';
import { only } from '../../helpers/needs.ts';
import { until } from '../../helpers/eventually.ts';

const isRoot = process.getuid?.() === 0;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarmplane-binaries-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The package as npm leaves it when it does not run install scripts: no links between libraries. */
async function packageWithoutLinks(): Promise<Found> {
  const real = findPackage();
  const home = join(folder, 'home');
  await mkdir(home);
  execFileSync('cp', ['-a', real.native, join(home, 'native')]);
  const lib = join(home, 'native/lib');
  for (const name of await readdir(lib))
    if ((await lstat(join(lib, name))).isSymbolicLink()) await rm(join(lib, name));
  return { native: join(home, 'native'), version: real.version };
}

function version(bin: string): string {
  const { uid, gid } = serverAccount() ?? {};
  return execFileSync(join(bin, 'initdb'), ['--version'], {
    cwd: '/',
    ...(uid === undefined ? {} : { uid, gid: gid! }),
  }).toString();
}

describe('the programs of the embedded PostgreSQL', () => {
  it('get the links that an install script did not make, in place', async () => {
    await chmod(folder, 0o755);
    const found = await packageWithoutLinks();
    expect(() => version(join(found.native, 'bin'))).toThrow();
    const { bin } = await embeddedBinaries(serverAccount(), join(folder, 'copy'), found);
    expect(bin).toBe(join(found.native, 'bin'));
    expect(version(bin)).toContain('PostgreSQL) 18');
  });

  only(isRoot, 'as root')(
    'are copied once to where the server user can go, from a checkout that root keeps to itself',
    async () => {
      await chmod(folder, 0o755);
      const found = await packageWithoutLinks();
      await chmod(join(folder, 'home'), 0o700);
      const copyTo = join(folder, 'copy');
      const { bin } = await embeddedBinaries(serverAccount(), copyTo, found);
      expect(bin.startsWith(copyTo)).toBe(true);
      expect(version(bin)).toContain('PostgreSQL) 18');
      expect((await embeddedBinaries(serverAccount(), copyTo, found)).bin).toBe(bin);
      expect(await readdir(copyTo)).toHaveLength(1);
    },
  );
});

only(
  isRoot,
  'as root',
  describe,
)('the user the server runs as', () => {
  it('is an account of its own for root, or the owner of data that is there, never nobody', () => {
    const account = serverAccount()!;
    expect(account.name).toBe(SERVER_ACCOUNT);
    expect(account.uid).not.toBe(0);
    execFileSync('chown', ['daemon:', folder]);
    expect(serverAccount(folder)!.name).toBe('daemon');
    execFileSync('chown', ['nobody:', folder]);
    expect(serverAccount(folder)).toEqual(account);
  });

  it('can enter a folder only if every folder above lets it pass', async () => {
    const account = { name: 'nobody', uid: 65_534, gid: 65_534 };
    const inner = join(folder, 'a/b');
    await mkdir(inner, { recursive: true });
    await chmod(folder, 0o711);
    expect(canEnter(inner, account)).toBe(true);
    await chmod(join(folder, 'a'), 0o700);
    expect(canEnter(inner, account)).toBe(false);
  });
});

// A clone in root's home is closed to everybody else; there is nothing they could start there.
const nobody = { name: 'nobody', uid: 65_534, gid: 65_534 };
const othersMayEnter = canEnter(import.meta.dirname, nobody);

only(
  isRoot && othersMayEnter,
  'as root in a clone that others may enter',
  describe,
)('as an ordinary user', () => {
  it('the server runs as that user, with its data in the state folder', async () => {
    await chmod(folder, 0o777);
    const hub = fileURLToPath(new URL('./embedded-hub.ts', import.meta.url));
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', hub, join(folder, 'state'), '/nonexistent', '100'],
      {
        uid: nobody.uid,
        gid: nobody.gid,
        env: { ...process.env, HOME: folder, TMPDIR: folder },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect((await lstat(`/proc/${pid}`)).uid).toBe(65_534);
    expect((await lstat(join(folder, 'state/cluster'))).uid).toBe(65_534);
    child.kill('SIGKILL');
    await once(child, 'exit');
    // Its guardian stops it a moment later.
    const alive = (): boolean => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    await until(() => !alive(), 'its guardian stops the server');
  });
});
