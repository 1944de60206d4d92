import { networkInterfaces } from 'node:os';

import { elsewhere, text } from '../lib/columns.ts';
import { readAttribute, type Rooted } from '../lib/files.ts';
import { broadcastOf, maskOf } from '../lib/ip.ts';
import { hexOrNull } from '../lib/numbers.ts';
import { ProgramError, runProgram } from '../lib/program.ts';
import { TableError, type CollectContext, type Row, type SnapshotTable } from '../types.ts';

export const interfaceAddresses: SnapshotTable = {
  kind: 'snapshot',
  name: 'interface_addresses',
  description: 'Addresses of the network interfaces.',
  cost: 'moderate',
  key: ['interface', 'address'],
  columns: [
    text('interface', 'Name of the interface.'),
    text('address', 'IPv4 or IPv6 address; link-local ones end with % and the interface.'),
    text('mask', 'Netmask.'),
    text('broadcast', 'Broadcast address, where there is one.', { unset: true }),
    text('point_to_point', 'Address of the other end of a point-to-point link.', { unset: true }),
    text('type', 'How the address came: auto (leased or announced), manual or unknown.'),
    elsewhere('windows', text('friendly_name', 'Name shown to people')),
  ],
  /** ip knows more (interfaces that are down, peers); Node's list serves where ip is missing or old. */
  async collect(context): Promise<Row[]> {
    if (context.root !== '/')
      throw new TableError('addresses are known of the running system only');
    return (await rowsFromIp(context)) ?? rowsFromNode(context);
  },
};

export async function rowsFromIp(context: CollectContext): Promise<Row[] | undefined> {
  try {
    const result = await runProgram(context, 'ip', ['-json', 'address', 'show']);
    if (result.code !== 0) return undefined;
    const links = JSON.parse(result.stdout) as IpLink[];
    return links.flatMap((link) => (link.addr_info ?? []).map((info) => ipRow(link, info)));
  } catch (error) {
    // busybox's ip knows no -json and prints text.
    if (error instanceof ProgramError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The part of `ip -json address` that is read here. */
interface IpLink {
  readonly ifname?: string;
  readonly addr_info?: readonly IpAddress[];
}

interface IpAddress {
  readonly family?: string;
  readonly local?: string;
  /** The other end. */
  readonly address?: string;
  readonly prefixlen?: number;
  readonly broadcast?: string;
  readonly scope?: string;
  readonly dynamic?: boolean;
}

function ipRow(link: IpLink, info: IpAddress): Row {
  const local = info.local ?? '';
  return {
    interface: link.ifname ?? null,
    address: withScope(local, link.ifname ?? '', info.family === 'inet6' && info.scope === 'link'),
    mask: info.prefixlen === undefined ? null : maskOf(local, info.prefixlen),
    broadcast: info.broadcast ?? null,
    point_to_point: info.address ?? null,
    type: info.dynamic === true ? 'auto' : 'manual',
  };
}

export function rowsFromNode(context: Rooted): Row[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).map((info) => ({
      interface: name,
      address: withScope(info.address, name, /^fe[89ab]/i.test(info.address)),
      mask: info.family === 'IPv6' ? maskOf(info.address, prefixOf(info.cidr)) : info.netmask,
      broadcast:
        info.family === 'IPv4' && broadcasts(context, name)
          ? broadcastOf(info.address, info.netmask)
          : null,
      point_to_point: null,
      type: 'unknown',
    })),
  );
}

function withScope(address: string, name: string, linkLocal: boolean): string {
  return linkLocal ? `${address}%${name}` : address;
}

function prefixOf(cidr: string | null): number {
  return Number(cidr?.split('/')[1] ?? 128);
}

/** IFF_BROADCAST of netdevice(7). */
function broadcasts(context: Rooted, name: string): boolean {
  return ((hexOrNull(readAttribute(context, `/sys/class/net/${name}/flags`)) ?? 0) & 0x2) !== 0;
}
