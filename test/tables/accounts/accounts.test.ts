import { execFileSync } from 'node:child_process';

import { describe, expect, test } from 'vitest';

import { groups } from '../../../src/tables/accounts/groups.ts';
import { userGroups } from '../../../src/tables/accounts/user-groups.ts';
import { users } from '../../../src/tables/accounts/users.ts';
import { TableError } from '../../../src/tables/types.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

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
