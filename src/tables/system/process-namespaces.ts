import { integer, text } from '../lib/columns.ts';
import { eqIntegers } from '../lib/constraints.ts';
import { namespaceOf, pidsOf, readStat, warnOthersHidden } from '../lib/proc.ts';
import type { LookupTable, Row } from '../types.ts';

export const processNamespaces: LookupTable = {
  kind: 'lookup',
  name: 'process_namespaces',
  description: 'The namespaces that processes are in, by inode.',
  cost: 'moderate',
  key: ['pid'],
  columns: [
    integer('pid', 'Process id.', { index: true }),
    text('cgroup_namespace', 'Namespace of control groups.', { unset: true }),
    text('ipc_namespace', 'Namespace of System V and POSIX message queues.', { unset: true }),
    text('mnt_namespace', 'Namespace of mounts.', { unset: true }),
    text('net_namespace', 'Namespace of the network.', { unset: true }),
    text('pid_namespace', 'Namespace of process ids.', { unset: true }),
    text('user_namespace', 'Namespace of users.', { unset: true }),
    text('uts_namespace', 'Namespace of the host name.', { unset: true }),
  ],
  *lookup(context): Generator<Row> {
    if (eqIntegers(context, 'pid') === undefined) warnOthersHidden(context, 'namespaces');
    for (const pid of pidsOf(context)) {
      if (readStat(context, pid) === undefined) continue;
      const row: Row = { pid };
      for (const kind of KINDS) row[`${kind}_namespace`] = namespaceOf(context, pid, kind);
      yield row;
    }
  },
};

const KINDS = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'];
