/** What the machine is, against uname, free, df, findmnt, date and /proc read another way. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import * as os from 'node:os';

import { describe, expect, it } from 'vitest';

import { etcHosts } from '../../../src/tables/system/etc-hosts.ts';
import { kernelInfo } from '../../../src/tables/system/kernel-info.ts';
import { loadAverage } from '../../../src/tables/system/load-average.ts';
import { memoryInfo } from '../../../src/tables/system/memory-info.ts';
import { parseMounts } from '../../../src/tables/lib/mounts.ts';
import { mounts } from '../../../src/tables/system/mounts.ts';
import { osVersion } from '../../../src/tables/system/os-version.ts';
import { boardWithoutDmi, cpuBrand } from '../../../src/tables/lib/board.ts';
import { systemInfo } from '../../../src/tables/system/system-info.ts';
import { time, timeRow } from '../../../src/tables/system/time.ts';
import { uptime } from '../../../src/tables/system/uptime.ts';
import { TableError } from '../../../src/tables/types.ts';
import { contextFor, fakeRoot, rowsOf } from '../lib/context.ts';
import { print, printLines } from '../lib/program.ts';
import { isRoot, needs, only } from '../../helpers/needs.ts';

describe('os_version', () => {
  it('is what the shell reads from os-release', async () => {
    const [row] = await rowsOf(osVersion);
    const shell = print('sh', '-c', '. /etc/os-release; echo "$NAME|$VERSION|$ID|$VERSION_ID"');
    const [name, version, platform, id] = shell.trimEnd().split('|');
    expect(row).toMatchObject({ name, version, platform, major: Number(id!.split('.')[0]) });
    expect(row!.arch).toBe(print('uname', '-m').trim());
  });

  it('takes quotes off, falls back to /usr/lib and splits the version', async () => {
    const root = fakeRoot({
      'usr/lib/os-release':
        'NAME=\'Ubuntu\'\nVERSION="20.04.2 LTS (Focal \\"F\\")"\nID=ubuntu\nID_LIKE=debian\n' +
        'VERSION_ID="20.04.2"\nVERSION_CODENAME=focal\n',
    });
    const [row] = await rowsOf(osVersion, { root });
    expect(row).toMatchObject({ name: 'Ubuntu', version: '20.04.2 LTS (Focal "F")' });
    expect(row).toMatchObject({ major: 20, minor: 4, patch: 2, platform_like: 'debian' });
    expect(row!.codename).toBe('focal');
  });

  it("takes CentOS 7's numbers from redhat-release, which alone has them", async () => {
    const release = 'NAME="CentOS Linux"\nVERSION="7 (Core)"\nID="centos"\nVERSION_ID="7"\n\n';
    const of = async (redhat: string) => {
      const files = { 'etc/os-release': release, 'etc/redhat-release': redhat };
      const [row] = await rowsOf(osVersion, { root: fakeRoot(files) });
      return [row!.version, row!.major, row!.minor, row!.patch];
    };
    // As the image centos:7 has it.
    const full = ['7.9.2009 (Core)', 7, 9, 2009];
    expect(await of('CentOS Linux release 7.9.2009 (Core)\n')).toEqual(full);
    expect(await of('CentOS Stream release 8\n')).toEqual(['7 (Core)', 7, 0, 0]);
  });

  it('says why where nothing names the system', async () => {
    await expect(rowsOf(osVersion, { root: fakeRoot({ x: '' }) })).rejects.toThrow(TableError);
  });
});

describe('a machine without DMI', () => {
  const loader = { load: <T>(body: () => Promise<T>) => body() };

  it('is told by systeminformation, as far as that knows it', async () => {
    const [board, brand] = await Promise.all([boardWithoutDmi(loader), cpuBrand(loader)]);
    const { default: si } = await import('systeminformation');
    const model = (await si.system()).model;
    expect(board['hardware_model']).toBe(model === '' || model === '-' ? null : model);
    // The kernel of this machine names its processor; the two must speak of one.
    const named = /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
    if (named !== undefined) expect(brand).toContain(/Intel|AMD|ARM/i.exec(named)?.[0] ?? '');
    for (const value of Object.values(board)) expect(value).not.toBe('-');
  });
});

describe('system_info', () => {
  it('agrees with what Node and the shell know of the machine', async () => {
    const [row] = await rowsOf(systemInfo);
    expect(row!.hostname).toBe(print('uname', '-n').trim());
    expect(row!.cpu_logical_cores).toBe(os.cpus().length);
    expect(row!.physical_memory).toBe(os.totalmem());
    expect(row!.cpu_brand ?? os.cpus()[0]!.model).toBe(os.cpus()[0]!.model);
  });

  it('counts sockets and cores of a machine with hyper-threading', async () => {
    const cpu = (n: number, socket: number, core: number): string =>
      `processor\t: ${n}\nmodel\t\t: 85\nmodel name\t: Xeon\nphysical id\t: ${socket}\ncore id\t\t: ${core}\n`;
    const root = fakeRoot({
      'proc/cpuinfo': [cpu(0, 0, 0), cpu(1, 0, 0), cpu(2, 1, 0), cpu(3, 1, 1)].join('\n'),
      'proc/meminfo': 'MemTotal:       1024 kB\n',
      'proc/sys/kernel/hostname': 'other\n',
      'sys/class/dmi/id/product_uuid': '4c4c4544-0000\n',
      'sys/class/dmi/id/sys_vendor': 'Dell Inc.\n',
      'sys/class/dmi/id/board_name': '0X1\n',
    });
    const [row] = await rowsOf(systemInfo, { root });
    expect(row).toMatchObject({ cpu_logical_cores: 4, cpu_physical_cores: 3, cpu_sockets: 2 });
    expect(row).toMatchObject({ hostname: 'other', physical_memory: 1024 * 1024 });
    expect(row).toMatchObject({ hardware_vendor: 'Dell Inc.', board_model: '0X1' });
    expect(row).toMatchObject({ uuid: '4c4c4544-0000', hardware_serial: null, cpu_subtype: '85' });
  });
});

describe('kernel_info', () => {
  it('agrees with uname -r', async () => {
    const [row] = await rowsOf(kernelInfo);
    expect(row!.version).toBe(print('uname', '-r').trim());
    for (const word of String(row!.arguments).split(' ')) {
      expect(readFileSync('/proc/cmdline', 'utf8')).toContain(word);
    }
  });

  it('takes image and root device out of the arguments', async () => {
    const root = fakeRoot({
      'proc/sys/kernel/osrelease': '6.1.0-18-amd64\n',
      'proc/cmdline': 'BOOT_IMAGE=/boot/vmlinuz-6.1 root=UUID=ab ro quiet root_x=1\n',
    });
    expect(await rowsOf(kernelInfo, { root })).toEqual([
      {
        version: '6.1.0-18-amd64',
        path: '/boot/vmlinuz-6.1',
        device: 'UUID=ab',
        arguments: 'ro quiet root_x=1',
      },
    ]);
  });
});

describe('uptime', () => {
  it('agrees with the system call Node makes', async () => {
    const before = Math.floor(os.uptime());
    const [row] = await rowsOf(uptime);
    expect(row!.total_seconds).toBeGreaterThanOrEqual(before - 1);
    expect(row!.total_seconds).toBeLessThanOrEqual(Math.ceil(os.uptime()) + 1);
  });

  it('splits into days, hours, minutes and seconds', async () => {
    const root = fakeRoot({ 'proc/uptime': `${2 * 86400 + 3 * 3600 + 4 * 60 + 5}.99 7.00\n` });
    expect(await rowsOf(uptime, { root })).toEqual([
      { days: 2, hours: 3, minutes: 4, seconds: 5, total_seconds: 183_845 },
    ]);
  });
});

describe('load_average', () => {
  it('has the three periods, as os.loadavg sees them', async () => {
    const rows = await rowsOf(loadAverage);
    expect(rows.map((row) => row.period)).toEqual(['1m', '5m', '15m']);
    // The kernel renews them every five seconds, so the 15 minutes hardly move between two looks.
    expect(Math.abs(Number(rows[2]!.average) - os.loadavg()[2]!)).toBeLessThan(0.2);
  });
});

describe('memory_info', () => {
  needs('free')('agrees with free', async () => {
    const [row] = await rowsOf(memoryInfo);
    const [, memory, swap] = printLines('free', '-b').map((line) => line.split(/\s+/).map(Number));
    expect(row!.memory_total).toBe(memory![1]);
    expect(row!.swap_total).toBe(swap![1]);
    const drift = Math.abs(Number(row!.memory_available) - memory![6]!);
    expect(drift).toBeLessThan(0.2 * memory![1]!);
  });

  it('gives bytes, and NULL for what an old kernel does not tell', async () => {
    const root = fakeRoot({
      'proc/meminfo': 'MemTotal: 100 kB\nMemFree: 7 kB\nHugePages_Total: 3\n',
    });
    const [row] = await rowsOf(memoryInfo, { root });
    expect(row).toMatchObject({ memory_total: 102_400, memory_free: 7168, memory_available: null });
  });
});

describe('time', () => {
  it('agrees with date', async () => {
    const before = Number(print('date', '+%s'));
    const [row] = await rowsOf(time);
    const after = Number(print('date', '+%s'));
    expect(row!.unix_time).toBeGreaterThanOrEqual(before);
    expect(row!.unix_time).toBeLessThanOrEqual(after);
    const at = `@${String(row!.unix_time)}`;
    expect(row!.datetime).toBe(print('date', '-u', '-d', at, '+%Y-%m-%dT%H:%M:%SZ').trim());
    expect(row!.timestamp).toBe(print('date', '-u', '-d', at, '+%a %b %e %H:%M:%S %Y UTC').trim());
    expect(row!.weekday).toBe(print('date', '-u', '-d', at, '+%A').trim());
  });

  const berlin = '/usr/share/zoneinfo/Europe/Berlin';
  const apart = isRoot && existsSync(berlin) && spawnSync('unshare', ['-m', 'true']).status === 0;
  only(apart, 'as root with time zones')('names the zone as date does', () => {
    const mounted = `mount --bind ${berlin} "$(realpath /etc/localtime)"`;
    const probe = `"$0" --import tsx test/tables/lib/probe.ts time; date +%Z`;
    const args = ['-m', 'sh', '-c', `${mounted} && ${probe}`, process.execPath];
    const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
    const [table = '', date] = stdout.trimEnd().split('\n');
    const { rows } = JSON.parse(table) as { rows: { local_timezone: string }[] };
    expect(date, stderr).toMatch(/^CES?T$/);
    expect(rows[0]!.local_timezone).toBe(date);
  });

  it('pads the day of the log form with a blank and counts months from 1', () => {
    expect(timeRow(new Date('2026-01-05T06:07:08.900Z'))).toMatchObject({
      year: 2026,
      month: 1,
      day: 5,
      hour: 6,
      minutes: 7,
      seconds: 8,
      weekday: 'Monday',
      timestamp: 'Mon Jan  5 06:07:08 2026 UTC',
      iso_8601: '2026-01-05T06:07:08Z',
    });
  });
});

describe('etc_hosts', () => {
  needs('getent')('names every address that getent ahosts reads from it', async () => {
    const rows = await rowsOf(etcHosts);
    const localhost = rows.filter((row) => String(row.hostnames).split(' ').includes('localhost'));
    const known = printLines('getent', '-s', 'files', 'ahosts', 'localhost').map(
      (line) => line.split(/\s+/)[0],
    );
    for (const address of known) expect(localhost.map((row) => row.address)).toContain(address);
  });

  it('leaves comments out, joins tabs and keeps odd bytes as U+FFFD', async () => {
    const root = fakeRoot({
      'etc/hosts': Buffer.concat([
        Buffer.from('# all\n\n10.0.0.1\ta  b\t# c d\n  ::1 localhost\n10.0.0.2 '),
        Buffer.from([0xff, 0x0a]),
      ]),
    });
    expect(await rowsOf(etcHosts, { root })).toEqual([
      { address: '10.0.0.1', hostnames: 'a b' },
      { address: '::1', hostnames: 'localhost' },
      { address: '10.0.0.2', hostnames: '\ufffd' },
    ]);
  });

  it('says so when the file is missing', async () => {
    await expect(rowsOf(etcHosts, { root: fakeRoot({ x: '' }) })).rejects.toThrow(
      'cannot read /etc/hosts: there is no such file',
    );
  });
});

describe('mounts', () => {
  needs('mount')('lists what mount lists', async () => {
    const rows = await rowsOf(mounts);
    const shown = rows.map((row) => `${row.device} on ${row.path} type ${row.type} (${row.flags})`);
    expect(shown.sort()).toEqual(printLines('mount').sort());
  });

  it('measures the root as df and statfs do', async () => {
    const root = (await rowsOf(mounts)).find((row) => row.path === '/')!;
    const space = statfsSync('/');
    expect(root).toMatchObject({
      blocks_size: space.bsize,
      blocks: space.blocks,
      inodes: space.files,
    });
    expect(Number(root.blocks_free)).toBeGreaterThanOrEqual(Number(root.blocks_available));
  });

  it('undoes the escapes of blanks and newlines', () => {
    expect(parseMounts('a\\040b /mnt/x\\012y ext4 rw 0 0\ntorn line\n')).toEqual([
      { device: 'a b', path: '/mnt/x\ny', type: 'ext4', flags: 'rw' },
    ]);
  });

  it('measures nothing when no size is asked for', async () => {
    const context = contextFor(mounts, { columns: new Set(['path']) });
    const rows = await rowsOf(mounts, context);
    expect(rows.every((row) => row.blocks === undefined)).toBe(true);
  });
});
