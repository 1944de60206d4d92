import { bigint, integer, text } from '../lib/columns.ts';
import { eqIntegers } from '../lib/constraints.ts';
import { allPids, seesAllProcesses } from '../lib/proc.ts';
import { readSockets, socketHolders, type Holder, type SocketEntry } from '../lib/sockets.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';

export const processOpenSockets: SnapshotTable = {
  kind: 'snapshot',
  name: 'process_open_sockets',
  description: 'Open network and UNIX sockets with the processes that hold them.',
  cost: 'moderate',
  key: ['pid', 'fd', 'socket', 'local_address', 'local_port', 'remote_address', 'remote_port'],
  columns: [
    integer('pid', 'Process id; -1 when nobody visible holds it.', { additional: true }),
    bigint('fd', 'File descriptor; -1 when nobody visible holds it.'),
    bigint('socket', 'Inode of the socket.'),
    integer('family', '2 IPv4, 10 IPv6, 1 UNIX.'),
    integer('protocol', '6 TCP, 17 UDP, 136 UDP-Lite, others of raw sockets, 0 UNIX.'),
    text('local_address', 'Own address.'),
    text('remote_address', 'Address of the other end.'),
    integer('local_port', 'Own port.'),
    integer('remote_port', 'Port of the other end.'),
    text('path', 'Path of a UNIX socket; abstract ones begin with @.'),
    text('state', 'State of a TCP socket, e.g. ESTABLISHED.'),
    text('net_namespace', 'Inode of the network namespace.'),
  ],
  collect(context): Row[] {
    return heldSockets(context).map(([socket, holder]) => ({
      pid: holder.pid,
      fd: holder.fd,
      socket: socket.inode,
      family: socket.family,
      protocol: socket.protocol,
      local_address: socket.localAddress,
      remote_address: socket.remoteAddress,
      local_port: socket.localPort,
      remote_port: socket.remotePort,
      path: socket.path,
      state: socket.state,
      net_namespace: socket.namespace,
    }));
  },
};

/** Each socket once per holder; those of the processes that `pid =` names only, if it does. */
export function heldSockets(context: CollectContext): [SocketEntry, Holder][] {
  const asked = eqIntegers(context, 'pid');
  if (!seesAllProcesses()) {
    context.warn('not root: sockets of other users’ processes have pid -1');
  }
  // Whether a socket is nobody's only shows when everybody was looked at.
  const narrowed = asked !== undefined && !asked.includes(-1);
  const holders = socketHolders(context, narrowed ? asked : allPids(context));
  return readSockets(context).flatMap((socket) => {
    const found = holders.get(socket.inode) ?? (narrowed ? [] : [NOBODY]);
    return found.map((holder): [SocketEntry, Holder] => [socket, holder]);
  });
}

const NOBODY: Holder = { pid: -1, fd: -1 };
