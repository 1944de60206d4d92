import type { Command } from 'commander';
import { initSwarm, JOIN_TOKEN_FILE, OPERATOR_KEY_FILE, StateFolder } from '../agent/index.ts';
import { readSecretLine, stateOf, withHostOptions, type HostOptions } from './options.ts';

export function registerInit(program: Command): void {
  const command = program
    .command('init')
    .description('make a new swarm: write configuration and operator key, print the join token')
    .option('--passphrase-file <FILE>', 'protect the operator key with the first line of FILE')
    .addHelpText('after', HELP);
  withHostOptions(command).action(async (options: HostOptions & { passphraseFile?: string }) => {
    const passphrase =
      options.passphraseFile === undefined
        ? undefined
        : readSecretLine(options.passphraseFile, 'passphrase');
    const state = StateFolder.open(stateOf(command));
    const token = await initSwarm(state, options, passphrase);
    process.stderr.write(`swarmplane: new swarm in ${state.path}
operator key: ${state.file(OPERATOR_KEY_FILE)}${passphrase === undefined ? ' (no passphrase)' : ''}
  it signs who may command the swarm: move it to a safe place offline
join token:   ${state.file(JOIN_TOKEN_FILE)}, and here:
`);
    process.stdout.write(`${token}\n`);
    process.stderr.write(
      `next: \`swarmplane up\` here, then \`swarmplane up --join HOST:PORT\` elsewhere\n`,
    );
  });
}

const HELP = `
The join token admits a host to the swarm: whoever has it can join. Keep it as you keep a root password.

Example:
  $ swarmplane init --name web1 > join.token && swarmplane up`;
