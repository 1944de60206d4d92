import { integer, load, text } from '../lib/columns.ts';
import { maskOf } from '../lib/ip.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { runProgram } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import { TableError, type Row, type SnapshotTable } from '../types.ts';

const COLUMNS: SnapshotTable['columns'] = [
  text('filter_name', 'Table of the filter: filter, nat, mangle ...'),
  text('chain', 'Chain the rule is in.'),
  text('policy', 'What happens to packets no rule took; on the row of a chain itself.'),
  text('target', 'What the rule does with a packet.', { unset: true }),
  integer('protocol', 'Number of the protocol, 0 for all.'),
  text('src_port', 'Source ports, first:last.', { unset: true }),
  text('dst_port', 'Destination ports, first:last.', { unset: true }),
  text('src_ip', 'Source address.', { unset: true }),
  text('src_mask', 'Source netmask.', { unset: true }),
  text('iniface', 'Interface it came in by, all for any.', { unset: true }),
  text('iniface_mask', 'Mask of the interface’s name; always empty.', { unset: true }),
  text('dst_ip', 'Destination address.', { unset: true }),
  text('dst_mask', 'Destination netmask.', { unset: true }),
  text('outiface', 'Interface it goes out by, all for any.', { unset: true }),
  text('outiface_mask', 'Mask of the interface’s name; always empty.', { unset: true }),
  text('match', 'yes when the rule uses an extension to match, else no.', { unset: true }),
  load(integer('packets', 'Packets that matched.')),
  load(integer('bytes', 'Bytes that matched.')),
];

export const iptables = filterTable({
  name: 'iptables',
  program: 'iptables-save',
  any: '0.0.0.0',
  description:
    'Rules of the IPv4 packet filter with their counters, from iptables-save; needs root. See ip6tables for IPv6, nft_rules for nft(8).',
});

export const ip6tables = filterTable({
  name: 'ip6tables',
  program: 'ip6tables-save',
  any: '::',
  description:
    'Rules of the IPv6 packet filter with their counters, from ip6tables-save; needs root.',
  beyondOsquery: true,
});

interface Family {
  readonly name: string;
  readonly program: string;
  readonly any: Any;
  readonly description: string;
  readonly beyondOsquery?: boolean;
}

/** The address of any host. */
type Any = '0.0.0.0' | '::';

function filterTable({ program, any, ...names }: Family): SnapshotTable {
  return {
    kind: 'snapshot',
    ...names,
    cost: 'moderate',
    key: ['filter_name', 'chain', 'policy', 'target', 'protocol', 'src_ip', 'dst_ip'],
    columns: COLUMNS,
    async collect(context): Promise<Row[]> {
      const result = await runProgram(context, program, ['-c']);
      if (result.code !== 0) {
        throw new TableError(`${program} failed: ${result.stderr.trim().slice(0, 200)}`);
      }
      return parseRules(result.stdout, any);
    },
  };
}

/** The output of `iptables-save -c`, iptables-save(8). */
export function parseRules(output: string, any: Any = '0.0.0.0'): Row[] {
  const rows: Row[] = [];
  let table = '';
  for (const line of lines(output)) {
    if (line.startsWith('*')) table = line.slice(1);
    const chain = /^:(\S+) (\S+) \[(\d+):(\d+)\]$/.exec(line);
    if (chain !== null) rows.push(chainRow(table, chain));
    const rule = /^\[(\d+):(\d+)\] -A (\S+) ?(.*)$/.exec(line);
    if (rule !== null) rows.push(ruleRow(table, rule, any));
  }
  return rows;
}

function chainRow(table: string, [, chain, policy, packets, bytes]: RegExpExecArray): Row {
  return {
    filter_name: table,
    chain: chain!,
    // A chain people made has no policy.
    policy: policy === '-' ? '' : policy!,
    packets: integerOrNull(packets),
    bytes: integerOrNull(bytes),
  };
}

function ruleRow(
  table: string,
  [, packets, bytes, chain, options]: RegExpExecArray,
  any: Any,
): Row {
  const words = splitQuoted(options!);
  const after = (...names: string[]): string | undefined => {
    const at = words.findIndex((word) => names.includes(word));
    if (at < 0) return undefined;
    return (words[at - 1] === '!' ? '!' : '') + (words[at + 1] ?? '');
  };
  const [source, sourceMask] = network(after('-s'), any);
  const [destination, destinationMask] = network(after('-d'), any);
  return {
    filter_name: table,
    chain: chain!,
    policy: '',
    target: after('-j', '-g') ?? '',
    protocol: protocolNumber(after('-p')),
    src_port: ports(after('--sport', '--sports')),
    dst_port: ports(after('--dport', '--dports')),
    src_ip: source,
    src_mask: sourceMask,
    iniface: after('-i') ?? 'all',
    iniface_mask: '',
    dst_ip: destination,
    dst_mask: destinationMask,
    outiface: after('-o') ?? 'all',
    outiface_mask: '',
    match: words.includes('-m') ? 'yes' : 'no',
    packets: integerOrNull(packets),
    bytes: integerOrNull(bytes),
  };
}

/** Comments are in double quotes and may hold blanks and options. */
function splitQuoted(options: string): string[] {
  return options.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
}

/** Address and mask; one that is all but a network has a mask of its own after the slash. */
function network(word: string | undefined, any: Any): [string, string] {
  const [address, prefix] = (word ?? `${any}/0`).split('/');
  if (prefix !== undefined && !/^\d+$/.test(prefix)) return [address!, prefix];
  return [address!, maskOf(any, Number(prefix ?? (any === '::' ? 128 : 32)))];
}

/** As osquery: a single port is a range of one. */
function ports(word: string | undefined): string {
  if (word === undefined) return '';
  return /^\d+$/.test(word) ? `${word}:${word}` : word;
}

function protocolNumber(word: string | undefined): number {
  if (word === undefined) return 0;
  const name = word.replace(/^!/, '');
  return PROTOCOLS[name] ?? (/^\d+$/.test(name) ? Number(name) : 0);
}

const PROTOCOLS: Readonly<Record<string, number>> = {
  all: 0,
  icmp: 1,
  igmp: 2,
  ipencap: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  'ipv6-icmp': 58,
  icmpv6: 58,
  ospf: 89,
  vrrp: 112,
  sctp: 132,
  udplite: 136,
};
