/** The keys of the operator: several, so that one that is lost or stolen can be replaced. */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  addedBy,
  addKey,
  controlOnce,
  endedBy,
  isCounting,
  keyMeant,
  makeKey,
  OperatorDesk,
  placeOf,
  revokeAgain,
  revokeKey,
} from '../agent/index.ts';
import { CliError } from './errors.ts';
import { confirm, type YesOption } from './confirm.ts';
import {
  expelledOf,
  nameOf,
  signedAgain,
  tellEnded,
  tellNext,
  tellOut,
} from './operator-key-end.ts';
import type { Key, Keys } from './operator-key-end.ts';
import { knownRecords, openDesk, withKeyOptions } from './operator-desk.ts';
import type { KeyOptions } from './operator-desk.ts';
import { controlSocketOf, parseList, readSecretLine } from './options.ts';
import { json, table, timeText } from './text.ts';

export function registerKeys(operator: Command): void {
  const key = operator
    .command('key')
    .description('the keys of the operator: list, add, replace and revoke them')
    .addHelpText('after', HELP);
  registerList(key);
  registerAdd(key);
  registerReplace(key);
  registerRevoke(key);
  for (const command of key.commands) command.exitOverride();
}

function registerList(key: Command): void {
  const command = key
    .command('list')
    .description('list the keys of the operator, the most senior first, as this host knows them')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const keys = await controlOnce(controlSocketOf(command), { op: 'operator-keys' });
      if (options.json === true) {
        process.stdout.write(`${json(keys)}\n`);
        return;
      }
      const rows = keys.map((one): [string, string, string, string] => [
        one.id,
        one.name,
        one.revokedBy === null ? 'counts' : `revoked by ${short(one.revokedBy)}`,
        one.addedBy === null
          ? 'the first one'
          : `by ${short(one.addedBy)} on ${timeText(new Date(one.added! * 1000))}`,
      ]);
      process.stdout.write(table(['id', 'name', 'state', 'added'], rows));
    });
}

interface NewKeyOptions extends KeyOptions, YesOption {
  readonly name: string;
  readonly newPassphraseFile?: string;
}

function withNewKey(command: Command): Command {
  return withKeyOptions(command)
    .requiredOption(
      '--name <NAME>',
      'what it is called: up to 32 of a-z, 0-9, dot, dash, underscore',
    )
    .option('--new-passphrase-file <FILE>', 'seal the new key with the first line of FILE');
}

function registerAdd(key: Command): void {
  const command = key
    .command('add')
    .argument('<file>', 'where to write the new key; nothing must be there')
    .description('make a further key, junior to the one that signs it: it may do all that one may');
  withNewKey(command).action(async (file: string, options: NewKeyOptions) => {
    const desk = await openDesk(command, options);
    const keys = desk.checkKey(await knownRecords(command));
    const { key, text } = await makeKey(desk.key.swarmId, newPassphrase(options));
    const added = addKey(desk.key, keys, { key, name: options.name });
    writeNewKey(file, text);
    await handOver(command, [added.bytes], file);
    process.stdout.write(`added ${options.name}, ${key.id}, in ${file}\n`);
  });
}

interface RevokeOptions extends KeyOptions, YesOption {
  readonly keep?: string;
  readonly stolen?: boolean;
  readonly readmit?: string;
}

function withEnd(command: Command): Command {
  return command
    .option('--stolen', 'sign nothing of it again but revocation lists: its hubs are none any more')
    .option('--readmit <HOSTS>', 'ids of hosts that it has put out, and that are not out any more')
    .option('--yes', 'do not ask');
}

function registerRevoke(key: Command): void {
  const command = key
    .command('revoke')
    .argument('<key>', 'its whole id, or its name')
    .description('nothing that this key ever signed counts any more, at every host')
    .option('--keep <KEYS>', 'keys that it has added, and that count on, separated by commas');
  withKeyOptions(withEnd(command)).action(async (named: string, options: RevokeOptions) => {
    const desk = await openDesk(command, options);
    const known = await knownRecords(command);
    const keys = desk.checkAnswer(known);
    const meant = keyMeant(keys, named);
    if (meant.id === desk.key.id) {
      throw new CliError(
        'a key does not revoke itself: nothing that it signed would count, and nobody could sign it again',
        'replace it (`swarmplane operator key replace`), or revoke it with another key (--key FILE)',
      );
    }
    const stay = stayingOf(keys, meant, options);
    const revocation = revokeKey(desk.key, keys, meant.key, stay);
    const ended = endedBy(keys, revocation);
    // What a senior key has revoked stays so: its word of old counts for that, whatever a junior says.
    const isJunior = keys.keys.indexOf(meant) < keys.keys.findIndex(({ id }) => id === desk.key.id);
    const out = expelledOf(desk, known, ended, options);
    process.stderr.write(`${tellEnded(keys, { meant, ended, isJunior })}${tellOut(out)}`);
    await confirm('revoke?', options, 'look at that, then add --yes');
    const isStolen = options.stolen === true;
    const again = signedAgain(desk, desk, known, { ...out, isStolen });
    const still = isStolen || isJunior ? [] : revokeAgain(desk.key, keys, meant);
    const records = [...again, ...still.map(({ bytes }) => bytes)];
    // What stands in place of something goes before its end, unless the word that ends it brings the
    // key back that signs.
    const isBack = !isCounting(keys, desk.key);
    const word = revocation.bytes;
    await handOver(command, isBack ? [word, ...records] : [...records, word]);
    const others = ended.filter((one) => one !== meant);
    process.stdout.write(`revoked ${[meant, ...others].map(({ id }) => id).join(', ')}\n`);
    tellNext(known, ended);
  });
}

function registerReplace(key: Command): void {
  const command = key
    .command('replace')
    .argument('<key>', 'its whole id, or its name: the key that signs, or another one')
    .argument('<file>', 'where to write the new key; nothing must be there')
    .description('make a key that stands in the place of another one, which is revoked');
  withNewKey(withEnd(command)).action(
    async (named: string, file: string, options: NewKeyOptions & RevokeOptions) => {
      const desk = await openDesk(command, options);
      const known = await knownRecords(command);
      const before = desk.checkKey(known);
      const meant = keyMeant(before, named);
      const out = expelledOf(desk, known, [meant], options);
      process.stderr.write(
        `${meant.id} (${nameOf(meant)}) is replaced by a key in ${file}\n${tellOut(out)}`,
      );
      await confirm('replace?', options, 'look at that, then add --yes');
      const { key, text } = await makeKey(desk.key.swarmId, newPassphrase(options));
      const place = placeOf(desk.key, before, meant);
      const added = addKey(desk.key, before, { key, name: options.name }, place);
      writeNewKey(file, text);
      const keys = before.with(added)!;
      const stay = addedBy(keys, meant.key).map((one) => one.key);
      const revocation = revokeKey(desk.key, keys, meant.key, stay);
      const ended = endedBy(keys, revocation);
      // The key that signs may be the one that ends here; the new one is not.
      const next = await openNew(file, options);
      next.checkKey({ ...known, operators: keys.statements.map(({ bytes }) => bytes) });
      const isStolen = options.stolen === true;
      const gone = new Set(ended.map((one) => one.key));
      const again = signedAgain(desk, next, known, { ...out, ended: gone, isStolen });
      const still = isStolen ? [] : revokeAgain(next.key, keys, meant);
      const records = [...again, ...still.map(({ bytes }) => bytes)];
      await handOver(command, [added.bytes, ...records, revocation.bytes], file);
      process.stdout.write(`replaced ${meant.id} by ${options.name}, ${key.id}, in ${file}\n`);
      tellNext(known, ended);
    },
  );
}

/** It is on the disk before anybody hears of it. */
function writeNewKey(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    throw new CliError(`cannot write ${JSON.stringify(file)}: ${(error as Error).message}`);
  }
}

function newPassphrase({ newPassphraseFile: file }: NewKeyOptions): string | undefined {
  return file === undefined ? undefined : readSecretLine(file, 'passphrase');
}

function openNew(file: string, options: NewKeyOptions): Promise<OperatorDesk> {
  return OperatorDesk.open(file, newPassphrase(options));
}

function stayingOf(keys: Keys, meant: Key, { keep }: RevokeOptions): string[] {
  const added = addedBy(keys, meant.key);
  const named = (keep === undefined ? [] : parseList(keep, 'key')).map((one) => {
    const kept = keyMeant(keys, one);
    if (added.some(({ key }) => key === kept.key)) return kept.key;
    throw new CliError(
      `${kept.id} was not added by ${meant.id}`,
      'name keys that it has added, as `swarmplane operator key list` shows them',
    );
  });
  return named;
}

async function handOver(
  command: Command,
  records: readonly Uint8Array[],
  file?: string,
): Promise<void> {
  try {
    await controlOnce(controlSocketOf(command), { op: 'install', records: [...records] });
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    const where = file === undefined ? '' : `the key in ${file} was made, but `;
    throw new CliError(`${where}${message}`, hint);
  }
}

function short(id: string): string {
  return id.slice(0, 12);
}

const HELP = `
Keys stand in an order. A key may revoke those behind it for good. It may revoke one before it as well, which holds until a key before itself revokes it in turn: so keep the first key on paper only (\`swarmplane operator words\`), and use one that it has added.

Examples:
  $ swarmplane operator key add daily.key --name daily
  $ swarmplane operator key list
  $ swarmplane operator key revoke daily --stolen --key first.key
  $ swarmplane operator key replace daily daily2.key --name daily2 --key daily.key`;
