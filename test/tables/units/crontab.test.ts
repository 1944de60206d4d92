import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { crontab } from '../../../src/tables/units/crontab.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';
import { has, isRoot, needs } from '../../helpers/needs.ts';

test('crontab reads the tables of the system and of users', async () => {
  const root = fakeRoot({
    'etc/crontab':
      'SHELL=/bin/sh\n# x\n17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n',
    'etc/cron.d/job': '@reboot root /bin/true\nMAILTO = "x"\nbroken line\n',
    'var/spool/cron/crontabs/ann': '*/5 1-3 * jan mon,tue echo "a=b"  c\n',
  });
  const rows = await rowsOf(crontab, { root });
  expectShape(crontab, rows);
  expect(rows).toEqual([
    {
      minute: '17',
      hour: '*',
      day_of_month: '*',
      month: '*',
      day_of_week: '*',
      command: 'root\tcd / && run-parts --report /etc/cron.hourly',
      path: '/etc/crontab',
    },
    {
      event: '@reboot',
      command: 'root /bin/true',
      path: '/etc/cron.d/job',
    },
    {
      minute: '*/5',
      hour: '1-3',
      day_of_month: '*',
      month: 'jan',
      day_of_week: 'mon,tue',
      command: 'echo "a=b"  c',
      path: '/var/spool/cron/crontabs/ann',
    },
  ]);
});

const job = (name: string): string => `A.B = c d e f g h\n@reboot root touch "$RAN/${name}"\n`;
const NAMES = [
  ...['plain', 'With-dash_9', 'a.dpkg-dist', 'a.bak', 'b~', '.hidden', '#c#', 'x.y', 'd.rpmsave'],
];

test('crontab knows SUSE its place, and what cronie passes over', async () => {
  const files = NAMES.map((name) => [`etc/cron.d/${name}`, job(name)] as const);
  const root = fakeRoot({
    ...Object.fromEntries(files),
    'var/spool/cron/tabs/ann': '1 2 * * * date\n',
    'var/spool/cron/tabs/tmp.4711': '1 2 * * * lost\n',
  });
  const rows = await rowsOf(crontab, { root });
  expect(rows.map(({ path }) => path)).toEqual([
    ...['With-dash_9', 'a.bak', 'a.dpkg-dist', 'plain', 'x.y'].map((name) => `/etc/cron.d/${name}`),
    '/var/spool/cron/tabs/ann',
  ]);
});

needs(
  'cron',
  isRoot && has('cron') && spawnSync('unshare', ['-m', '-p', '-f', 'true']).status === 0,
)('crontab has the jobs that cron of Debian starts', async () => {
  const ran = fakeRoot({ x: '' });
  const files = NAMES.map(
    (name) => [`etc/cron.d/${name}`, job(name).replace('$RAN', ran)] as const,
  );
  const root = fakeRoot({
    ...Object.fromEntries(files),
    'var/spool/cron/crontabs/root': `@reboot touch "${ran}/spool"\n`,
    'etc/crontab': '',
    'run/x': '',
  });
  chmodSync(join(root, 'var/spool/cron/crontabs/root'), 0o600);
  const rows = await rowsOf(crontab, { root });
  const ours = rows.map(({ command }) => /([^/"]+)"$/.exec(String(command))![1]!).sort();
  // In namespaces of its own; it ends when all our jobs have run and cron waits with no child.
  const script = `set -e
      for place in etc/cron.d etc/crontab var/spool/cron run; do mount --bind "$1/$place" "/$place"; done
      cron -f & cron=$!
      until [ "$(ls -A "$2" | wc -l)" -ge "$3" ] && [ -z "$(cat /proc/$cron/task/$cron/children)" ]; do sleep 0.05; done
      kill $cron`;
  const args = ['-m', '-p', '-f', '--mount-proc', 'sh', '-c', script, 'sh', root, ran];
  const { status, stderr } = spawnSync('unshare', [...args, String(ours.length + 1)], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(status, stderr).toBe(0);
  expect(
    readdirSync(ran)
      .filter((name) => name !== 'x')
      .sort(),
  ).toEqual(ours);
  expect(ours).toEqual(['With-dash_9', 'plain', 'spool']);
});
