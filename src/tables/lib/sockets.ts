/** The sockets of the host, from /proc/PID/net of one process in each network namespace (proc_pid_net(5)). */
import { parseKernelAddress } from './ip.ts';
import { readText, type Rooted } from './files.ts';
import { allPids, descriptorsOf, namespaceOf } from './proc.ts';
import { lines } from './text.ts';

/** Numbers of AF_ and IPPROTO_ of the Linux headers. */
export const FAMILY = { unix: 1, inet: 2, inet6: 10 } as const;

export interface SocketEntry {
  readonly inode: number;
  readonly family: number;
  readonly protocol: number;
  readonly localAddress: string | null;
  readonly localPort: number;
  readonly remoteAddress: string | null;
  readonly remotePort: number;
  /** A name for TCP, else NULL. */
  readonly state: string | null;
  /** Of UNIX sockets: empty when it is not bound; begins with @ when abstract. */
  readonly path: string | null;
  readonly namespace: string | null;
  /** Of UNIX sockets: listens, or takes datagrams from anybody; an accepted connection does neither. */
  readonly waits: boolean;
}

/** Who holds a socket. */
export interface Holder {
  readonly pid: number;
  readonly fd: number;
}

/** Every socket of every network namespace that some process is in. */
export function readSockets(context: Rooted): SocketEntry[] {
  return [...namespaceWitnesses(context)].flatMap(([namespace, pid]) => [
    ...INET_FILES.flatMap((file) => readInet(context, pid, namespace, file)),
    ...readUnix(context, pid, namespace),
  ]);
}

/** The holders of each socket inode among `pids`. */
export function socketHolders(context: Rooted, pids: readonly number[]): Map<number, Holder[]> {
  const holders = new Map<number, Holder[]>();
  for (const pid of pids) {
    for (const { fd, target } of descriptorsOf(context, pid)) {
      const match = /^socket:\[(\d+)\]$/.exec(target);
      if (match === null) continue;
      const inode = Number(match[1]);
      const list = holders.get(inode);
      if (list === undefined) holders.set(inode, [{ pid, fd }]);
      else list.push({ pid, fd });
    }
  }
  return holders;
}

/** One process of each network namespace; without rights only our own is told apart. */
function namespaceWitnesses(context: Rooted): Map<string | null, number | 'self'> {
  const witnesses = new Map<string | null, number | 'self'>();
  for (const pid of allPids(context)) {
    const namespace = namespaceOf(context, pid, 'net');
    if (namespace !== null && !witnesses.has(namespace)) witnesses.set(namespace, pid);
  }
  // Our own, and when no namespace can be seen (an old kernel, a fake root), the only one.
  const own = namespaceOf(context, 'self', 'net');
  if (own !== null || witnesses.size === 0) witnesses.set(own, 'self');
  return witnesses;
}

interface InetFile {
  readonly name: string;
  readonly family: number;
  /** NULL: the port column of /proc/net/raw holds the protocol. */
  readonly protocol: number | null;
}

const INET_FILES: readonly InetFile[] = [
  { name: 'tcp', family: FAMILY.inet, protocol: 6 },
  { name: 'tcp6', family: FAMILY.inet6, protocol: 6 },
  { name: 'udp', family: FAMILY.inet, protocol: 17 },
  { name: 'udp6', family: FAMILY.inet6, protocol: 17 },
  { name: 'udplite', family: FAMILY.inet, protocol: 136 },
  { name: 'udplite6', family: FAMILY.inet6, protocol: 136 },
  { name: 'raw', family: FAMILY.inet, protocol: null },
  { name: 'raw6', family: FAMILY.inet6, protocol: null },
];

function readInet(
  context: Rooted,
  pid: number | 'self',
  namespace: string | null,
  file: InetFile,
): SocketEntry[] {
  const content = readText(context, `/proc/${pid}/net/${file.name}`, { bytesMax: NET_BYTES_MAX });
  return lines(content ?? '').flatMap((line) => parseInetLine(line, namespace, file) ?? []);
}

/** `sl local rem st tx:rx tr:when retrnsmt uid timeout inode ...`; the heading parses to nothing. */
function parseInetLine(
  line: string,
  namespace: string | null,
  file: InetFile,
): SocketEntry | undefined {
  const match =
    /^ *\d+: ([0-9A-F]+):([0-9A-F]+) ([0-9A-F]+):([0-9A-F]+) ([0-9A-F]{2})(?: +\S+){5} +(\d+)/i.exec(
      line,
    );
  if (match === null) return undefined;
  const [, local, localPort, remote, remotePort, state, inode] = match;
  const port = parseInt(localPort!, 16);
  return {
    inode: Number(inode),
    family: file.family,
    protocol: file.protocol ?? port,
    localAddress: parseKernelAddress(local!) ?? null,
    localPort: file.protocol === null ? 0 : port,
    remoteAddress: parseKernelAddress(remote!) ?? null,
    remotePort: parseInt(remotePort!, 16),
    state: file.protocol === 6 ? (TCP_STATES[parseInt(state!, 16)] ?? 'UNKNOWN') : null,
    path: null,
    namespace,
    waits: false,
  };
}

/** `Num RefCount Protocol Flags Type St Inode Path`; a path may hold blanks. */
function readUnix(context: Rooted, pid: number | 'self', namespace: string | null): SocketEntry[] {
  const content = readText(context, `/proc/${pid}/net/unix`, { bytesMax: NET_BYTES_MAX });
  return lines(content ?? '').flatMap((line) => {
    const match = UNIX_LINE.exec(line);
    if (match === null) return [];
    const [, flags, type, state, inode, path = ''] = match;
    const listens = (parseInt(flags!, 16) & ACCEPTS) !== 0;
    const waits = listens || (type === DATAGRAM && state === UNCONNECTED);
    return [{ ...UNIX_SOCKET, inode: Number(inode), path, namespace, waits }];
  });
}

const UNIX_LINE =
  /^[0-9a-f]+: [0-9A-F]{8} [0-9A-F]{8} ([0-9A-F]{8}) (\d{4}) (\d{2}) +(\d+)(?: (.*))?$/i;
/** __SO_ACCEPTCON, SOCK_DGRAM and SS_UNCONNECTED of the Linux headers. */
const ACCEPTS = 0x10000;
const DATAGRAM = '0002';
const UNCONNECTED = '01';

const UNIX_SOCKET = {
  family: FAMILY.unix,
  protocol: 0,
  localAddress: null,
  localPort: 0,
  remoteAddress: null,
  remotePort: 0,
  state: null,
} as const;

/** As include/net/tcp_states.h. */
const TCP_STATES = [
  'UNKNOWN',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSED',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'SYN_RECV',
];

const NET_BYTES_MAX = 64 * 1024 * 1024;
