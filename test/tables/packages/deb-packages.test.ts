import { execFileSync } from 'node:child_process';

import { describe, expect, test } from 'vitest';

import { debPackages } from '../../../src/tables/packages/deb-packages.ts';
import { eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

const FORMAT =
  '${Package}\\t${Version}\\t${Installed-Size}\\t${Architecture}\\t${Status}\\t${Maintainer}\\t${Section}\\t${Priority}\\t${Source}\\n';

describe('deb_packages', () => {
  test('are those that dpkg-query lists', async () => {
    const rows = await rowsOf(debPackages);
    expectShape(debPackages, rows);
    const ours = rows.map((row) =>
      [
        row.name,
        row.version,
        row.size === null ? '' : Number(row.size) / 1024,
        row.arch,
        row.status,
        row.maintainer,
        row.section,
        row.priority,
        row.source,
      ].join('\t'),
    );
    const theirs = execFileSync('dpkg-query', ['-W', '-f', FORMAT], { encoding: 'utf8' });
    expect(ours.sort()).toEqual(theirs.trimEnd().split('\n').sort());
  });

  test('the revision is what follows the last hyphen', async () => {
    const rows = await rowsOf(debPackages, {
      root: fakeRoot({ 'var/lib/dpkg/status': status('a', '1:2-3-4') + status('b', '2.0') }),
    });
    expect(rows.map((row) => row.revision)).toEqual(['4', '']);
  });

  test('removed packages with configuration left are listed, absent ones are not', async () => {
    const rows = await rowsOf(debPackages, {
      root: fakeRoot({
        'var/lib/dpkg/status':
          status('left', '1', 'deinstall ok config-files') +
          status('gone', '1', 'unknown ok not-installed'),
      }),
    });
    expect(rows.map((row) => row.name)).toEqual(['left']);
  });

  test('another admindir is read when the query names it', async () => {
    const root = fakeRoot({ 'srv/chroot/dpkg/status': status('other', '1') });
    const rows = await rowsOf(debPackages, {
      root,
      constraints: [eq('admindir', '/srv/chroot/dpkg')],
    });
    expect(rows).toMatchObject([{ name: 'other', admindir: '/srv/chroot/dpkg' }]);
  });

  test('images that keep one file a package in status.d are read', async () => {
    const root = fakeRoot({
      'var/lib/dpkg/status.d/base': status('base-files', '12'),
      'var/lib/dpkg/status.d/base.md5sums': 'd41d8cd9  usr/x',
    });
    expect(await rowsOf(debPackages, { root })).toMatchObject([{ name: 'base-files' }]);
  });

  test('a host without dpkg says so', async () => {
    await expect(rowsOf(debPackages, { root: fakeRoot({}) })).rejects.toThrow(
      'no dpkg database on this host: cannot read /var/lib/dpkg/status: there is no such file',
    );
  });
});

function status(name: string, version: string, state = 'install ok installed'): string {
  return `Package: ${name}\nStatus: ${state}\nVersion: ${version}\nDescription: text\n more: text\n .\n\n`;
}
