import { bigint, integer, load, text } from '../lib/columns.ts';
import { FAMILY, type SocketEntry } from '../lib/sockets.ts';
import type { Row, SnapshotTable } from '../types.ts';
import { heldSockets } from './process-open-sockets.ts';

export const listeningPorts: SnapshotTable = {
  kind: 'snapshot',
  name: 'listening_ports',
  description:
    'Sockets that wait for others: listening TCP, bound UDP and raw, named UNIX sockets.',
  cost: 'moderate',
  key: ['port', 'protocol', 'address', 'path', 'net_namespace', 'pid', 'fd', 'socket'],
  columns: [
    load(integer('pid', 'Process id; -1 when nobody visible holds it.')),
    integer('port', 'Port; 0 for UNIX sockets.'),
    integer('protocol', '6 TCP, 17 UDP, 136 UDP-Lite, others of raw sockets, 0 UNIX.'),
    integer('family', '2 IPv4, 10 IPv6, 1 UNIX.'),
    text('address', 'Address it is bound to; NULL for UNIX sockets.', { unset: true }),
    load(bigint('fd', 'File descriptor; -1 when nobody visible holds it.')),
    load(bigint('socket', 'Inode of the socket.')),
    text('path', 'Path of a UNIX socket; abstract ones begin with @.', { unset: true }),
    text('net_namespace', 'Inode of the network namespace.'),
  ],
  collect(context): Row[] {
    return heldSockets(context)
      .filter(([socket]) => waits(socket))
      .map(([socket, holder]) => ({
        pid: holder.pid,
        port: socket.localPort,
        protocol: socket.protocol,
        family: socket.family,
        address: socket.family === FAMILY.unix ? null : socket.localAddress,
        fd: holder.fd,
        socket: socket.inode,
        path: socket.family === FAMILY.unix ? socket.path : null,
        net_namespace: socket.namespace,
      }));
  },
};

function waits(socket: SocketEntry): boolean {
  if (socket.family === FAMILY.unix) return socket.path !== '' && socket.waits;
  return socket.protocol === 6 ? socket.state === 'LISTEN' : socket.remotePort === 0;
}
