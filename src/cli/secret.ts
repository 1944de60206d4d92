import { renameSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { controlOnce, JOIN_TOKEN_FILE, StateFolder } from '../agent/index.ts';
import { CliError } from './errors.ts';
import { knownRecords, nodeIdOf, openDesk, withKeyOptions, type KeyOptions } from './operator.ts';
import { controlSocketOf, parseList, stateOf } from './options.ts';

export function registerSecret(program: Command): void {
  const secret = program.command('secret').description('the join secret of the swarm');
  const rotate = secret
    .command('rotate')
    .description('make a new join secret and epoch key for every member that stays')
    .option('--expel <HOSTS>', 'names or node ids, separated by commas, that are put out for good')
    .addHelpText('after', HELP);
  withKeyOptions(rotate).action(async (options: KeyOptions & { expel?: string }) => {
    const names = options.expel === undefined ? [] : parseList(options.expel, 'host name');
    await rotateSecret(rotate, options, names);
  });
  rotate.exitOverride();
}

/** First the expulsion, then the epoch: an expelled host is out before the new key is made known. */
async function rotateSecret(command: Command, options: KeyOptions, names: readonly string[]) {
  const socket = controlSocketOf(command);
  const desk = await openDesk(command, options);
  const known = await knownRecords(command);
  desk.checkSwarm(known.swarmId);
  const expelled: string[] = [];
  for (const name of names) expelled.push(await nodeIdOf(command, name));
  if (expelled.includes(known.self)) {
    throw new CliError(
      'this host can not expel itself',
      'run it on a host that stays, with --key FILE, or take this one out with `swarmplane leave`',
    );
  }
  const stay = known.members.filter((member) => !expelled.includes(member.nodeId));
  const entries = stay.map((member) => member.entry);
  const epoch = known.epoch + 1;
  const { token, record } = await desk.rotateSecret(epoch, entries);
  const file = StateFolder.existing(stateOf(command)).file(JOIN_TOKEN_FILE);
  keepToken(`${file}.new`, token);
  if (expelled.length > 0) {
    const list = desk.revoke(known.revocations ?? undefined, { expelled });
    await controlOnce(socket, { op: 'install', bytes: list.bytes });
  }
  await controlOnce(socket, { op: 'install', bytes: record });
  renameSync(`${file}.new`, file);
  const out = expelled.length === 0 ? '' : `; expelled: ${names.join(', ')}`;
  process.stderr.write(
    `swarmplane: epoch ${epoch} for ${stay.length} members${out}\njoin token:   ${file}, and here:\n`,
  );
  process.stdout.write(`${token}\n`);
}

/** Before anything is made known: a token that nobody has lets nobody in. */
function keepToken(file: string, token: string): void {
  try {
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
  } catch (error) {
    throw new CliError(`can not write ${JSON.stringify(file)}: ${(error as Error).message}`);
  }
}

const HELP = `
Members go over when they have the record; hosts that are away catch up within 30 days, or join anew. Older join tokens let nobody in any more.

Example:
  $ swarmplane secret rotate --expel web7 --key /media/usb/operator.key`;
