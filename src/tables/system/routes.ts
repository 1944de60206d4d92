import { integer, text } from '../lib/columns.ts';
import { readText, type Rooted } from '../lib/files.ts';
import { parseHexAddress, parseKernelAddress, prefixLengthOf } from '../lib/ip.ts';
import { hexOrNull, integerOrNull } from '../lib/numbers.ts';
import { ProgramError, runProgram } from '../lib/program.ts';
import { fields, lines } from '../lib/text.ts';
import { TableError, type CollectContext, type Row, type SnapshotTable } from '../types.ts';

export const routes: SnapshotTable = {
  kind: 'snapshot',
  name: 'routes',
  description: 'Routes of all routing tables, IPv4 and IPv6.',
  cost: 'moderate',
  key: ['destination', 'netmask', 'gateway', 'interface', 'metric', 'type'],
  columns: [
    text('destination', 'Destination; 0.0.0.0 or :: for the default route.'),
    integer('netmask', 'Length of the network prefix.'),
    text('gateway', 'Gateway; NULL when the destination is on the link.', { unset: true }),
    text('source', 'Address packets are sent from, where the route sets it.', { unset: true }),
    integer('flags', 'Flags of the next hop, RTNH_F_ of linux/rtnetlink.h.'),
    text('interface', 'Interface.', { unset: true }),
    integer('mtu', 'MTU the route sets, 0 for none.'),
    integer('metric', 'Cost; the lowest is taken.'),
    text('type', 'gateway, local, broadcast, anycast, multicast or other.', { additional: true }),
    integer('hopcount', 'Hop limit the route sets, 0 for none.'),
  ],
  /** ip shows all routing tables; /proc/net only the main one of IPv4, and serves where ip is missing. */
  async collect(context): Promise<Row[]> {
    const rows = await routesFromIp(context);
    if (rows !== undefined) return rows;
    context.warn('ip is missing or too old: local and broadcast routes of IPv4 are not seen');
    return routesFromProc(context);
  },
};

export async function routesFromIp(context: CollectContext): Promise<Row[] | undefined> {
  const rows: Row[] = [];
  for (const family of ['-4', '-6'] as const) {
    const args = ['-json', '-details', family, 'route', 'show', 'table', 'all'];
    try {
      const result = await runProgram(context, 'ip', args);
      if (result.code !== 0) return undefined;
      const shown = JSON.parse(result.stdout || '[]') as IpRoute[];
      rows.push(...shown.flatMap((route) => ipRows(route, family === '-4' ? '0.0.0.0' : '::')));
    } catch (error) {
      if (error instanceof ProgramError || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }
  return rows;
}

/** The part of `ip -json -details route` that is read here. */
interface IpRoute extends IpHop {
  readonly type?: string;
  readonly dst?: string;
  readonly prefsrc?: string;
  readonly metric?: number;
  readonly metrics?: readonly { readonly mtu?: number; readonly hoplimit?: number }[];
  readonly nexthops?: readonly IpHop[];
}

interface IpHop {
  readonly gateway?: string;
  readonly dev?: string;
  readonly flags?: readonly string[];
}

/** One row for each next hop. */
function ipRows(route: IpRoute, any: string): Row[] {
  const [destination, prefix] = (route.dst === 'default' ? `${any}/0` : (route.dst ?? '')).split(
    '/',
  );
  const metrics = Object.assign({}, ...(route.metrics ?? [])) as {
    mtu?: number;
    hoplimit?: number;
  };
  return (route.nexthops ?? [route]).map((hop) => ({
    destination: destination!,
    netmask: prefix === undefined ? (any === '::' ? 128 : 32) : Number(prefix),
    gateway: hop.gateway ?? null,
    source: route.prefsrc ?? null,
    flags: (hop.flags ?? []).reduce((sum, name) => sum | (HOP_FLAGS[name] ?? 0), 0),
    interface: hop.dev ?? route.dev ?? null,
    mtu: metrics.mtu ?? 0,
    metric: route.metric ?? 0,
    type: TYPES[route.type ?? 'unicast'] ?? 'other',
    hopcount: metrics.hoplimit ?? 0,
  }));
}

export function routesFromProc(context: Rooted): Row[] {
  const four = readText(context, '/proc/net/route');
  const six = readText(context, '/proc/net/ipv6_route');
  if (four === undefined && six === undefined) {
    throw new TableError('neither /proc/net/route nor /proc/net/ipv6_route can be read');
  }
  const [, ...fourLines] = lines(four ?? '');
  return [
    ...fourLines.map(fields).flatMap((words) => fourRow(words) ?? []),
    ...lines(six ?? '')
      .map(fields)
      .flatMap((words) => sixRow(words) ?? []),
  ];
}

/** `Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT` */
function fourRow(words: readonly string[]): Row[] | undefined {
  const [name, destination, gateway, flags, , , metric, mask, mtu] = words;
  const to = parseKernelAddress(destination ?? '');
  const netmask = parseKernelAddress(mask ?? '');
  if (to === undefined || netmask === undefined) return undefined;
  return [
    {
      ...EMPTY_ROUTE,
      destination: to,
      netmask: prefixLengthOf(netmask),
      gateway: viaGateway(flags) ? (parseKernelAddress(gateway!) ?? null) : null,
      interface: name!,
      mtu: integerOrNull(mtu),
      metric: integerOrNull(metric),
    },
  ];
}

/** `destination prefix source prefix gateway metric refcount use flags interface`, hexadecimal. */
function sixRow(words: readonly string[]): Row[] | undefined {
  const [destination, prefix, , , gateway, metric, , , flags, name] = words;
  const to = parseHexAddress(destination ?? '');
  if (to === undefined || name === undefined) return undefined;
  return [
    {
      ...EMPTY_ROUTE,
      destination: to,
      netmask: hexOrNull(prefix),
      gateway: viaGateway(flags) ? (parseHexAddress(gateway!) ?? null) : null,
      interface: name,
      metric: hexOrNull(metric),
      type: (hexOrNull(flags) ?? 0) >= RTF_LOCAL ? 'local' : 'gateway',
    },
  ];
}

function viaGateway(flags: string | undefined): boolean {
  return ((hexOrNull(flags) ?? 0) & RTF_GATEWAY) !== 0;
}

const EMPTY_ROUTE = { flags: 0, mtu: 0, hopcount: 0, type: 'gateway' };

/** As osquery names them: a unicast route is a gateway, though it may have none. */
const TYPES: Readonly<Record<string, string>> = {
  unicast: 'gateway',
  local: 'local',
  broadcast: 'broadcast',
  anycast: 'anycast',
  multicast: 'multicast',
};

const HOP_FLAGS: Readonly<Record<string, number>> = {
  dead: 1,
  pervasive: 2,
  onlink: 4,
  offload: 8,
  linkdown: 16,
};

/** linux/route.h and linux/ipv6_route.h */
const RTF_GATEWAY = 0x2;
const RTF_LOCAL = 0x8000_0000;
