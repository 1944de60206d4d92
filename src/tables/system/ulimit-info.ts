import { text } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const ulimitInfo: SnapshotTable = {
  kind: 'snapshot',
  name: 'ulimit_info',
  description: 'Resource limits of the process that answers the query, getrlimit(2).',
  cost: 'cheap',
  key: ['type'],
  columns: [
    text('type', 'What is limited, by its name in limits.conf(5).'),
    text('soft_limit', 'The limit in force, or unlimited.'),
    text('hard_limit', 'What it may be raised to, or unlimited.'),
  ],
  collect(context): Row[] {
    const content = requireText(context, '/proc/self/limits');
    return Object.entries(NAMES).flatMap(([label, type]) => {
      const match = new RegExp(`^Max ${label} +(\\S+) +(\\S+)`, 'm').exec(content);
      if (match === null) return [];
      return [{ type, soft_limit: match[1]!, hard_limit: match[2]! }];
    });
  },
};

/** The kernel's labels and the short names of limits.conf(5). */
const NAMES: Readonly<Record<string, string>> = {
  'cpu time': 'cpu',
  'file size': 'fsize',
  'data size': 'data',
  'stack size': 'stack',
  'core file size': 'core',
  'resident set': 'rss',
  processes: 'nproc',
  'open files': 'nofile',
  'locked memory': 'memlock',
  'address space': 'as',
  'file locks': 'locks',
  'pending signals': 'sigpending',
  'msgqueue size': 'msgqueue',
  'nice priority': 'nice',
  'realtime priority': 'rtprio',
  'realtime timeout': 'rttime',
};
