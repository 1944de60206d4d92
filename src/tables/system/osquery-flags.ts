import { integer, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const osqueryFlags: SnapshotTable = {
  kind: 'snapshot',
  name: 'osquery_flags',
  description: 'Flags of osquery that have a meaning here, with what holds for swarmplane.',
  cost: 'cheap',
  key: ['name'],
  columns: [
    text('name', 'Name of the flag.'),
    text('type', 'bool or string.'),
    text('description', 'What it says.'),
    text('default_value', 'Value where nothing is set.'),
    text('value', 'Value in force.'),
    integer('shell_only', 'Whether only osquery’s shell has it; always 0.'),
  ],
  collect(context): Row[] {
    const { config_path: path, name } = context.facts.agent;
    return [
      flag('config_path', 'string', 'Path of the configuration file', textOr(path, '')),
      flag(
        'host_identifier',
        'string',
        'What rows are labelled with: the node’s name',
        'specified',
      ),
      flag('specified_identifier', 'string', 'The node’s name', textOr(name, '')),
      flag('disable_events', 'bool', 'Events are not collected', 'true'),
      flag('disable_audit', 'bool', 'The audit system is not used', 'true'),
      flag('disable_extensions', 'bool', 'There are no extensions', 'true'),
      flag('disable_watchdog', 'bool', 'Queries are limited by the agent, not a watchdog', 'true'),
    ];
  },
};

function flag(name: string, type: string, description: string, value: string): Row {
  return { name, type, description, default_value: value, value, shell_only: 0 };
}

function textOr(value: unknown, other: string): string {
  return typeof value === 'string' ? value : other;
}
