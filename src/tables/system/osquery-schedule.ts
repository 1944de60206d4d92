import { bigint, integer, load, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const osquerySchedule: SnapshotTable = {
  kind: 'snapshot',
  name: 'osquery_schedule',
  description:
    'Queries the agent runs by itself: none, schedules are the hub’s (swarmplane.schedule).',
  cost: 'cheap',
  key: ['name'],
  columns: [
    text('name', 'Name of the query.'),
    text('query', 'The query.'),
    integer('interval', 'Seconds between two runs.'),
    load(bigint('executions', 'How often it was run.')),
    load(bigint('last_executed', 'Unix time of the last run.')),
    integer('denylisted', 'Whether it is no longer run.'),
    integer('blacklisted', 'Another name for denylisted.', { hidden: true }),
    load(bigint('output_size', 'Bytes of all its answers.')),
    load(bigint('wall_time', 'Seconds of all its runs.')),
    load(bigint('wall_time_ms', 'Milliseconds of all its runs.')),
    load(bigint('last_wall_time_ms', 'Milliseconds of the last run.')),
    load(bigint('user_time', 'Milliseconds of processor time in programs.')),
    load(bigint('last_user_time', 'The same of the last run.')),
    load(bigint('system_time', 'Milliseconds of processor time in the kernel.')),
    load(bigint('last_system_time', 'The same of the last run.')),
    load(bigint('average_memory', 'Bytes of memory it left taken on average.')),
    load(bigint('last_memory', 'The same of the last run.')),
  ],
  collect: (): Row[] => [],
};
