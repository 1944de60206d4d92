/**
 * Every table whole, as root and as an ordinary user, on a copy of this machine under a systemd of its own
 * where traps are laid: it ends in time, says what it may not read, and leaves everything as it was.
 */
import { resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { allTables } from '../../src/tables/index.ts';
import { boot, canBoot, type Booted } from '../helpers/booted.ts';
import { has, only } from '../helpers/needs.ts';
import type { TableScan } from './lib/scan-all.ts';

const SCAN = resolve(import.meta.dirname, 'lib/scan-all.ts');
/** As a query of an agent has it (docs/query-language.md). */
const LIMIT_MS = 5_000;

/** Pipes where files are expected, folders too, a home of another, an automount that nobody asked for. */
const TRAPS = `
useradd --create-home --uid 4321 trapped
useradd --create-home --uid 4322 plain
cd /home/trapped
mkdir -p .ssh .config/google-chrome/Default/Extensions .mozilla/firefox/x.default .vscode
mkfifo .bash_history .ssh/known_hosts .ssh/authorized_keys .ssh/id_rsa .mozilla/firefox/profiles.ini
mkfifo .config/google-chrome/Default/Preferences .vscode/extensions
ln -s /dev/zero .zsh_history
mkdir -p node_modules/pipe
mkfifo node_modules/pipe/package.json
chown -Rh trapped: .
chmod 700 . /home/plain
mkfifo /etc/cron.d/pipe /etc/sudoers.d/pipe /etc/sysctl.d/pipe.conf /etc/apt/sources.list.d/pipe.list
mkfifo /etc/ssl/certs/pipe.pem /usr/local/bin/pipe
echo 'plain line' > /home/plain/.bash_history
chown plain: /home/plain/.bash_history
mkdir -p /srv/trap /run/systemd/system
printf '[Mount]\\nWhat=tmpfs\\nType=tmpfs\\nWhere=/srv/trap\\n' > /run/systemd/system/srv-trap.mount
printf '[Automount]\\nWhere=/srv/trap\\n' > /run/systemd/system/srv-trap.automount
systemctl daemon-reload
systemctl start srv-trap.automount 2>/dev/null || echo none`;

only(
  canBoot() && has('useradd') && has('setpriv'),
  'as root where a systemd can be started, with useradd and setpriv',
  describe,
)('a scan of everything', () => {
  let machine: Booted;
  beforeAll(async () => {
    machine = await boot();
    machine.print('sh', '-ec', TRAPS);
    // The ordinary user runs this clone, wherever it lies.
    const open =
      'while [ "$folder" != / ]; do chmod o+x "$folder"; folder=$(dirname "$folder"); done';
    machine.print('sh', '-ec', `folder=${process.cwd()}; ${open}`);
  });
  afterAll(() => machine?.stop());

  const scan = (user: string): TableScan[] => {
    const command = `cd ${process.cwd()} && exec setpriv --reuid=${user} --regid=${user} --init-groups ${process.execPath} --import ${import.meta.resolve('tsx')} ${SCAN}`;
    const lines = machine.print('sh', '-ec', command).trim().split('\n');
    return lines.map((line) => JSON.parse(line) as TableScan);
  };
  const times = (paths: readonly string[]): string =>
    machine.print('stat', '-c', '%n %x', '--', ...paths);

  test.each(['root', 'plain'])('as %s: ends, in its limits, with reasons', (user) => {
    const scans = scan(user);
    const whole = allTables.filter(({ columns }) => !columns.some(({ required }) => required));
    expect(scans.map(({ table }) => table)).toEqual(whole.map(({ name }) => name));
    expect(scans.filter(({ ms }) => ms > LIMIT_MS)).toEqual([]);
    // What cannot be had says so as a table does, and nothing breaks.
    for (const { table, error, code } of scans)
      if (error !== undefined)
        expect([table, code, error.length > 15]).toEqual([
          table,
          expect.stringMatching(/^table_(?:unavailable|absent)$/),
          true,
        ]);
    expect(scans.filter(({ rows }) => rows > 0).length).toBeGreaterThan(60);
  });

  test('an ordinary user is told what he may not read, by name', () => {
    const scans = new Map(scan('plain').map((one) => [one.table, one]));
    const said = (table: string) => {
      const { warnings, error = '' } = scans.get(table)!;
      return [...warnings, error].join('\n');
    };
    expect(said('shadow')).toContain('/etc/shadow: permission denied');
    expect(said('sudoers')).toContain('permission denied');
    expect(said('shell_history')).toMatch(/_history and \d+ more: not read: permission denied/);
    expect(scans.get('shell_history')!.rows).toBeGreaterThan(0);
  });

  test('no file is opened twice in a scan, nor so that its time of access moves where it may stay', () => {
    const first = scan('root');
    const twice = first.flatMap(({ table, opened }) =>
      Object.entries(opened).flatMap(([path, count]) => (count > 1 ? `${table}: ${path}` : [])),
    );
    expect(twice).toEqual([]);
    const own = (path: string): boolean => !path.startsWith(process.cwd());
    expect(first.flatMap(({ touched }) => touched.filter(own))).toEqual([]);
    const read = [...new Set(first.flatMap(({ opened }) => Object.keys(opened)))].filter(own);
    expect(read.length).toBeGreaterThan(100);
    expect(read).toContain('/home/plain/.bash_history');
    // Programs of the host read these as well: sshd -T, getent, and what makes the scan somebody's.
    const theirs = ['/etc/passwd', '/etc/group', '/etc/ssh/sshd_config'];
    const some = read
      .filter((path) => !theirs.includes(path))
      .filter((path) => !path.startsWith('/run/') && !path.startsWith('/tmp/'))
      .slice(0, 500);
    machine.print('touch', '-a', '-d', '2001-02-03T04:05:06Z', '--', ...some);
    const before = times(some);
    expect(before).toContain('2001-02-03');
    scan('root');
    const after = times(some).split('\n');
    expect(after.filter((line) => line !== '' && !line.includes('2001-02-03'))).toEqual([]);
  });

  test('nothing on the host is different after it', () => {
    machine.print('touch', '/tmp/before');
    scan('root');
    scan('plain');
    const found = [
      '-cnewer',
      '/tmp/before',
      '-not',
      '-path',
      '*/var/log/*',
      '-not',
      '-name',
      'changed',
    ];
    expect(machine.print('find', '/run/changed', ...found)).toBe('');
    const automount = machine
      .print('sh', '-c', 'systemctl is-active srv-trap.automount; true')
      .trim();
    // Not every kernel has autofs; where it has, the mount behind it was not made.
    if (automount === 'active')
      expect(machine.print('sh', '-c', 'systemctl is-active srv-trap.mount; true').trim()).toBe(
        'inactive',
      );
  });
});
