/** Interfaces, routes, neighbours and resolvers against ip, sysctl and the files themselves. */
import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { arpCache } from '../../../src/tables/system/arp-cache.ts';
import { dnsResolvers } from '../../../src/tables/system/dns-resolvers.ts';
import { interfaceDetails } from '../../../src/tables/system/interface-details.ts';
import { interfaceIpv6 } from '../../../src/tables/system/interface-ipv6.ts';
import { maskOf } from '../../../src/tables/lib/ip.ts';
import { ip6tables, iptables, parseRules } from '../../../src/tables/system/iptables.ts';
import { routes, routesFromIp, routesFromProc } from '../../../src/tables/system/routes.ts';
import { TableError } from '../../../src/tables/types.ts';
import { contextFor, fakeRoot, rowsOf } from '../lib/context.ts';
import { print, printLines } from '../lib/program.ts';
import { has, needs, only } from '../../helpers/needs.ts';

describe('interface_details', () => {
  it('agrees with /proc/net/dev on names', async () => {
    const rows = await rowsOf(interfaceDetails);
    const names = [...readFileSync('/proc/net/dev', 'utf8').matchAll(/^ *(\S+):/gm)].map(
      (m) => m[1],
    );
    expect(rows.map((row) => row.interface).sort()).toEqual(names.sort());
  });

  needs('ip')('agrees with ip on addresses, MTU and flags', async () => {
    const links = JSON.parse(print('ip', '-json', 'link')) as Record<string, unknown>[];
    for (const row of await rowsOf(interfaceDetails)) {
      const link = links.find((candidate) => candidate.ifname === row.interface)!;
      expect(row).toMatchObject({ mac: link.address, mtu: link.mtu });
      const flags = link.flags as string[];
      const bits = { UP: 1, BROADCAST: 2, LOOPBACK: 8, NOARP: 0x80, LOWER_UP: 0x10000 };
      for (const [name, bit] of Object.entries(bits)) {
        expect((Number(row.flags) & bit) !== 0, `${row.interface} ${name}`).toBe(
          flags.includes(name),
        );
      }
    }
  });

  it('counts between two looks of the kernel’s own', async () => {
    const counts = (): number[] =>
      /^ *lo: *(.*)$/m.exec(readFileSync('/proc/net/dev', 'utf8'))![1]!.split(/ +/).map(Number);
    const before = counts();
    const lo = (await rowsOf(interfaceDetails)).find((row) => row.interface === 'lo')!;
    const after = counts();
    for (const [name, index] of Object.entries({
      ibytes: 0,
      ipackets: 1,
      obytes: 8,
      opackets: 9,
    })) {
      expect(lo[name]).toBeGreaterThanOrEqual(before[index]!);
      expect(lo[name]).toBeLessThanOrEqual(after[index]!);
    }
  });

  it('leaves out files among the interfaces and tells speed and slot', async () => {
    const root = fakeRoot({
      'sys/class/net/bonding_masters': 'bond0',
      'sys/class/net/eth1/flags': '0x1003\n',
      'sys/class/net/eth1/operstate': 'up\n',
      'sys/class/net/eth1/carrier': '1\n',
      'sys/class/net/eth1/speed': '10000\n',
      'sys/class/net/eth1/statistics/rx_bytes': '18446744073709551615\n',
      'sys/class/net/eth1/device': { link: '../../../devices/pci0000:00/0000:00:1f.6/virtio3' },
      'sys/devices/pci0000:00/0000:00:1f.6/virtio3/uevent': '',
      'sys/class/net/wlan0/speed': '-1\n',
    });
    const [eth, wlan, ...rest] = await rowsOf(interfaceDetails, { root });
    expect(rest).toEqual([]);
    expect(eth).toMatchObject({ interface: 'eth1', flags: 0x1_1043, link_speed: 10_000 });
    expect(eth).toMatchObject({ ibytes: 18446744073709551615n, pci_slot: '0000:00:1f.6' });
    expect(wlan).toMatchObject({ link_speed: null, pci_slot: '', flags: null, mac: null });
  });
});

describe('routes', () => {
  needs('ip')('agrees with ip route on the main table', async () => {
    const rows = await rowsOf(routes);
    for (const line of printLines('ip', '-4', 'route', 'show', 'table', 'main')) {
      const gateway = / via (\S+)/.exec(line)?.[1] ?? null;
      const [destination, prefix] = line
        .replace(/^default/, '0.0.0.0/0')
        .split(' ')[0]!
        .split('/');
      expect(rows).toContainEqual(
        expect.objectContaining({
          destination,
          gateway,
          netmask: Number(prefix ?? 32),
          type: 'gateway',
          interface: / dev (\S+)/.exec(line)![1],
        }),
      );
    }
    expect(rows).toContainEqual(
      expect.objectContaining({ destination: '127.0.0.1', type: 'local', interface: 'lo' }),
    );
  });

  it('finds the same unicast routes in /proc/net as ip does', async () => {
    const shown = await routesFromIp(contextFor(routes));
    const key = (row: Record<string, unknown>): string =>
      `${row.destination}/${row.netmask} via ${row.gateway} dev ${row.interface} ${row.metric}`;
    const own = routesFromProc({ root: '/' });
    expect(own.length).toBeGreaterThan(0);
    for (const row of own.filter((row) => row.type === 'gateway')) {
      // The kernel lists its refusal of unreachable networks on lo, and multicast, as routes.
      if (row.interface === 'lo' || String(row.destination).startsWith('ff')) continue;
      if (shown !== undefined) expect(shown.map(key)).toContain(key(row));
    }
  });

  it('reads the hexadecimal of /proc/net and warns of what it lacks', async () => {
    const root = fakeRoot({
      'proc/net/route':
        'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n' +
        'eth0\t00000000\t0102000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n' +
        'eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t1400\t0\t0\n',
      'proc/net/ipv6_route': `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 fe80${'0'.repeat(27)}1 00000400 1 0 00000003 eth0\n`,
    });
    const context = contextFor(routes, { root });
    const rows = await routes.collect(context);
    expect(context.warnings.join()).toContain('ip is missing');
    expect(rows).toEqual([
      expect.objectContaining({
        destination: '0.0.0.0',
        netmask: 0,
        gateway: '10.0.2.1',
        metric: 100,
      }),
      expect.objectContaining({
        destination: '192.168.0.0',
        netmask: 16,
        gateway: null,
        mtu: 1400,
      }),
      expect.objectContaining({ destination: '::', gateway: 'fe80::1', metric: 1024 }),
    ]);
  });
});

describe('arp_cache', () => {
  needs('ip')('agrees with ip neigh on complete entries', async () => {
    const rows = await rowsOf(arpCache);
    for (const line of printLines('ip', '-4', 'neigh')) {
      const match = /^(\S+) dev (\S+) lladdr (\S+)/.exec(line);
      if (match === null) continue;
      const [, address, name, mac] = match;
      expect(rows).toContainEqual(expect.objectContaining({ address, interface: name, mac }));
    }
  });

  it('tells entries made by hand from learned ones', async () => {
    const root = fakeRoot({
      'proc/net/arp':
        'IP address HW type Flags HW address Mask Device\n' +
        '10.0.0.1 0x1 0x2 aa:bb:cc:00:11:22 * eth0\n10.0.0.2 0x1 0x6 aa:bb:cc:00:11:23 * eth0\n',
    });
    expect((await rowsOf(arpCache, { root })).map((row) => row.permanent)).toEqual(['0', '1']);
  });
});

describe('dns_resolvers', () => {
  it('names the servers of /etc/resolv.conf', async () => {
    const rows = await rowsOf(dnsResolvers);
    const content = readFileSync('/etc/resolv.conf', 'utf8');
    const servers = [...content.matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1]);
    const known = rows.filter((row) => row.type === 'nameserver').map((row) => row.address);
    expect(known).toEqual(servers.slice(0, 3));
  });

  it('follows resolv.conf(5): three servers, the last search line, options as bits', async () => {
    const root = fakeRoot({
      'etc/resolv.conf':
        '# x\nnameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver fe80::1%eth0\nnameserver 4.4.4.4\n' +
        'domain old\nsearch a.example b.example\nsortlist 10.0.0.0/255.0.0.0\noptions rotate ndots:2 trust-ad\n',
    });
    const rows = await rowsOf(dnsResolvers, { root });
    expect(rows.map((row) => `${row.type} ${row.id} ${row.address}`)).toEqual([
      'nameserver 0 1.1.1.1',
      'nameserver 1 2.2.2.2',
      'nameserver 2 fe80::1%eth0',
      'sortlist 0 10.0.0.0',
      'search 0 a.example',
      'search 1 b.example',
    ]);
    expect(rows[3]!.netmask).toBe('255.0.0.0');
    expect(rows[0]!.options).toBe(0x2c1 | 0x4000 | 0x4000000);
  });
});

describe('interface_ipv6', () => {
  needs('sysctl')('agrees with sysctl', async () => {
    for (const row of await rowsOf(interfaceIpv6)) {
      const key = `net.ipv6.conf.${String(row.interface).replaceAll('.', '/')}`;
      const value = (name: string): number => Number(print('sysctl', '-n', `${key}.${name}`));
      expect(row).toMatchObject({
        hop_limit: value('hop_limit'),
        forwarding_enabled: value('forwarding'),
        redirect_accept: value('accept_redirects'),
        rtadv_accept: Math.min(value('accept_ra'), 1),
      });
    }
  });

  it('says so where the kernel has no IPv6', async () => {
    await expect(rowsOf(interfaceIpv6, { root: fakeRoot({ x: '' }) })).rejects.toThrow('IPv6');
  });
});

describe('iptables', () => {
  only(!has('iptables-save'), 'without iptables-save')(
    'says that the program is missing',
    async () => {
      await expect(rowsOf(iptables)).rejects.toThrow('iptables-save is not installed on this host');
      await expect(rowsOf(iptables)).rejects.toThrow(TableError);
    },
  );

  it('reads chains and rules with counters', () => {
    const rows = parseRules(
      '# Generated\n*filter\n:INPUT DROP [7:420]\n:mine - [0:0]\n' +
        '[3:180] -A INPUT -s 10.0.0.0/8 ! -i lo -p tcp -m tcp --dport 22 -m comment --comment "a -j b" -j ACCEPT\n' +
        '[0:0] -A mine -p udp -m multiport --dports 53,67 -o eth0 -j RETURN\nCOMMIT\n' +
        '*nat\n:PREROUTING ACCEPT [1:2]\nCOMMIT\n',
    );
    expect(rows).toHaveLength(5);
    const chain = { filter_name: 'filter', chain: 'INPUT', policy: 'DROP', packets: 7, bytes: 420 };
    expect(rows[0]).toEqual(chain);
    expect(rows[1]).toMatchObject({ chain: 'mine', policy: '' });
    expect(rows[2]).toMatchObject({ target: 'ACCEPT', protocol: 6, dst_port: '22:22', packets: 3 });
    expect(rows[2]).toMatchObject({ src_ip: '10.0.0.0', src_mask: '255.0.0.0', iniface: '!lo' });
    expect(rows[2]).toMatchObject({ dst_ip: '0.0.0.0', dst_mask: '0.0.0.0', match: 'yes' });
    expect(rows[3]).toMatchObject({ protocol: 17, dst_port: '53,67', outiface: 'eth0' });
    expect(rows[4]).toMatchObject({ filter_name: 'nat', chain: 'PREROUTING' });
  });

  it('reads those of IPv6, and masks that are no prefix', () => {
    const rows = parseRules(
      '*filter\n:INPUT ACCEPT [0:0]\n' +
        '[1:2] -A INPUT -s fe80::/10 -d 2001:db8::1 -p ipv6-icmp -j ACCEPT\n' +
        '[0:0] -A INPUT -s ::1/ffff::ff -j DROP\nCOMMIT\n',
      '::',
    );
    expect(rows[1]).toMatchObject({ src_ip: 'fe80::', src_mask: 'ffc0::', protocol: 58 });
    expect(rows[1]).toMatchObject({ dst_ip: '2001:db8::1', dst_mask: maskOf('::', 128) });
    expect(rows[2]).toMatchObject({
      src_ip: '::1',
      src_mask: 'ffff::ff',
      dst_ip: '::',
      dst_mask: '::',
    });
  });

  only(!has('ip6tables-save'), 'without ip6tables-save')(
    'ip6tables says that the program is missing',
    async () => {
      await expect(rowsOf(ip6tables)).rejects.toThrow('ip6tables-save is not installed');
    },
  );
});
