import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { suidBin } from '../../../src/tables/files/suid-bin.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

test('suid_bin agrees with find(1)', async () => {
  const rows = await rowsOf(suidBin);
  expectShape(suidBin, rows);
  const bin = (path: unknown): boolean => /^\/usr\/s?bin\//.test(String(path));
  const theirs = execFileSync(
    'find',
    ['/usr/bin', '/usr/sbin', '-type', 'f', '-perm', '/6000', '-printf', '%p %u %g %m\n'],
    { encoding: 'utf8' },
  );
  expect(
    rows
      .filter((row) => bin(row.path))
      .map((row) => `${String(row.path)} ${String(row.username)} ${String(row.groupname)}`)
      .sort(),
  ).toEqual(
    theirs
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ').slice(0, 3).join(' '))
      .sort(),
  );
});

test('suid_bin tells setuid from setgid, and links are not followed', async () => {
  const root = fakeRoot({
    'usr/bin/s': '',
    'usr/bin/g': '',
    'usr/bin/sg': '',
    'usr/bin/none': '',
    'usr/bin/link': { link: 's' },
    bin: { link: 'usr/bin' },
  });
  chmodSync(join(root, 'usr/bin/s'), 0o4755);
  chmodSync(join(root, 'usr/bin/g'), 0o2755);
  chmodSync(join(root, 'usr/bin/sg'), 0o6755);
  const rows = await rowsOf(suidBin, { root });
  expect(rows.map((row) => [row.path, row.permissions]).sort()).toEqual([
    ['/usr/bin/g', 'G'],
    ['/usr/bin/s', 'S'],
    ['/usr/bin/sg', 'SG'],
  ]);
});
