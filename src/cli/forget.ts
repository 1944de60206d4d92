import type { Command } from 'commander';
import { controlOnce } from '../agent/client.ts';
import { controlSocketOf } from './options.ts';

export function registerForget(program: Command): void {
  const command = program
    .command('forget')
    .argument('<node>', 'name or node id of a host that is gone')
    .description('no longer expect a host that is gone; it counts again if it comes back')
    .action(async (node: string) => {
      const value = await controlOnce(controlSocketOf(command), { op: 'forget', node });
      const { name, nodeId } = value as { name: string; nodeId: string };
      process.stdout.write(`forgot ${name} (${nodeId.slice(0, 12)})\n`);
    });
}

export function registerLeave(program: Command): void {
  const command = program
    .command('leave')
    .description('take this host out of the swarm and stop its agent')
    .action(async () => {
      await controlOnce(controlSocketOf(command), { op: 'leave' });
      process.stdout.write('this host left the swarm\n');
    });
}
