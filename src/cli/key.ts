import type { Command } from 'commander';
import { controlOnce } from '../agent/client.ts';
import { controlSocketOf } from './options.ts';

export function registerKey(program: Command): void {
  const key = program
    .command('key')
    .description('the identity keys of hosts: take the next one into use, show what is pinned');
  key
    .command('rotate')
    .description("take this host's next key into use; at most once an hour")
    .action(async (_options: unknown, command: Command) => {
      const value = await controlOnce(controlSocketOf(command), { op: 'rotate-key' });
      const { version } = value as { version: number };
      process.stdout.write(`this host signs with version ${version} of its keys now\n`);
    });
  key
    .command('list')
    .argument('<node>', 'name or node id of a host')
    .description('the keys of a host in their order, as this host has pinned them')
    .action(async (node: string, _options: unknown, command: Command) => {
      const value = await controlOnce(controlSocketOf(command), { op: 'key-list', node });
      process.stdout.write(listed(value as unknown as KeyList));
    });
  for (const command of key.commands) command.exitOverride();
}

interface KeyList {
  readonly nodeId: string;
  readonly name: string;
  readonly frozen: boolean;
  readonly entries: readonly { version: number; time: number; signKey: string }[];
}

function listed({ nodeId, name, frozen, entries }: KeyList): string {
  const lines = entries.map(({ version, time, signKey }) => {
    const since = new Date(time * 1000).toISOString().slice(0, 19).replace('T', ' ');
    return `${String(version).padStart(4)}  ${since}  ${signKey}\n`;
  });
  const state = frozen ? '  FROZEN: it signed two different lists, see swarm_alarms' : '';
  return `${name} (${nodeId})${state}\n${lines.join('')}`;
}
