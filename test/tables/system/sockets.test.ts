/** Sockets and addresses against ss, ip and sockets that this test opens itself. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import {
  interfaceAddresses,
  rowsFromIp,
  rowsFromNode,
} from '../../../src/tables/system/interface-addresses.ts';
import { listeningPorts } from '../../../src/tables/system/listening-ports.ts';
import { processOpenSockets } from '../../../src/tables/system/process-open-sockets.ts';
import { formatAddress, parseKernelAddress } from '../../../src/tables/lib/ip.ts';
import { contextFor, eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { printLines } from '../lib/program.ts';
import { needs } from '../../helpers/needs.ts';

const mine = eq('pid', process.pid);

describe('listening_ports', () => {
  it('has the ports this process listens on, TCP, UDP and UNIX', async () => {
    const four = await listen({ host: '127.0.0.1', port: 0 });
    const six = await listen({ host: '::1', port: 0 });
    const folder = mkdtempSync(join(tmpdir(), 'swarmplane sock-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'a b');
    await listen({ path });
    const client = connect({ path });
    onTestFinished(() => void client.destroy());
    await once(client, 'connect');
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    onTestFinished(() => void udp.close());
    await once(udp, 'listening');

    const rows = await rowsOf(listeningPorts, { constraints: [mine] });
    const at = (port: number): object => ({ pid: process.pid, port });
    expect(rows).toContainEqual(expect.objectContaining({ ...at(four), family: 2, protocol: 6 }));
    expect(rows).toContainEqual(
      expect.objectContaining({ ...at(six), address: '::1', family: 10 }),
    );
    expect(rows).toContainEqual(
      expect.objectContaining({ ...at(udp.address().port), protocol: 17, address: '127.0.0.1' }),
    );
    // The connection that was accepted has the same path, and waits for nobody.
    expect(rows.filter((row) => row.path === path)).toEqual([
      expect.objectContaining({ ...at(0), family: 1, path }),
    ]);
    for (const row of rows.filter((row) => row.socket)) {
      expect(readlinkSync(`/proc/self/fd/${row.fd}`)).toBe(`socket:[${row.socket}]`);
      expect(readlinkSync('/proc/self/ns/net')).toBe(`net:[${row.net_namespace}]`);
    }
  });

  needs('ss')('has every TCP port that ss has', async () => {
    await listen({ host: '127.0.0.1', port: 0 });
    const listening = (): string[] =>
      printLines('ss', '-Htln').map((line) => line.trim().split(/\s+/)[3]!.replace(/^.*:/, ''));
    const before = listening();
    const ports = (await rowsOf(listeningPorts))
      .filter((row) => row.protocol === 6)
      .map((row) => String(row.port));
    const after = listening();
    for (const port of before) if (after.includes(port)) expect(ports).toContain(port);
  });
});

describe('process_open_sockets', () => {
  it('has both ends of a connection, with state and ports', async () => {
    const port = await listen({ host: '127.0.0.1', port: 0 });
    const client = connect(port, '127.0.0.1');
    onTestFinished(() => void client.destroy());
    await once(client, 'connect');
    const rows = await rowsOf(processOpenSockets, { constraints: [mine] });
    const own = client.localPort;
    expect(rows).toContainEqual(
      expect.objectContaining({ local_port: own, remote_port: port, state: 'ESTABLISHED' }),
    );
    expect(rows).toContainEqual(
      expect.objectContaining({ local_port: port, remote_port: 0, state: 'LISTEN' }),
    );
    expect(rows.every((row) => row.pid === process.pid)).toBe(true);
  });

  it('reads what the kernel writes, whoever holds it', async () => {
    const root = fakeRoot({
      'proc/self/net/tcp6': `  sl  local_address  remote_address st ...\n${TCP6}`,
      'proc/self/net/raw': RAW,
      'proc/self/net/unix': UNIX,
      'proc/12/fd/9': { link: 'socket:[777]' },
      'proc/12/fd/8': { link: 'pipe:[777]' },
      'proc/13/fd/3': { link: 'socket:[777]' },
    });
    const rows = await rowsOf(processOpenSockets, { root });
    const [first, second, raw, unix] = rows;
    expect(rows).toHaveLength(4);
    expect(first).toMatchObject({ pid: 12, fd: 9, socket: 777, family: 10, protocol: 6 });
    expect(second).toMatchObject({ pid: 13, fd: 3, socket: 777, state: 'CLOSE_WAIT' });
    expect(first).toMatchObject({ local_address: '::ffff:10.0.0.1', local_port: 443 });
    expect(first).toMatchObject({ remote_address: 'fe80::1', remote_port: 51_000 });
    expect(raw).toMatchObject({ pid: -1, fd: -1, protocol: 1, local_port: 0, state: null });
    expect(unix).toMatchObject({ pid: -1, family: 1, path: '@/tmp/x y', socket: 1234 });
    expect(await rowsOf(processOpenSockets, { root, constraints: [eq('pid', 13)] })).toEqual([
      second,
    ]);
    const nobody = await rowsOf(processOpenSockets, { root, constraints: [eq('pid', -1)] });
    expect(nobody).toContainEqual(unix);
  });
});

describe('interface_addresses', () => {
  needs('ip')('agrees with ip', async () => {
    const rows = await rowsOf(interfaceAddresses);
    const shown = rows
      .filter((row) => row.mask)
      .map((row) => `${row.interface} ${String(row.address).replace(/%.*/, '')}`);
    const ip = printLines('ip', '-o', 'address').map((line) => {
      const [, name, , address] = line.trim().split(/\s+/);
      return `${name} ${address!.replace(/\/.*/, '')}`;
    });
    expect(shown.sort()).toEqual(ip.sort());
  });

  it('finds the same addresses, masks and broadcasts without ip, for interfaces that are up', async () => {
    const own = rowsFromNode({ root: '/' });
    for (const info of networkInterfaces().lo ?? []) {
      expect(own).toContainEqual(expect.objectContaining({ address: info.address }));
    }
    const fromIp = await rowsFromIp(contextFor(interfaceAddresses));
    for (const row of own) {
      if (fromIp === undefined) break;
      const { address, mask, broadcast } = row;
      expect(fromIp).toContainEqual(
        expect.objectContaining({ interface: row.interface, address, mask, broadcast }),
      );
    }
  });
});

describe('addresses', () => {
  it('are written as inet_ntop writes them', () => {
    const six = (hex: string): string => formatAddress(Buffer.from(hex, 'hex'));
    expect(six('00000000000000000000000000000000')).toBe('::');
    expect(six('20010db8000000000001000000000001')).toBe('2001:db8::1:0:0:1');
    expect(six('20010db8000000010001000100010001')).toBe('2001:db8:0:1:1:1:1:1');
    expect(six('00000000000000000000ffff7f000001')).toBe('::ffff:127.0.0.1');
    expect(parseKernelAddress('0100007F')).toBe('127.0.0.1');
    expect(parseKernelAddress('0100007')).toBeUndefined();
  });
});

const TCP6 =
  '   0: 0000000000000000FFFF00000100000A:01BB 000080FE000000000000000001000000:C738 08 ' +
  '00000000:00000000 00:00000000 00000000  1000        0 777 1 0000000000000000 20 0 0 10 -1\n';
const RAW =
  '   1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 55 2 0 0\n';
const UNIX =
  'Num       RefCount Protocol Flags    Type St Inode Path\n' +
  'ffff8f: 00000002 00000000 00010000 0001 01  1234 @/tmp/x y\nnot a socket line\n';

async function listen(where: object): Promise<number> {
  const server: Server = createServer();
  server.listen(where);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo | string as AddressInfo).port;
}
