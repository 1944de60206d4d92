import { bigint, integer, text } from '../lib/columns.ts';
import { formatAddress } from '../lib/ip.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { bootTime } from '../lib/proc.ts';
import type { Row, SnapshotTable } from '../types.ts';
import { auditRows, decode, nameOf, type AuditEvent, type Syscalls } from './audit-log.ts';

export const socketEvents: SnapshotTable = {
  kind: 'snapshot',
  name: 'socket_events',
  description:
    'Sockets that programs bound, connected and accepted at (IPv4, IPv6, UNIX), from auditd’s own log and its ' +
    'rotated files, the newest 10,000 and first a row with action overflow if there are more; those that ' +
    'auditd’s rules tell it to log.',
  cost: 'expensive',
  sensitive: true,
  key: [
    'time',
    'pid',
    'action',
    'fd',
    'local_address',
    'local_port',
    'remote_address',
    'remote_port',
  ],
  columns: [
    text('action', 'bind, connect or accept; overflow.'),
    bigint('pid', 'Process id.'),
    text('path', 'The program’s file.'),
    text('fd', 'Number of the descriptor; of accept, that of the listening socket.'),
    bigint('auid', 'User who logged in, 4294967295 for nobody.'),
    integer('family', 'Address family by number: 1 UNIX, 2 IPv4, 10 IPv6.'),
    integer('protocol', 'Protocol; NULL, auditd does not log it.', { hidden: true }),
    text('local_address', 'Address it was bound to; empty for others.'),
    text('remote_address', 'Address of the other side; empty for bind.'),
    integer('local_port', 'Port it was bound to; 0 for others.'),
    integer('remote_port', 'Port of the other side; 0 for bind.'),
    text('socket', 'Path of a UNIX socket, @ before the name of an abstract one.', {
      hidden: true,
    }),
    bigint('time', 'When it was, seconds since 1970.', { additional: true }),
    bigint('uptime', 'Seconds from the start of the machine; NULL for what was before it.'),
    text('eid', 'Time and number of the event in the log.', { hidden: true }),
    integer('success', '1 if it succeeded, else 0.', { hidden: true }),
    text(
      'status',
      'succeeded, failed, in_progress (a connect that is not waited for) or no_client; of overflow how many older ' +
        'events are not shown, as 12 lost.',
    ),
  ],
  collect(context): Row[] {
    const started = bootTime(context);
    return auditRows(context, {
      syscalls: SOCKETS,
      rule: RULE,
      rowsOf: (event) => socketEventRow(event, started),
      overflow: (lost, time) => ({ action: 'overflow', status: `${lost} lost`, time }),
    });
  },
};

export function socketEventRow(event: AuditEvent, started: number | undefined): Row[] {
  const { syscall, records } = event;
  const address = parseAddress(records.get('SOCKADDR')?.[0]?.get('saddr'));
  const action = nameOf(syscall, SOCKETS);
  if (address === undefined || action === undefined) return [];
  const bound = action === 'bind';
  const uptime = started === undefined ? -1 : event.time - started;
  return [
    {
      action,
      pid: integerOrNull(syscall.get('pid')),
      path: decode(syscall.get('exe')),
      fd: String(parseInt(syscall.get('a0') ?? '', 16)),
      auid: integerOrNull(syscall.get('auid')),
      family: address.family,
      local_address: bound ? address.host : '',
      remote_address: bound ? '' : address.host,
      local_port: bound ? address.port : 0,
      remote_port: bound ? 0 : address.port,
      socket: address.path,
      time: event.time,
      uptime: uptime < 0 ? null : uptime,
      eid: event.id,
      success: syscall.get('success') === 'yes' ? 1 : 0,
      status: statusOf(syscall.get('success'), syscall.get('exit')),
    },
  ];
}

interface SocketAddress {
  readonly family: number;
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/** The bytes of a struct sockaddr; its family is in the byte order of the machine, here all but little. */
function parseAddress(hex: string | undefined): SocketAddress | undefined {
  const bytes = Buffer.from(hex ?? '', 'hex');
  const family = bytes.length < 2 ? 0 : bytes[0]! | bytes[1]!;
  if (family === AF_INET && bytes.length >= 8)
    return {
      family,
      host: formatAddress(bytes.subarray(4, 8)),
      port: bytes.readUInt16BE(2),
      path: '',
    };
  if (family === AF_INET6 && bytes.length >= 24)
    return {
      family,
      host: formatAddress(bytes.subarray(8, 24)),
      port: bytes.readUInt16BE(2),
      path: '',
    };
  if (family !== AF_UNIX) return undefined;
  const name = bytes.subarray(2);
  if (name[0] === 0 && name.length > 1)
    return {
      family,
      host: '',
      port: 0,
      path: `@${name.subarray(1).toString('utf8').replaceAll('\0', '@')}`,
    };
  const end = name.indexOf(0);
  const path = name.subarray(0, end < 0 ? name.length : end).toString('utf8');
  return { family, host: '', port: 0, path };
}

function statusOf(success: string | undefined, exit: string | undefined): string {
  if (success === 'yes') return 'succeeded';
  if (exit === EINPROGRESS) return 'in_progress';
  return exit === EAGAIN ? 'no_client' : 'failed';
}

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const EINPROGRESS = '-115';
const EAGAIN = '-11';

const SOCKETS: Syscalls = {
  c000003e: { '42': 'connect', '43': 'accept', '49': 'bind', '288': 'accept' },
  '40000003': { '361': 'bind', '362': 'connect', '364': 'accept' },
  c00000b7: { '200': 'bind', '202': 'accept', '203': 'connect', '242': 'accept' },
  '40000028': { '282': 'bind', '283': 'connect', '285': 'accept', '366': 'accept' },
  c00000f3: { '200': 'bind', '202': 'accept', '203': 'connect', '242': 'accept' },
};
const RULE = '-a always,exit -F arch=b64 -S bind,connect,accept,accept4';
