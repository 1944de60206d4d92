import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import { listPrefix } from '../../../src/tables/packages/apt-lists.ts';
import { aptSources } from '../../../src/tables/packages/apt-sources.ts';
import { updates } from '../../../src/tables/packages/updates.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';
import { needs, only } from '../../helpers/needs.ts';

const native = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
const LISTS = '/var/lib/apt/lists';
const hasLists =
  existsSync(LISTS) && readdirSync(LISTS).some((name) => /_Packages(\.\w+)?$/.test(name));

const stanza = (fields: Record<string, string>): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('') + '\n';

const installed = (name: string, version: string, arch = native, want = 'install'): string =>
  stanza({ Package: name, Status: `${want} ok installed`, Architecture: arch, Version: version });

const offered = (name: string, version: string, arch = native): string =>
  stanza({ Package: name, Version: version, Architecture: arch, Description: 'x' });

const release = (label: string, suite: string, more = ''): string =>
  `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nOrigin: Debian\nLabel: ${label}\nSuite: ${suite}\nVersion: 12.11\nCodename: bookworm\n${more}Components: main contrib\nArchitectures: all amd64\n-----BEGIN PGP SIGNATURE-----\n`;

describe('updates', () => {
  const base = 'var/lib/apt/lists/deb.debian.org_debian_dists_bookworm';
  const security = 'var/lib/apt/lists/security.debian.org_dists_bookworm-security';
  const backports = 'var/lib/apt/lists/deb.debian.org_debian_dists_bookworm-backports';
  const root = (): string =>
    fakeRoot({
      'var/lib/dpkg/status':
        installed('old', '1.0-1') +
        installed('vulnerable', '1:2.0') +
        installed('both', '1.0') +
        installed('current', '3.0') +
        installed('kept', '1.0', native, 'hold') +
        installed('became-native', '1.0', 'all') +
        stanza({
          Package: 'removed',
          Status: 'deinstall ok config-files',
          Architecture: native,
          Version: '1',
        }),
      [`${base}_InRelease`]: release('Debian', 'stable'),
      [`${base}_main_binary-${native}_Packages`]:
        offered('old', '1.0-2') +
        offered('both', '1.2') +
        offered('current', '3.0') +
        offered('kept', '1.1', 'all') +
        offered('became-native', '2.0') +
        offered('removed', '2') +
        offered('unknown', '1'),
      [`${security}_InRelease`]: release('Debian-Security', 'stable-security'),
      [`${security}_main_binary-${native}_Packages.gz`]: gzipSync(
        offered('vulnerable', '1:2.0.1') + offered('both', '1.1'),
      ),
      [`${backports}_InRelease`]: release(
        'Debian Backports',
        'stable-backports',
        'NotAutomatic: yes\n',
      ),
      [`${backports}_main_binary-${native}_Packages`]: offered('current', '4.0~bpo12+1'),
    });

  test('are the newest versions, those with a security fix among them marked', async () => {
    const rows = await rowsOf(updates, { root: root() });
    expectShape(updates, rows);
    expect(
      rows
        .map((row) => [row.name, row.candidate_version, row.security, row.held, row.origin])
        .sort(),
    ).toEqual([
      ['became-native', '2.0', 0, 0, 'Debian stable'],
      ['both', '1.2', 1, 0, 'Debian stable'],
      ['kept', '1.1', 0, 1, 'Debian stable'],
      ['old', '1.0-2', 0, 0, 'Debian stable'],
      ['vulnerable', '1:2.0.1', 1, 0, 'Debian-Security stable-security'],
    ]);
  });

  test('a host where apt update was never run says so', async () => {
    const bare = fakeRoot({ 'var/lib/dpkg/status': installed('a', '1') });
    await expect(rowsOf(updates, { root: bare })).rejects.toThrow('apt update was never run');
  });

  only(hasLists, 'after apt update')(
    'agree with apt list --upgradable on this machine',
    async () => {
      const rows = await rowsOf(updates);
      expectShape(updates, rows);
      const listed = execFileSync('apt', ['list', '--upgradable'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const theirs = listed.split('\n').flatMap((line) => {
        const match = /^([^/]+)\/\S+ (\S+) (\S+) \[upgradable from: (\S+)\]/.exec(line);
        return match === null ? [] : [`${match[1]} ${match[4]} ${match[2]}`];
      });
      expect(
        rows
          .map((row) => [row.name, row.installed_version, row.candidate_version].join(' '))
          .sort(),
      ).toEqual(theirs.sort());
    },
  );
});

describe('apt_sources', () => {
  test('are read in both forms, with what their releases say', async () => {
    const root = fakeRoot({
      'etc/apt/sources.list':
        '# deb http://commented/ x main\ndeb [arch=amd64 signed-by=/k.gpg] http://deb.debian.org/debian/ bookworm main # c\ndeb-src http://deb.debian.org/debian bookworm main\n',
      'etc/apt/sources.list.d/a.sources':
        'Types: deb deb-src\nURIs: http://security.debian.org\nSuites: bookworm-security\n other/\nComponents: main\n\nTypes: deb\nEnabled: no\nURIs: http://off\nSuites: x\n\nTypes: deb-src\nURIs: http://src\nSuites: x\n',
      'etc/apt/sources.list.d/ignored.bak': 'deb http://bak x main\n',
      'var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease': release(
        'Debian',
        'stable',
      ),
    });
    const rows = await rowsOf(aptSources, { root });
    expectShape(aptSources, rows);
    const unfetched = {
      release: null,
      version: null,
      maintainer: null,
      components: null,
      architectures: null,
    };
    expect(rows).toEqual([
      {
        name: 'deb.debian.org/debian bookworm',
        source: '/etc/apt/sources.list',
        base_uri: 'http://deb.debian.org/debian',
        release: 'bookworm',
        version: '12.11',
        maintainer: 'Debian',
        components: 'main contrib',
        architectures: 'all amd64',
      },
      {
        name: 'security.debian.org bookworm-security',
        source: '/etc/apt/sources.list.d/a.sources',
        base_uri: 'http://security.debian.org',
        ...unfetched,
      },
      {
        name: 'security.debian.org other/',
        source: '/etc/apt/sources.list.d/a.sources',
        base_uri: 'http://security.debian.org',
        ...unfetched,
      },
    ]);
  });

  test('names of lists are made as apt makes them', () => {
    expect(listPrefix('http://deb.debian.org/debian/', 'bookworm')).toBe(
      'deb.debian.org_debian_dists_bookworm',
    );
    expect(listPrefix('https://user:pw@host/a_b', 'x/y')).toBe('host_a%5fb_dists_x_y');
    expect(listPrefix('https://host/flat', 'sub/')).toBe('host_flat_sub');
  });

  needs('apt-get')('are the archives that apt itself reads out of odd files', async () => {
    const odd = [
      'deb cdrom:[Debian GNU/Linux 12.4.0 _Bookworm_ - Official amd64 20231210-17:56]/ bookworm main non-free',
      'deb cdrom:[Plain label]/ bookworm main',
      '  deb file:/srv/repo ./',
      'deb file:///srv/re%20po/ x/sub main',
      'deb\t[ arch=amd64 lang=none ]\thttp://u:p@h.example:80/a_b stable/updates main # c',
      'deb [arch=amd64] http://b.example/~x/ flat/sub/',
      'deb http://"c.example/a b" stable main #deb http://no/ x y',
      'deb copy:/srv/c%5fd stable main contrib',
      'deb http://[2001:db8::1]:8080/d stable main',
      'deb https://e.example stable main',
      '#deb http://off.example/ stable main',
    ];
    const root = fakeRoot({ 'etc/apt/sources.list': `${odd.join('\n')}\n`, 'lists/x': '' });
    const args = [
      ...['update', '--print-uris', '-o', `Dir::State::Lists=${root}/lists`],
      ...['-o', `Dir::Etc::SourceList=${root}/etc/apt/sources.list`],
      ...['-o', 'Dir::Etc::SourceParts=/dev/null'],
    ];
    const theirs = execFileSync('apt-get', args, { encoding: 'utf8' });
    const prefixes = [...theirs.matchAll(/ (\S+)_InRelease 0/g)].map((match) => match[1]);
    const rows = await rowsOf(aptSources, { root });
    const ours = rows.map(({ base_uri, name }) =>
      listPrefix(String(base_uri), String(name).split(' ').at(-1)!),
    );
    expect(ours.sort()).toEqual(prefixes.sort());
    expect(ours).toHaveLength(10);
  });

  only(hasLists, 'after apt update')('name the lists of this machine', async () => {
    const rows = await rowsOf(aptSources);
    expectShape(aptSources, rows);
    expect(rows.some((row) => row.release !== null)).toBe(true);
  });
});
