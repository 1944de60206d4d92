import type { Command } from 'commander';
import { initSwarm, OPERATOR_KEY_FILE, outdatedSwarm, StateFolder } from '../agent/index.ts';
import {
  commandHere,
  readSecretLine,
  stateOf,
  withHostOptions,
  type HostOptions,
} from './options.ts';
import {
  checkClock,
  showToken,
  termsOf,
  withTermsOptions,
  type TermsOptions,
} from './token-terms.ts';

interface InitOptions extends HostOptions, TermsOptions {
  readonly passphraseFile?: string;
  readonly tokenFile?: string;
  readonly hub: boolean;
}

export function registerInit(program: Command): void {
  const command = program
    .command('init')
    .description('make a new swarm: write configuration and operator key, print the join token')
    .option('--passphrase-file <FILE>', 'protect the operator key with the first line of FILE')
    .option('--no-hub', 'this host is not meant to be a hub: sign no certificate of one for it')
    .option('--yes', 'more than 100 uses')
    .addHelpText('after', HELP);
  withTermsOptions(command, '32', '168');
  withHostOptions(command).action(async (options: InitOptions) => {
    checkClock(options);
    const { passphraseFile } = options;
    const passphrase =
      passphraseFile === undefined
        ? {}
        : { passphrase: readSecretLine(passphraseFile, 'passphrase') };
    const terms = termsOf(options);
    const state = StateFolder.open(stateOf(command));
    const kept = outdatedSwarm(state) !== undefined;
    const token = await initSwarm(state, options, {
      ...passphrase,
      token: terms,
      ...(!options.hub && { hubDays: 0 }),
    });
    process.stderr
      .write(`swarmplane: ${kept ? 'the swarm of before goes on' : 'new swarm'} in ${state.path}
operator key: ${state.file(OPERATOR_KEY_FILE)}${passphraseFile === undefined ? ' (no passphrase)' : ''}
  it signs who may command the swarm, and who is in it: copy it to a safe place offline, then remove it
  lost, nobody can be let in or put out any more, for good: print it on paper with \`${commandHere(command, 'operator words')}\`
join token, for ${terms.uses} hosts within ${terms.hours} hours:
`);
    showToken(token, options.tokenFile);
    if (kept) process.stderr.write(KEPT);
    process.stderr.write(
      `next: \`${commandHere(command, 'up')}\` here, then \`swarmplane up --join HOST:PORT\` elsewhere\n`,
    );
  });
}

/** The lists of before cannot be read, and who holds a certificate of before still holds it. */
const KEPT =
  'what was revoked before is not revoked any more: say it again with `swarmplane operator revoke HOST`; who was expelled comes back with a join token only\n';

const HELP = `
The join token lets hosts in: whoever has it can bring as many as it says. Keep it as you keep a root password; \`swarmplane token\` makes more and ends them.

Example:
  $ swarmplane init --name web1 > join.token && swarmplane up`;
