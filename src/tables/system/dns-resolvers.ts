import { bigint, integer, pidWithNamespace, text } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import { fields, lines } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const dnsResolvers: SnapshotTable = {
  kind: 'snapshot',
  name: 'dns_resolvers',
  description: 'Name servers, search domains and sort list of resolv.conf(5).',
  cost: 'cheap',
  key: ['type', 'id'],
  columns: [
    integer('id', 'Place among those of the same type, from 0.'),
    text('type', 'nameserver, sortlist or search.'),
    text('address', 'Address of the server or network, or the search domain.'),
    text('netmask', 'Netmask of a sort list entry.', { unset: true }),
    bigint('options', 'Options in force, RES_ bits of resolv.h.'),
    pidWithNamespace(),
  ],
  collect(context): Row[] {
    const config = parseResolvConf(requireText(context, '/etc/resolv.conf'));
    const row = (type: string) => (entry: string, id: number) => {
      const [address, netmask] = type === 'sortlist' ? entry.split('/') : [entry];
      return { id, type, address: address!, netmask: netmask ?? null, options: config.options };
    };
    return [
      ...config.nameservers.map(row('nameserver')),
      ...config.sortlist.map(row('sortlist')),
      ...config.search.map(row('search')),
    ];
  },
};

export interface ResolverConfig {
  nameservers: string[];
  sortlist: string[];
  search: string[];
  options: number;
}

/** The last search or domain line counts; the C library takes no more than three servers. */
export function parseResolvConf(content: string): ResolverConfig {
  const config: ResolverConfig = { nameservers: [], sortlist: [], search: [], options: DEFAULTS };
  for (const line of lines(content)) {
    const [keyword, ...values] = fields(line);
    if (keyword === 'nameserver') config.nameservers.push(...values.slice(0, 1));
    else if (keyword === 'search') config.search = values;
    else if (keyword === 'domain') config.search = values.slice(0, 1);
    else if (keyword === 'sortlist') config.sortlist.push(...values);
    else if (keyword === 'options') {
      for (const value of values) config.options |= OPTIONS[value] ?? 0;
    }
  }
  config.nameservers = config.nameservers.slice(0, SERVERS_MAX);
  return config;
}

const SERVERS_MAX = 3;
/** RES_INIT, RES_RECURSE, RES_DEFNAMES, RES_DNSRCH. */
const DEFAULTS = 0x2c1;

const OPTIONS: Readonly<Record<string, number>> = {
  debug: 0x2,
  'use-vc': 0x8,
  rotate: 0x4000,
  'no-check-names': 0x8000,
  edns0: 0x10_0000,
  'single-request': 0x20_0000,
  'single-request-reopen': 0x40_0000,
  'no-tld-query': 0x100_0000,
  'no-reload': 0x200_0000,
  'trust-ad': 0x400_0000,
  'no-aaaa': 0x800_0000,
};
