import type { Command } from 'commander';
import { controlOnce, leftAt, StateFolder, unmarkLeft } from '../agent/client.ts';
import { hostMeant, type YesOption } from './confirm.ts';
import { CliError } from './errors.ts';
import { controlSocketOf, stateOf } from './options.ts';

export function registerForget(program: Command): void {
  const command = program
    .command('forget')
    .argument('<node>', 'name or node id of a host that is gone')
    .description('no longer expect a host that is dead or left; it counts again if it comes back')
    .option('--yes', 'do not ask whether that host is meant')
    .option('--database <URL>', "in a hub's database, for a host that no agent knows any more")
    .action(async (node: string, { database, yes }: { database?: string } & YesOption) => {
      if (database !== undefined) {
        const { depart } = await import('../hub/index.ts');
        const { tellDeparted } = await import('./retire.ts');
        return tellDeparted('forgot', node, await depart(database, 'forget', node));
      }
      const id = await hostMeant(command, node, 'forget', yes === undefined ? {} : { yes });
      const { name, nodeId } = await controlOnce(controlSocketOf(command), {
        op: 'forget',
        node: id,
      });
      process.stdout.write(`forgot ${name} (${nodeId})\n`);
    });
}

export function registerLeave(program: Command): void {
  const command = program
    .command('leave')
    .description('take this host out of the swarm and stop its agent; it stays out until `rejoin`')
    .action(async () => {
      await controlOnce(controlSocketOf(command), { op: 'leave' });
      process.stdout.write('this host left the swarm\n');
    });
}

export function registerRejoin(program: Command): void {
  const command = program
    .command('rejoin')
    .description('let the agent of a host that left take part again: `up` that waits goes on')
    .action(() => {
      const state = StateFolder.existing(stateOf(command));
      if (leftAt(state) === undefined)
        throw new CliError(
          `${JSON.stringify(state.path)} is not that of a host that has left`,
          'start its agent with `swarmplane up`',
        );
      unmarkLeft(state);
      process.stdout.write('this host takes part again as soon as its agent runs\n');
    });
}
