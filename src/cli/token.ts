import type { Command } from 'commander';
import { controlOnce, type OperatorDesk } from '../agent/index.ts';
import { CliError } from './errors.ts';
import { knownRecords, openDesk, withKeyOptions, type KeyOptions } from './operator-desk.ts';
import type { KnownRecords } from './operator-desk.ts';
import { controlSocketOf } from './options.ts';
import { rotateSecret } from './secret.ts';
import { json, printable, table, timeText } from './text.ts';
import {
  checkClock,
  showToken,
  termsOf,
  withTermsOptions,
  type TermsOptions,
} from './token-terms.ts';

export function registerToken(program: Command): void {
  const token = program
    .command('token')
    .description('the join tokens of the swarm: who may come in, and how many')
    .addHelpText('after', HELP);
  registerNew(token);
  registerList(token);
  registerEnd(token);
  registerRevoke(token);
  for (const command of token.commands) command.exitOverride();
}

function registerNew(token: Command): void {
  const command = withTermsOptions(token.command('new'), '10', '2')
    .description('make a join token and print it')
    .option('--note <TEXT>', 'what it is for, at most 64 bytes; every member can read it')
    .option('--for <NAME>', 'the one host it is for; one use unless --uses says otherwise')
    .option('--yes', 'more than 100 uses');
  withKeyOptions(command).action(
    async (options: TermsOptions & KeyOptions & { tokenFile?: string }) => {
      const one = options.for !== undefined && command.getOptionValueSource('uses') === 'default';
      const terms = termsOf(one ? { ...options, uses: '1' } : options);
      checkClock(options);
      const desk = await openDesk(command, options);
      const known = await knownRecords(command);
      desk.checkKey(known);
      checkRoom(known, terms.uses);
      const { text, record } = await desk.newToken(known.epochId, terms);
      await controlOnce(controlSocketOf(command), { op: 'install', records: [record.bytes] });
      const until = timeText(new Date(record.notAfter * 1000));
      process.stderr.write(
        `swarmplane: token ${record.tag} brings up to ${terms.uses} hosts until ${until} UTC\n`,
      );
      showToken(text, options.tokenFile);
    },
  );
}

/** The roll, and all seats of this epoch. */
function checkRoom({ roll, tokens }: KnownRecords, uses: number): void {
  const now = Date.now() / 1000;
  const open = (one: KnownRecords['tokens'][number]) => one.state === 'open' && one.notAfter >= now;
  const seats = tokens.reduce((sum, one) => sum + (open(one) ? one.uses : one.seen), 0);
  if (roll + seats + uses <= HOSTS_MAX) return;
  throw new CliError(
    `${roll} hosts on the roll, ${seats} seats of tokens and ${uses} more are above ${HOSTS_MAX}`,
    'end tokens with `swarmplane token end`, or make a new roll with `swarmplane secret rotate`',
  );
}

function registerList(token: Command): void {
  const command = token
    .command('list')
    .description('list the join tokens of this epoch, as this host knows them')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const tokens = await controlOnce(controlSocketOf(command), { op: 'tokens' });
      if (options.json) {
        process.stdout.write(`${json(tokens.map((one) => ({ ...one, bytes: undefined })))}\n`);
        return;
      }
      if (tokens.every((one) => stateOf(one) !== 'open')) {
        process.stderr.write('swarmplane: no open token: nobody can join\n');
      }
      const rows = tokens.map((one) => [
        one.tag,
        stateOf(one),
        `${one.seen} of ${one.uses}`,
        timeText(new Date(one.made * 1000)),
        timeText(new Date(one.notAfter * 1000)),
        printable(one.host),
        printable(one.note),
      ]);
      process.stdout.write(table(['token', 'state', 'hosts', 'made', 'ends', 'for', 'note'], rows));
    });
}

/** What people are told of a token; receivers look at no clock, those who let in do. */
function stateOf({ state, notAfter, seen, uses }: KnownRecords['tokens'][number]): string {
  if (seen > uses) return 'over-used';
  if (state === 'ended') return 'ended';
  if (notAfter < Date.now() / 1000) return `past its end, ${uses - seen} unused: end it`;
  return seen === uses ? 'used up' : 'open';
}

function registerEnd(token: Command): void {
  const command = token
    .command('end')
    .argument('<tag>', 'as `swarmplane token list` shows it')
    .description('let no further host in by a token; those that came by it stay');
  withKeyOptions(command).action(async (tag: string, options: KeyOptions) => {
    const desk = await openDesk(command, options);
    const known = await knownRecords(command);
    desk.checkKey(known);
    await endToken(command, desk, known, tag);
    process.stdout.write(`token ${tag} lets nobody in any more\n`);
  });
}

function registerRevoke(token: Command): void {
  const command = token
    .command('revoke')
    .argument('<tag>', 'as `swarmplane token list` shows it')
    .description('end a token and put out every host that came by it: rotates the secret')
    .option('--no-token', 'make no new join token')
    .option('--yes', 'do not ask');
  withTermsOptions(command, '32', '168');
  withKeyOptions(command).action(
    async (tag: string, options: KeyOptions & TermsOptions & { token: boolean }) => {
      checkClock(options);
      const desk = await openDesk(command, options);
      const known = await knownRecords(command);
      desk.checkKey(known);
      await endToken(command, desk, known, tag);
      await rotateSecret(command, { ...options, dropToken: tag });
    },
  );
}

async function endToken(
  command: Command,
  desk: OperatorDesk,
  known: KnownRecords,
  tag: string,
): Promise<void> {
  const token = known.tokens.find((one) => one.tag === tag);
  if (token === undefined) {
    const tags = known.tokens.map((one) => one.tag).join(', ');
    throw new CliError(
      `there is no token ${JSON.stringify(tag)} in this epoch`,
      tags === '' ? 'there is none at all' : `there are ${tags}`,
    );
  }
  if (token.state === 'ended') return;
  const { bytes } = desk.endToken(token.bytes, token.seen);
  await controlOnce(controlSocketOf(command), { op: 'install', records: [bytes] });
}

/** What a swarm holds, see docs/protocol.md section 3. */
const HOSTS_MAX = 16_384;

const HELP = `
A token is of the epoch in which it was made, and goes with it. Without an open token nobody can join.

Examples:
  $ swarmplane token new --uses 10 --hours 2 --note rack7 --key /media/usb/operator.key
  $ swarmplane token new --for web1
  $ swarmplane token end 5f0c3a9be1d20744
  $ swarmplane token revoke 5f0c3a9be1d20744`;
