import type { Command } from 'commander';
import { depart, type Departed } from '../hub/index.ts';
import { databaseOf } from './options.ts';
import { printable } from './text.ts';

interface RetireOptions {
  readonly reason?: string;
  readonly undo?: boolean;
  readonly database?: string;
}

export function registerRetire(program: Command): void {
  const command = program
    .command('retire')
    .argument('<host>', 'name or node id of a host that is dead, left, forgotten or expelled')
    .description("mark a host as gone for good in a hub's database; its history stays")
    .option('--reason <TEXT>', 'a note, kept beside it')
    .option('--undo', 'take it back: the host counts again as the swarm sees it')
    .option('--database <URL>', "a hub's database; default: that of the hub here")
    .addHelpText('after', HELP)
    .action(async (host: string, { reason, undo, database }: RetireOptions) => {
      const url = databaseOf(command, database);
      const departed = await depart(url, undo ? 'unretire' : 'retire', host, reason);
      tellDeparted(undo ? 'took back the retirement of' : 'retired', host, departed);
    });
}

/** Says so where no hub has taken it up yet. */
export function tellDeparted(verb: string, host: string, { nodeId, done }: Departed): void {
  process.stdout.write(`${verb} ${printable(host)} (${nodeId})\n`);
  if (!done)
    process.stderr.write(
      'note: no hub has taken it up yet; see `state` in table swarmplane.node, and swarmplane.alert\n',
    );
}

const HELP = `
It is no target any more, what waits for it ends, and the swarm forgets it. One that is alive is
refused: run \`swarmplane leave\` on it first.

Example:
  $ swarmplane retire web7 --reason 'sold'`;
