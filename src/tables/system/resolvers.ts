/** resolvers: whom this host asks for names, and for which. */
import { integer, text } from '../lib/columns.ts';
import { describeCode, exists, listDir, readText, tryRead } from '../lib/files.ts';
import { formatAddress } from '../lib/ip.ts';
import { printedObject } from '../lib/json.ts';
import { ProgramError, runProgram } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import { TableError, type CollectContext, type Row, type SnapshotTable } from '../types.ts';
import { parseResolvConf } from './dns-resolvers.ts';

export const resolvers: SnapshotTable = {
  kind: 'snapshot',
  name: 'resolvers',
  description:
    'Name servers and domains in force: those of resolv.conf(5), and where systemd-resolved runs those ' +
    'behind it, of the host and of each interface, as resolvectl(1) shows them.',
  cost: 'moderate',
  beyondOsquery: true,
  key: ['source', 'interface', 'type', 'position'],
  columns: [
    text('source', 'resolv.conf or systemd-resolved.'),
    text('interface', 'The interface that it is for, empty for the whole host.'),
    text(
      'type',
      'server; fallback, a server for when there is no other; search, a domain that names are completed ' +
        'with; route, a domain whose names go to the interface’s servers.',
    ),
    integer('position', 'Place among those of the same type, from 0.'),
    text('value', 'Address of the server, or the domain.'),
    integer('port', 'Port of the server if not 53, else NULL.'),
    text('tls_name', 'Name that the server’s certificate must have, empty if none is set.'),
  ],
  async collect(context): Promise<Row[]> {
    return [...resolvConf(context), ...(await resolved(context))];
  },
};

function resolvConf(context: CollectContext): Row[] {
  const result = tryRead(context, RESOLV_CONF);
  if (!result.ok) {
    if (exists(context, RESOLVED)) return [];
    throw new TableError(`cannot read ${RESOLV_CONF}: ${describeCode(result.code)}`);
  }
  const { nameservers, search } = parseResolvConf(result.bytes.toString('utf8'));
  const row = (type: string) => (value: string, position: number) => ({
    source: 'resolv.conf',
    interface: '',
    type,
    position,
    value,
    port: null,
    tls_name: '',
  });
  return [...nameservers.map(row('server')), ...search.map(row('search'))];
}

async function resolved(context: CollectContext): Promise<Row[]> {
  if (!exists(context, RESOLVED)) return [];
  try {
    const servers =
      (await properties(context, ['DNSEx', 'FallbackDNSEx'])) ??
      // Before systemd 246 without ports and names.
      (await properties(context, ['DNS', 'FallbackDNS']));
    const domains = await properties(context, ['Domains']);
    if (servers === undefined || domains === undefined) {
      context.warn('systemd-resolved does not answer: only resolv.conf is shown');
      return [];
    }
    return resolvedRows([...servers, ...domains], interfaceNames(context));
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    context.warn(`only resolv.conf is shown: ${error.message}`);
    return [];
  }
}

/** A line of JSON for each property; undefined where resolved has not all of them. */
async function properties(
  context: CollectContext,
  names: readonly string[],
): Promise<string[] | undefined> {
  const call = ['get-property', SERVICE, '/org/freedesktop/resolve1', `${SERVICE}.Manager`];
  // A question must not start the service.
  const args = ['--json=short', '--auto-start=no', ...call, ...names];
  const { code, stdout } = await runProgram(context, 'busctl', args);
  const found = lines(stdout);
  return code === 0 && found.length === names.length ? found : undefined;
}

/** Servers, fallback servers and domains as busctl prints them; an interface is a number, 0 for none. */
export function resolvedRows(
  [servers, fallback, domains]: readonly string[],
  names: ReadonlyMap<number, string>,
): Row[] {
  const data = (line: string | undefined): unknown[][] =>
    line === undefined
      ? []
      : (printedObject('busctl', line, 'data')['data'] as unknown as unknown[][]);
  const server = (type: string) => (entry: unknown[]) => {
    const [index, , bytes, port, name] = entry as [number, number, number[], number?, string?];
    return {
      index,
      type,
      value: formatAddress(Uint8Array.from(bytes)),
      port: port || null,
      tls_name: name ?? '',
    };
  };
  const found = [
    ...data(servers).map(server('server')),
    ...data(fallback).map(server('fallback')),
    ...data(domains).map((entry) => {
      const [index, value, routeOnly] = entry as [number, string, boolean];
      return { index, type: routeOnly ? 'route' : 'search', value, port: null, tls_name: '' };
    }),
  ];
  const counts = new Map<string, number>();
  return found.map(({ index, ...rest }) => {
    const key = `${index} ${rest.type}`;
    const position = counts.get(key) ?? 0;
    counts.set(key, position + 1);
    const name = index === 0 ? '' : (names.get(index) ?? String(index));
    return { source: 'systemd-resolved', interface: name, position, ...rest };
  });
}

function interfaceNames(context: CollectContext): Map<number, string> {
  return new Map(
    listDir(context, '/sys/class/net').map((name) => [
      Number(readText(context, `/sys/class/net/${name}/ifindex`)),
      name,
    ]),
  );
}

const RESOLV_CONF = '/etc/resolv.conf';
const RESOLVED = '/run/systemd/resolve';
const SERVICE = 'org.freedesktop.resolve1';
