import type { Command } from 'commander';
import { createLog, resetIdentity, StateFolder, type IdentityReset } from '../agent/index.ts';
import { commandHere, stateOf } from './options.ts';

export function registerIdentity(program: Command): void {
  const identity = program
    .command('identity')
    .description('who this host is: make one of two copies of a state folder a new host');
  const reset = identity
    .command('reset')
    .description('give this host a new identity; the agent must be stopped')
    .option('--name <NAME>', 'what other hosts call this one from now on')
    .addHelpText('after', HELP)
    .action(async ({ name }: { name?: string }) => {
      const state = StateFolder.existing(stateOf(reset));
      const done = await resetIdentity(state, createLog('error', 'identity'), name);
      process.stdout.write(told(reset, { path: state.path, done, name }));
    });
  reset.exitOverride();
}

interface Reset {
  readonly path: string;
  readonly done: IdentityReset;
  readonly name: string | undefined;
}

function told(command: Command, { path, done, name }: Reset): string {
  const { before, nodeId, removed, members } = done;
  const was = before === undefined ? '' : `was ${before.slice(0, 12)} and `;
  const rename =
    name === undefined
      ? ['give it a name of its own in config.yaml (name), and look at listen and advertise there']
      : [];
  const address = members[0] ?? 'HOST:PORT';
  return [
    `this host ${was}is ${nodeId.slice(0, 12)} from now on, and belongs to no swarm yet`,
    `removed from ${path}: ${removed.join(', ')}`,
    'next, on this host:',
    ...rename.map((line) => `  ${line}`),
    `  ${commandHere(command, `up --join ${address} --token-file FILE`)}`,
    ...(members.length > 1 ? [`  (other members: ${members.slice(1).join(', ')})`] : []),
    'the token is one that `swarmplane token new` prints, where the operator key is',
    'certificates and tracked tables of the old identity stay with the other copy, which is taken back within minutes',
    '',
  ].join('\n');
}

const HELP = `
For a machine that was set up as a copy of another one, state folder included: both show one identity, take each other's links, and are frozen (alarm "clone"). On one of the two, with its agent stopped, this removes the identity and all that belongs to it, and makes a new one. config.yaml and operator.key stay. A folder with the database of a hub is refused.

Example:
  $ swarmplane identity reset --name web2`;
