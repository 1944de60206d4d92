import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { apparmorProfiles } from '../../../src/tables/config/apparmor-profiles.ts';
import { magic } from '../../../src/tables/files/magic.ts';
import { contextFor, eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';
import { needs } from '../../helpers/needs.ts';

const hasFile = existsSync('/usr/bin/file');

describe('magic', () => {
  needs('file', hasFile)('agrees with file(1)', async () => {
    const rows = await rowsOf(magic, { constraints: [eq('path', '/etc/passwd')] });
    expectShape(magic, rows);
    const data = execFileSync('file', ['-b', '/etc/passwd'], { encoding: 'utf8' }).trim();
    expect(rows).toMatchObject([{ path: '/etc/passwd', data, mime_type: 'text/plain' }]);
  });

  needs('file', hasFile)('passes over pipes, and takes names for nothing but names', async () => {
    const root = fakeRoot({ '-z; id': '{"a":1}' });
    execFileSync('mkfifo', [join(root, 'pipe')]);
    expect(await rowsOf(magic, { root, constraints: [eq('path', '/pipe')] })).toEqual([]);
    const rows = await rowsOf(magic, { root, constraints: [eq('path', '/-z; id')] });
    expect(rows).toMatchObject([{ mime_type: 'application/json' }]);
  });

  test('refuses a scan without a path', () => {
    expect(() => [...magic.lookup(contextFor(magic))]).toThrow('needs a path');
  });
});

describe('apparmor_profiles', () => {
  test('are read from the policy, nested ones too', async () => {
    const policy = 'sys/kernel/security/apparmor/policy';
    const root = fakeRoot({
      'sys/module/apparmor/parameters/enabled': 'Y\n',
      [`${policy}/profiles/man.1/name`]: 'man\n',
      [`${policy}/profiles/man.1/mode`]: 'enforce\n',
      [`${policy}/profiles/man.1/sha1`]: 'ab\n',
      [`${policy}/profiles/man.1/profiles/filter.2/name`]: 'filter\n',
    });
    const rows = await rowsOf(apparmorProfiles, { root });
    expectShape(apparmorProfiles, rows);
    expect(rows).toMatchObject([
      { path: 'profiles/man.1', name: 'man', mode: 'enforce', sha1: 'ab', attach: null },
      { path: 'profiles/man.1/profiles/filter.2', name: 'filter' },
    ]);
  });

  test('a host without AppArmor says so', async () => {
    await expect(rowsOf(apparmorProfiles, { root: fakeRoot({}) })).rejects.toThrow('not enabled');
  });
});
