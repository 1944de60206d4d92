/** Reasons to start anew, on made-up hosts; the order of kernels beside sort -V. */
import { spawnSync } from 'node:child_process';
import { utimesSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { compareKernels } from '../../../src/tables/packages/kernels.ts';
import { newerThan, rebootRequired } from '../../../src/tables/packages/reboot-required.ts';
import { needs } from '../../helpers/needs.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';
import { randomOf } from '../lib/random.ts';

const running = (release: string) => ({ 'proc/sys/kernel/osrelease': `${release}\n` });

test('packages that asked for it, each once, since the mark was set', async () => {
  const root = fakeRoot({
    ...running('6.1.0-18-amd64'),
    'run/reboot-required': '*** System restart required ***\n',
    'run/reboot-required.pkgs': 'libc6\nlinux-image-6.1.0-21-amd64\nlibc6\n',
  });
  utimesSync(join(root, 'run/reboot-required'), 1000, 1000);
  const rows = await rowsOf(rebootRequired, { root });
  expectShape(rebootRequired, rows);
  expect(rows).toEqual([
    { reason: 'package', package: 'libc6', since: 1000 },
    { reason: 'package', package: 'linux-image-6.1.0-21-amd64', since: 1000 },
  ]);
  const unknown = fakeRoot({ 'run/reboot-required': '' });
  expect(await rowsOf(rebootRequired, { root: unknown })).toMatchObject([{ package: '' }]);
});

test.each([
  [
    'Debian',
    '6.1.0-9-amd64',
    ['6.1.0-9-amd64', '6.1.0-18-amd64', '6.1.0-9-amd64.old'],
    '6.1.0-18-amd64',
  ],
  [
    'another flavour is no newer kernel',
    '6.1.0-9-amd64',
    ['6.1.0-9-amd64', '6.1.0-20-cloud-amd64'],
    undefined,
  ],
  ['backports are', '6.1.0-9-amd64', ['6.1.0-9-amd64', '6.10.11+bpo-amd64'], '6.10.11+bpo-amd64'],
  [
    'Ubuntu',
    '5.15.0-91-generic',
    ['5.15.0-100-generic', '5.15.0-91-generic'],
    '5.15.0-100-generic',
  ],
  [
    'RHEL, rescue images aside',
    '5.14.0-362.8.1.el9_3.x86_64',
    ['0-rescue-1234', '5.14.0-362.8.1.el9_3.x86_64', '5.14.0-427.el9.x86_64'],
    '5.14.0-427.el9.x86_64',
  ],
  ['nothing newer', '6.1.0-18-amd64', ['6.1.0-9-amd64', '6.1.0-18-amd64'], undefined],
  ['a container, where none lies', '6.1.0-18-amd64', [], undefined],
  ['a release candidate that became a release', '6.2.0-rc3', ['6.2.0-rc3', '6.2.0'], '6.2.0'],
])('kernels: %s', async (_, release, lying, newer) => {
  const files = lying.map((name) => [`boot/vmlinuz-${name}`, ''] as const);
  const root = fakeRoot({ ...running(release), ...Object.fromEntries(files) });
  const rows = await rowsOf(rebootRequired, { root });
  expect(rows.map((row) => [row.reason, row.running, row.installed])).toEqual(
    newer === undefined ? [] : [['kernel', release, newer]],
  );
});

test('kernels beside their modules, as Arch and Fedora have them', async () => {
  const root = fakeRoot({
    ...running('6.6.1-arch1-1'),
    'usr/lib/modules/6.6.2-arch1-1/vmlinuz': '',
    'usr/lib/modules/6.9.0-arch1-1/modules.dep': 'what a removed kernel left',
  });
  expect(await rowsOf(rebootRequired, { root })).toMatchObject([{ installed: '6.6.2-arch1-1' }]);
});

test.each([
  [
    'proc/version',
    'Linux version 6.1.0-18-amd64 (d@d) (gcc) #1 SMP Debian 6.1.76-1 (2024-02-01)\n',
    '6.1.0-18-amd64',
    '6.1.76-1',
  ],
  [
    'proc/version_signature',
    'Ubuntu 5.15.0-91.101-generic 5.15.131\n',
    '5.15.0-91-generic',
    '5.15.0-91.101',
  ],
])('a kernel built anew under its name is found by %s', async (file, said, release, build) => {
  const status = (version: string) =>
    `Package: linux-image-${release}\nStatus: install ok installed\nVersion: ${version}\n`;
  const host = (version: string) =>
    fakeRoot({
      ...running(release),
      [file]: said,
      [`boot/vmlinuz-${release}`]: '',
      'var/lib/dpkg/status': status(version),
    });
  expect(await rowsOf(rebootRequired, { root: host(build) })).toEqual([]);
  expect(await rowsOf(rebootRequired, { root: host(`${build}.9`) })).toMatchObject([
    { reason: 'kernel', running: `${release} (${build})`, installed: `${release} (${build}.9)` },
  ]);
});

test('what rpm says: packages newer than the start, each once', () => {
  expect(
    newerThan(
      '2000\tglibc\n999\tsystemd\n2500\tkernel\n2600\tkernel\npackage dbus is not installed\n',
      1000,
    ),
  ).toEqual([
    { reason: 'package', package: 'glibc', since: 2000 },
    { reason: 'package', package: 'kernel', since: 2600 },
  ]);
});

needs('sort')('kernels are in the order of sort -V, generated', () => {
  const random = randomOf(17);
  const number = () => random.below(30);
  const names = Array.from({ length: 300 }, () => `${number()}.${number()}.0-${number()}-amd64`);
  const { stdout } = spawnSync('sort', ['-V'], { input: names.join('\n'), encoding: 'utf8' });
  expect([...names].sort(compareKernels)).toEqual(stdout.trim().split('\n'));
});
