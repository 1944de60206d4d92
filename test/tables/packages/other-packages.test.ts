import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { npmPackages } from '../../../src/tables/packages/npm-packages.ts';
import { portagePackages } from '../../../src/tables/packages/portage-packages.ts';
import { pythonPackages } from '../../../src/tables/packages/python-packages.ts';
import { parseRpms, rpmPackages } from '../../../src/tables/packages/rpm-packages.ts';
import { yumSources } from '../../../src/tables/packages/yum-sources.ts';
import { eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';
import { needs } from '../../helpers/needs.ts';

describe('npm_packages', () => {
  test("agree with npm ls on this project's own packages", async () => {
    const rows = await rowsOf(npmPackages, { constraints: [eq('directory', process.cwd())] });
    expectShape(npmPackages, rows);
    const find = execFileSync(
      'find',
      [
        'node_modules',
        '-regextype',
        'posix-extended',
        '-regex',
        '(.*/)?node_modules/(@[^/]+/)?[^/@]+/package.json',
      ],
      { encoding: 'utf8', maxBuffer: 1 << 24 },
    );
    const theirs = find
      .trimEnd()
      .split('\n')
      .map((path) => `${process.cwd()}/${path}`);
    // Packages may carry folders named node_modules among their tests, which are none of theirs.
    expect(rows.map((row) => row.path).filter((path) => !theirs.includes(String(path)))).toEqual(
      [],
    );
    const direct = JSON.parse(
      execFileSync('npm', ['ls', '--json', '--depth=0'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    ) as { dependencies: Record<string, { version: string }> };
    for (const [name, { version }] of Object.entries(direct.dependencies)) {
      if (version === undefined) continue;
      const row = rows.find((one) => one.name === name && one.depth === 0);
      expect(row?.version, name).toBe(version);
    }
  });

  test('scoped and nested packages, loops of links, broken manifests', async () => {
    const manifest = (name: string, more = {}): string =>
      JSON.stringify({ name, version: '1.0.0', ...more });
    const root = fakeRoot({
      'usr/lib/node_modules/a/package.json': manifest('a', {
        author: { name: 'Ann' },
        license: { type: 'MIT' },
      }),
      'usr/lib/node_modules/a/node_modules/b/package.json': manifest('b', {
        author: 'Bob',
        license: 'ISC',
      }),
      'usr/lib/node_modules/@s/c/package.json': manifest('@s/c'),
      'usr/lib/node_modules/broken/package.json': '{"name":',
      'usr/lib/node_modules/odd/package.json': '[{"name":7}]',
      'usr/lib/node_modules/a/node_modules/loop/package.json': manifest('loop'),
      'usr/lib/node_modules/a/node_modules/loop/node_modules': { link: '../..' },
    });
    const rows = await rowsOf(npmPackages, { root });
    expectShape(npmPackages, rows);
    expect(rows.map((row) => [row.path, row.name, row.author, row.license, row.depth])).toEqual([
      ['/usr/lib/node_modules/@s/c/package.json', '@s/c', undefined, undefined, 0],
      ['/usr/lib/node_modules/a/package.json', 'a', 'Ann', 'MIT', 0],
      ['/usr/lib/node_modules/broken/package.json', undefined, undefined, undefined, 0],
      ['/usr/lib/node_modules/odd/package.json', undefined, undefined, undefined, 0],
      ['/usr/lib/node_modules/a/node_modules/b/package.json', 'b', 'Bob', 'ISC', 1],
      ['/usr/lib/node_modules/a/node_modules/loop/package.json', 'loop', undefined, undefined, 1],
    ]);
    const shallow = await rowsOf(npmPackages, { root, constraints: [eq('max_depth', 0)] });
    expect(shallow.every((row) => row.depth === 0 && row.max_depth === 0)).toBe(true);
  });
});

test('a byte order mark in front of package.json is none of it, as for npm', async () => {
  const manifest = '\ufeff{"name":"bom","version":"1.2.3"}';
  const root = fakeRoot({ 'usr/lib/node_modules/bom/package.json': manifest });
  const npm = JSON.parse(
    execFileSync('npm', ['ls', '-g', '--json'], {
      encoding: 'utf8',
      env: { ...process.env, npm_config_prefix: `${root}/usr` },
    }),
  ) as { dependencies: Record<string, { version: string }> };
  const rows = await rowsOf(npmPackages, { root });
  expect(rows.map(({ name, version }) => [name, version])).toEqual(
    Object.entries(npm.dependencies).map(([name, { version }]) => [name, version]),
  );
  expect(rows).toHaveLength(1);
});

describe('python_packages', () => {
  const python = ['/usr/bin/python3', '/root/.pyenv/shims/python3'].find((path) =>
    existsSync(path),
  );

  needs('python3', python !== undefined)("agree with Python's own importlib.metadata", async () => {
    const rows = await rowsOf(pythonPackages);
    expectShape(pythonPackages, rows);
    const folders = [...new Set(rows.map((row) => String(row.directory)))];
    const script =
      'import sys, importlib.metadata as m\n' +
      'for p in sys.argv[1:]:\n' +
      '  for d in m.distributions(path=[p]): print(p, d.metadata["Name"], d.version)\n';
    const theirs = execFileSync(python!, ['-c', script, ...folders], { encoding: 'utf8' });
    expect(rows.map((row) => [row.directory, row.name, row.version].join(' ')).sort()).toEqual(
      theirs.split('\n').filter(Boolean).sort(),
    );
  });

  test('metadata of wheels, eggs and old distutils, of the system and of homes', async () => {
    const root = fakeRoot({
      'etc/passwd': 'ann:x:1000:0::/home/ann:\n',
      'usr/lib/python3/dist-packages/a-1.dist-info/METADATA':
        'Metadata-Version: 2.1\nName: a\nVersion: 1\nSummary: does: things\nAuthor: Ann\nLicense-Expression: MIT\n\nName: no\n',
      'usr/lib/python3/dist-packages/b.egg-info/PKG-INFO': 'Name: b\nVersion: 2\n',
      'usr/lib/python3/dist-packages/c-3.egg-info': 'Name: c\nVersion: 3\n',
      'usr/lib/python3/dist-packages/d.dist-info/other': '',
      'home/ann/.local/lib/python3.11/site-packages/e.dist-info/METADATA': 'Name: e\nVersion: 5\n',
    });
    const rows = await rowsOf(pythonPackages, { root });
    expectShape(pythonPackages, rows);
    expect(rows.map((row) => [row.name, row.version, row.uid])).toEqual([
      ['a', '1', 0],
      ['b', '2', 0],
      ['c', '3', 0],
      ['e', '5', 1000],
    ]);
    expect(rows[0]).toMatchObject({ summary: 'does: things', author: 'Ann', license: 'MIT' });
  });
});

describe('rpm_packages', () => {
  test('lines of rpm become rows, NULL for what is not there', () => {
    const rows = parseRpms(
      'bash\t5.2.26\t3.fc40\tbash-5.2.26-3.fc40.src.rpm\t8502104\t0a1b\tx86_64\t(none)\t1700000000\tFedora Project\tUnspecified\n' +
        'gpg-pubkey\ta15b79cc\t63d04c2c\t(none)\t0\t(none)\t(none)\t1\t1700000001\t(none)\tPublic Keys\n',
    );
    expectShape(rpmPackages, rows);
    expect(rows).toMatchObject([
      { name: 'bash', size: 8502104, epoch: null, arch: 'x86_64', install_time: 1700000000 },
      { name: 'gpg-pubkey', source: null, sha1: null, arch: null, epoch: 1 },
    ]);
  });

  test('a host without rpm says so', async () => {
    await expect(rowsOf(rpmPackages, { root: fakeRoot({}) })).rejects.toThrow('no rpm database');
  });
});

test('yum_sources: sections of the repository files', async () => {
  const root = fakeRoot({
    'etc/dnf/dnf.conf': '[main]\ngpgcheck=1\n',
    'etc/yum.repos.d/fedora.repo':
      '[fedora]\nname=Fedora $releasever\n#baseurl=http://no/\nmetalink=https://m?repo=f&arch=$basearch\nenabled=1\ngpgcheck = 0\ngpgkey=file:///a\n       file:///b\n\n[off]\nenabled=0\nbaseurl=http://b/\n',
  });
  const rows = await rowsOf(yumSources, { root });
  expectShape(yumSources, rows);
  expect(rows).toMatchObject([
    {
      name: 'Fedora $releasever',
      metalink: 'https://m?repo=f&arch=$basearch',
      enabled: '1',
      gpgcheck: '0',
      gpgkey: 'file:///a file:///b',
    },
    { name: 'off', enabled: '0', baseurl: 'http://b/' },
  ]);
});

describe('portage_packages', () => {
  test('folders of the database become rows', async () => {
    const root = fakeRoot({
      'var/db/pkg/app-shells/bash-5.2_p26-r1/SLOT': '0\n',
      'var/db/pkg/app-shells/bash-5.2_p26-r1/SIZE': '1234\n',
      'var/db/pkg/app-shells/bash-5.2_p26-r1/EAPI': '8\n',
      'var/db/pkg/dev-lang/python-exec-conf-2.4.6/BUILD_TIME': '1700000000\n',
      'var/lib/portage/world': 'app-shells/bash\n',
    });
    const rows = await rowsOf(portagePackages, { root });
    expectShape(portagePackages, rows);
    expect(rows).toMatchObject([
      {
        package: 'app-shells/bash',
        version: '5.2_p26-r1',
        slot: '0',
        size: 1234,
        eapi: 8,
        world: 1,
      },
      { package: 'dev-lang/python-exec-conf', version: '2.4.6', build_time: 1700000000, world: 0 },
    ]);
  });

  test('a host without portage says so', async () => {
    await expect(rowsOf(portagePackages, { root: fakeRoot({}) })).rejects.toThrow('no portage');
  });
});
