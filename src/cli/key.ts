import type { Command } from 'commander';
import { controlOnce, type ResultOf } from '../agent/client.ts';
import { controlSocketOf } from './options.ts';

export function registerKey(program: Command): void {
  const key = program
    .command('key')
    .description('the identity keys of hosts: take the next one into use, show what is pinned');
  key
    .command('rotate')
    .description("take this host's next key into use; at most once an hour")
    .action(async (_options: unknown, command: Command) => {
      const { version } = await controlOnce(controlSocketOf(command), { op: 'rotate-key' });
      process.stdout.write(`this host signs with version ${version} of its keys now\n`);
    });
  key
    .command('list')
    .argument('<node>', 'name or node id of a host')
    .description('the keys of a host in their order, as this host has pinned them')
    .action(async (node: string, _options: unknown, command: Command) => {
      const list = await controlOnce(controlSocketOf(command), { op: 'key-list', node });
      process.stdout.write(listed(list));
    });
  for (const command of key.commands) command.exitOverride();
}

export type KeyList = ResultOf<'key-list'>;
type KeyView = KeyList['entries'][number];

function listed({ nodeId, name, entries, fork }: KeyList): string {
  const lines = [`${name} (${nodeId})`, ...entries.map(line)];
  if (fork === null) return `${lines.join('\n')}\n`;
  const heads = fork.flatMap((entry) => [
    line(entry),
    `      --head ${entry.version}:${entry.hash}`,
  ]);
  lines.push(FROZEN, ...heads);
  return `${lines.join('\n')}\n`;
}

/** Two entries of one version may well hold the same key, which was promised: the hash tells them apart. */
function line({ version, time, signKey, hash }: KeyView): string {
  const since = new Date(time * 1000).toISOString().slice(0, 19).replace('T', ' ');
  return `${String(version).padStart(4)}  ${since}  ${signKey}  ${hash.slice(0, 16)}`;
}

const FROZEN =
  'FROZEN: it signed two different entries. Name the good one with `swarmplane operator unfreeze`:';
