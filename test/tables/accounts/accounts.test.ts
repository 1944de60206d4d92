import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { groups } from '../../../src/tables/accounts/groups.ts';
import { userGroups } from '../../../src/tables/accounts/user-groups.ts';
import { users } from '../../../src/tables/accounts/users.ts';
import { TableError, type Row } from '../../../src/tables/types.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';
import { isRoot, needs, only } from '../../helpers/needs.ts';

const getent = (database: string): string[][] =>
  execFileSync('getent', ['-s', 'files', database], { encoding: 'utf8' })
    .trimEnd()
    .split('\n')
    .map((line) => line.split(':'));

describe('users', () => {
  test('are those that getent lists', async () => {
    const rows = await rowsOf(users);
    expectShape(users, rows);
    expect(
      rows.map((row) => [
        row.username,
        'x',
        String(row.uid),
        String(row.gid),
        row.description,
        row.directory,
        row.shell,
      ]),
    ).toEqual(getent('passwd'));
  });

  test('ids past 2^31 are shown signed as well; lines that are no account are passed over', async () => {
    const root = fakeRoot({
      'etc/passwd':
        'nobody:x:4294967294:4294967294::/:\n+nis::::::\n# no\nbad:x:x:0::/:\nshort:x\n\n',
    });
    expect(await rowsOf(users, { root })).toEqual([
      {
        uid: 4294967294,
        gid: 4294967294,
        uid_signed: -2,
        gid_signed: -2,
        username: 'nobody',
        description: '',
        directory: '/',
        shell: '',
      },
    ]);
  });

  test('a host without /etc/passwd says so', async () => {
    await expect(rowsOf(users, { root: fakeRoot({}) })).rejects.toThrow(TableError);
  });
});

test('groups are those that getent lists', async () => {
  const rows = await rowsOf(groups);
  expectShape(groups, rows);
  expect(rows.map((row) => [row.groupname, String(row.gid)])).toEqual(
    getent('group').map(([name, , gid]) => [name, gid]),
  );
});

describe('user_groups', () => {
  test('agree with id(1) for every user', async () => {
    const rows = await rowsOf(userGroups);
    expectShape(userGroups, rows);
    for (const [name, , uid] of getent('passwd')) {
      const ids = execFileSync('id', ['-G', name!], { encoding: 'utf8' }).trim().split(' ');
      const ours = rows.filter((row) => String(row.uid) === uid).map((row) => String(row.gid));
      expect(ours.sort(), name).toEqual(ids.sort());
    }
  });

  test('two accounts with one user id give each membership once', async () => {
    const root = fakeRoot({
      'etc/passwd': 'root:x:0:0::/:\ntoor:x:0:0::/:\nann:x:5:6::/:\n',
      'etc/group': 'root:x:0:\nadm:x:4:root,ann,toor\nann:x:6:ann\n',
    });
    expect(await rowsOf(userGroups, { root })).toEqual([
      { uid: 0, gid: 0 },
      { uid: 0, gid: 4 },
      { uid: 5, gid: 6 },
      { uid: 5, gid: 4 },
    ]);
  });
});

const extrausers = '/usr/lib/libnss_extrausers.so.2';
const apart = isRoot && spawnSync('unshare', ['-m', 'true']).status === 0;

describe('accounts of a name service', () => {
  /** Rows by the probe where `over` is mounted over files of the host. */
  const probed = (over: Record<string, string>, ...asked: string[]): Probed => {
    const root = fakeRoot(
      Object.fromEntries(Object.values(over).map((text, at) => [`${at}`, text])),
    );
    const mounts = Object.keys(over).map(
      (path, at) => `mount --bind ${root}/${at} "$(realpath ${path})"`,
    );
    for (const at of Object.keys(mounts)) chmodSync(join(root, at), 0o755);
    const script = `${mounts.join(' && ')} && exec "$0" --import tsx test/tables/lib/probe.ts ${asked.join(' ')}`;
    const args = ['-m', 'sh', '-c', script, process.execPath];
    const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
    expect(stdout, stderr).not.toBe('');
    return JSON.parse(stdout) as Probed;
  };
  const nss = {
    '/etc/nsswitch.conf': 'passwd: files extrausers\ngroup: files [NOTFOUND=continue] extrausers\n',
  };

  needs(extrausers, apart && existsSync(extrausers))(
    'come by id and by name, and are not listed',
    () => {
      mkdirSync('/var/lib/extrausers', { recursive: true });
      for (const name of ['passwd', 'group', 'shadow'])
        if (!existsSync(`/var/lib/extrausers/${name}`))
          writeFileSync(`/var/lib/extrausers/${name}`, '');
      const home = fakeRoot({ '.ssh/known_hosts': 'host key\n' });
      chownSync(join(home, '.ssh/known_hosts'), 54321, 54322);
      const over = {
        ...nss,
        '/var/lib/extrausers/passwd': `dir.user:x:54321:54322:From afar:${home}:/bin/sh\n`,
        '/var/lib/extrausers/group': 'dir group:x:54322:dir.user\nothers:x:54323:dir.user,root\n',
      };
      const user = { uid: 54321, gid: 54322, username: 'dir.user', description: 'From afar' };
      expect(probed(over, 'users', 'uid=54321').rows).toMatchObject([user]);
      expect(probed(over, 'users', 'username=dir.user').rows).toMatchObject([user]);
      expect(probed(over, 'users', 'uid=54399').rows).toEqual([]);
      const groupsOf = (...asked: string[]) =>
        probed(over, 'user_groups', ...asked).rows.map(
          ({ uid, gid }) => `${String(uid)}:${String(gid)}`,
        );
      // As `id -G` has it: the primary group, and those that name the user.
      expect(groupsOf('uid=54321').sort()).toEqual(['54321:54322', '54321:54323']);
      expect(groupsOf('gid=54323').sort()).toEqual(['0:54323', '54321:54323']);
      expect(groupsOf('uid=0')).toContain('0:54323');
      expect(groupsOf().join()).not.toContain('5432');
      expect(probed(over, 'known_hosts', 'uid=54321').rows).toMatchObject([
        { uid: 54321, key: 'host key', key_file: `${home}/.ssh/known_hosts` },
      ]);
      expect(probed(over, 'groups', 'gid=54322').rows).toMatchObject([{ groupname: 'dir group' }]);
      const all = probed(over, 'users').rows.map(({ username }) => username);
      expect(all).toContain('root');
      expect(all).not.toContain('dir.user');
    },
  );

  only(apart, 'as root')('that does not answer is told of, once, and local ones come', () => {
    const over = { ...nss, '/usr/bin/getent': '#!/bin/sh\nexec sleep 1000\n' };
    const { rows, warnings } = probed(over, 'users', 'uid=54321', 'uid=0', 'uid=54322');
    expect(rows).toMatchObject([{ uid: 0 }]);
    expect(warnings).toEqual([expect.stringContaining('getent passwd did not answer within')]);
  });
});

interface Probed {
  readonly rows: Row[];
  readonly warnings: string[];
}
