/** What the kernel says of itself, against sysctl, ipcs, lsmod, ulimit and the files read another way. */
import { readFileSync } from 'node:fs';
import * as os from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { cpuTime } from '../../../src/tables/system/cpu-time.ts';
import { kernelKeys } from '../../../src/tables/system/kernel-keys.ts';
import { kernelModules } from '../../../src/tables/system/kernel-modules.ts';
import { memoryMap } from '../../../src/tables/system/memory-map.ts';
import { selinuxSettings } from '../../../src/tables/system/selinux-settings.ts';
import { sharedMemory } from '../../../src/tables/system/shared-memory.ts';
import { systemControls } from '../../../src/tables/system/system-controls.ts';
import { ulimitInfo } from '../../../src/tables/system/ulimit-info.ts';
import { contextFor, eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { print, printLines } from '../lib/program.ts';
import { needs } from '../../helpers/needs.ts';

describe('system_controls', () => {
  needs('sysctl')('agrees with sysctl -a', async () => {
    const rows = new Map((await rowsOf(systemControls)).map((row) => [row.name, row]));
    const shown = printLines('sh', '-c', 'sysctl -a 2>/dev/null');
    const names = new Set(shown.map((line) => line.split(' = ')[0]!.trim()));
    for (const name of names) expect(rows.has(name), name).toBe(true);
    for (const name of [
      'kernel.ostype',
      'kernel.pid_max',
      'net.ipv4.ip_forward',
      'vm.swappiness',
    ]) {
      expect(rows.get(name)).toMatchObject({
        current_value: print('sysctl', '-n', name).trim(),
        subsystem: name.split('.')[0],
      });
    }
  });

  it('reads one setting, or one subsystem, when that is all that is asked', async () => {
    const root = fakeRoot({
      'proc/sys/net/ipv4/conf/eth0.7/forwarding': '1\n',
      'proc/sys/net/core/x': '2\n',
      'proc/sys/vm/y': 'a\tb\n',
      'etc/sysctl.conf': '# c\nvm.y = 9\n',
      'etc/sysctl.d/50-a.conf': 'vm.y=5\n-net/core/x = 3\n',
      'usr/lib/sysctl.d/50-a.conf': 'net.core.x=hidden by the same name in etc\n',
    });
    const named = (name: string) =>
      rowsOf(systemControls, { root, constraints: [eq('name', name)] });
    expect(await named('net.ipv4.conf.eth0/7.forwarding')).toMatchObject([{ current_value: '1' }]);
    expect(await named('vm.y')).toMatchObject([{ current_value: 'a\tb', config_value: '9' }]);
    expect(await named('vm')).toEqual([]);
    expect(await named('vm.//.//.//etc.sysctl/conf')).toEqual([]);
    const net = await rowsOf(systemControls, { root, constraints: [eq('subsystem', 'net')] });
    expect(net.map((row) => row.name)).toEqual(['net.core.x', 'net.ipv4.conf.eth0/7.forwarding']);
    expect(net[0]!.config_value).toBe('3');
  });

  needs('sysctl')('knows the patterns of sysctl.d as sysctl does', async () => {
    const files = {
      'etc/sysctl.d/10-a.conf':
        'net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.all.rp_filter\n; c\n# c\n' +
        'net/ipv4/conf/[dl]*/log_martians=1\nnet.ipv4.conf.l?.arp_ignore = 1\n',
      'etc/sysctl.d/20-b.conf':
        'net.ipv4.conf.lo.rp_filter = 0\nnet.ipv4.conf.[!l]*.arp_ignore =  3 \n' +
        'net.ipv4.conf.default.log_martians = 0\n -kernel.pid_max = 4194304\n',
    };
    const root = fakeRoot({ ...files, proc: { link: '/proc' } });
    const paths = Object.keys(files).map((path) => join(root, path));
    const theirs = new Map(
      printLines('sysctl', '--dry-run', '-p', ...paths).map((line) => {
        const [name, value] = line.split(' = ');
        return [name!, value!.trim()] as const;
      }),
    );
    expect(theirs.size).toBeGreaterThan(6);
    const rows = await rowsOf(systemControls, { root });
    const ours = rows.filter(({ config_value }) => config_value !== null);
    expect(new Map(ours.map((row) => [row.name, row.config_value]))).toEqual(theirs);
  });
});

describe('cpu_time', () => {
  it('lies between two looks by Node', async () => {
    const before = os.cpus();
    const rows = await rowsOf(cpuTime);
    const after = os.cpus();
    expect(rows.map((row) => row.core)).toEqual(before.map((_, core) => core));
    for (const [core, row] of rows.entries()) {
      // Node counts milliseconds and cuts, the table counts ticks of 10 ms.
      expect(Number(row.user) * 10).toBeGreaterThanOrEqual(before[core]!.times.user);
      expect(Number(row.user) * 10).toBeLessThanOrEqual(after[core]!.times.user);
    }
  });
});

describe('shared_memory', () => {
  needs('ipcs')('agrees with ipcs', async () => {
    const before = segments();
    const rows = await rowsOf(sharedMemory);
    const after = segments();
    const shown = rows.map((row) => `${row.shmid} ${String(row.permissions).slice(1)} ${row.size}`);
    for (const segment of before) if (after.includes(segment)) expect(shown).toContain(segment);
  });

  it('tells marks from permissions', async () => {
    const root = fakeRoot({
      'proc/sysvipc/shm':
        '       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n' +
        '         0          5  3644  18446744073709551615    12    13      2  1000  1000  1001  1000 1700000000          0 1600000000                     0                     0\n',
    });
    const [row] = await rowsOf(sharedMemory, { root });
    expect(row).toMatchObject({ shmid: 5, permissions: '0644', status: 'dest', locked: 1 });
    expect(row).toMatchObject({ size: 18446744073709551615n, attached: 2, creator_uid: 1001 });
    expect(row).toMatchObject({ pid: 13, creator_pid: 12, atime: 1_700_000_000, dtime: 0 });
  });
});

describe('ulimit_info', () => {
  it('agrees with what the shell inherits from this process', async () => {
    const limits = new Map((await rowsOf(ulimitInfo)).map((row) => [row.type, row]));
    expect(limits.get('nofile')!.hard_limit).toBe(print('sh', '-c', 'ulimit -H -n').trim());
    expect(limits.get('cpu')!.soft_limit).toBe(print('sh', '-c', 'ulimit -S -t').trim());
    expect(limits.size).toBe(16);
  });
});

describe('kernel_keys', () => {
  it('has the keys /proc/keys lists', async () => {
    const serials = [...readFileSync('/proc/keys', 'utf8').matchAll(/^([0-9a-f]+) /gm)];
    const rows = await rowsOf(kernelKeys);
    expect(rows.map((row) => row.serial_number)).toEqual(serials.map((match) => match[1]));
  });

  it('takes descriptions with blanks whole', async () => {
    const root = fakeRoot({
      'proc/keys': '009a2028 I--Q---     1 expd 3f010000  1000    -1 user      a:b c: 12\n',
    });
    expect(await rowsOf(kernelKeys, { root })).toEqual([
      {
        serial_number: '009a2028',
        flags: 'I--Q---',
        usage: 1,
        timeout: 'expd',
        gid: -1,
        permissions: '3f010000',
        uid: 1000,
        type: 'user',
        description: 'a:b c: 12',
      },
    ]);
  });
});

describe('kernel_modules', () => {
  it('reads /proc/modules, or says that the kernel takes none', async () => {
    const root = fakeRoot({
      'proc/modules':
        'nf_nat 65536 2 xt_MASQUERADE,nft_chain_nat, Live 0xffffffffc0a3\next4 1044480 1 - Live 0x0\n',
    });
    expect(await rowsOf(kernelModules, { root })).toEqual([
      {
        name: 'nf_nat',
        size: 65_536,
        used_by: 'xt_MASQUERADE,nft_chain_nat,',
        status: 'Live',
        address: '0xffffffffc0a3',
      },
      { name: 'ext4', size: 1_044_480, used_by: '-', status: 'Live', address: '0x0' },
    ]);
    await expect(rowsOf(kernelModules, { root: fakeRoot({ x: '' }) })).rejects.toThrow(
      'no modules',
    );
  });
});

describe('memory_map', () => {
  it('has the regions of /proc/iomem', async () => {
    const rows = await rowsOf(memoryMap);
    expect(rows).toHaveLength(readFileSync('/proc/iomem', 'utf8').trim().split('\n').length);
    expect(rows.map((row) => row.name)).toContain('System RAM');
  });

  it('says when addresses are hidden', async () => {
    const root = fakeRoot({
      'proc/iomem': '00000000-00000000 : PCI\n  00000000-00000000 : a : b\n',
    });
    const context = contextFor(memoryMap, { root });
    expect(memoryMap.kind === 'snapshot' && (await memoryMap.collect(context))[1]!.name).toBe(
      'a : b',
    );
    expect(context.warnings.join()).toContain('not root');
  });
});

describe('selinux_settings', () => {
  it('reads what selinuxfs shows, or says that it is off', async () => {
    const base = 'sys/fs/selinux';
    const root = fakeRoot({
      [`${base}/enforce`]: '1',
      [`${base}/booleans/httpd_can_network`]: '1 0',
      [`${base}/policy_capabilities/open_perms`]: '1',
      [`${base}/initial_contexts/kernel`]: 'system_u:system_r:kernel_t:s0\0',
      [`${base}/class/file/index`]: '7',
      [`${base}/class/file/perms/read`]: '2',
    });
    expect(await rowsOf(selinuxSettings, { root })).toEqual([
      { scope: '', key: 'enforce', value: '1' },
      { scope: 'booleans', key: 'httpd_can_network', value: '1' },
      { scope: 'policy_capabilities', key: 'open_perms', value: '1' },
      { scope: 'initial_contexts', key: 'kernel', value: 'system_u:system_r:kernel_t:s0' },
      { scope: 'class', key: 'file', value: '7' },
      { scope: 'class/file/perms', key: 'read', value: '2' },
    ]);
    await expect(rowsOf(selinuxSettings, { root: fakeRoot({ x: '' }) })).rejects.toThrow('SELinux');
  });
});

/** `id permissions size` of each segment. */
function segments(): string[] {
  return printLines('ipcs', '-m').flatMap((line) => {
    const match = /^0x\S+\s+(\d+)\s+\S+\s+(\d+)\s+(\d+)/.exec(line);
    return match === null ? [] : [`${match[1]} ${match[2]} ${match[3]}`];
  });
}
