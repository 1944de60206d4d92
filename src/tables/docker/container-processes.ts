/** docker_container_processes: what runs in containers. */
import { posix } from 'node:path';

import { bigint, double, integer, load, text } from '../lib/columns.ts';
import { doubleOrNull, integerOrNull } from '../lib/numbers.ts';
import type { Row, SnapshotTable } from '../types.ts';
import { eachContainer } from './api.ts';
import { dockerGet } from './client.ts';
import { at, type Json } from '../lib/json.ts';

export const dockerContainerProcesses: SnapshotTable = {
  name: 'docker_container_processes',
  description: 'Processes in a container, as ps(1) on the host sees them.',
  kind: 'snapshot',
  cost: 'expensive',
  key: ['id', 'pid'],
  columns: [
    text('id', 'Id of the container.', {
      index: true,
      required: true,
      steers: true,
      collate: 'nocase',
    }),
    bigint('pid', 'Process id on the host.', { index: true }),
    text('name', 'Name of the program.'),
    text('cmdline', 'Command line.'),
    load(text('state', 'State, as in ps.')),
    bigint('uid', 'User id.'),
    bigint('gid', 'Group id.'),
    bigint('euid', 'Effective user id.'),
    bigint('egid', 'Effective group id.'),
    bigint('suid', 'Saved user id.'),
    bigint('sgid', 'Saved group id.'),
    bigint('wired_size', 'Memory that cannot be paged out; always 0.'),
    load(bigint('resident_size', 'Memory in use in bytes.')),
    load(bigint('total_size', 'Address space in bytes.')),
    bigint('start_time', 'When it started, seconds since 1970.'),
    bigint('parent', 'Id of its parent.'),
    bigint('pgroup', 'Id of its process group.'),
    load(integer('threads', 'Number of threads.')),
    integer('nice', 'Nice value.'),
    text('user', 'Name of the user.'),
    load(text('time', 'Processor time, as [DD-]hh:mm:ss.')),
    load(double('cpu', 'Share of a processor, in percent.')),
    load(double('mem', 'Share of the memory, in percent.')),
  ],
  collect: (context) =>
    eachContainer(context, async (id) => {
      const path = `/containers/${id}/top?ps_args=${encodeURIComponent(`axwwo ${FIELDS.join(',')}`)}`;
      const processes = at(await dockerGet(context, path), 'Processes');
      const now = Math.floor(Date.now() / 1000);
      return (Array.isArray(processes) ? processes : []).map((fields) => toRow(id, fields, now));
    }),
};

function toRow(id: string, fields: Json, now: number): Row {
  const texts = Array.isArray(fields) ? fields : [];
  const field = (name: (typeof FIELDS)[number]): string | null => {
    const value = texts[FIELDS.indexOf(name)];
    return typeof value === 'string' ? value : null;
  };
  const number = (name: (typeof FIELDS)[number]) => integerOrNull(field(name));
  const elapsed = number('etimes');
  const cmdline = field('args');
  return {
    id,
    pid: number('pid'),
    name: cmdline === null ? null : posix.basename(cmdline.split(' ')[0] ?? ''),
    cmdline,
    state: field('state'),
    uid: number('uid'),
    gid: number('gid'),
    euid: number('euid'),
    egid: number('egid'),
    suid: number('suid'),
    sgid: number('sgid'),
    wired_size: 0,
    resident_size: kibToBytes(number('rss')),
    total_size: kibToBytes(number('vsz')),
    start_time: elapsed === null ? null : now - Number(elapsed),
    parent: number('ppid'),
    pgroup: number('pgrp'),
    threads: number('nlwp'),
    nice: number('nice'),
    user: field('user'),
    time: field('time'),
    cpu: doubleOrNull(field('pcpu')),
    mem: doubleOrNull(field('pmem')),
  };
}

function kibToBytes(kib: number | bigint | null): number | null {
  return kib === null ? null : Number(kib) * 1024;
}

/** In the order asked of ps; Docker needs pid, and joins all that is left to the last. */
const FIELDS = [
  'pid',
  'state',
  'uid',
  'gid',
  'euid',
  'egid',
  'suid',
  'sgid',
  'rss',
  'vsz',
  'etimes',
  'ppid',
  'pgrp',
  'nlwp',
  'nice',
  'user',
  'time',
  'pcpu',
  'pmem',
  'args',
] as const;
