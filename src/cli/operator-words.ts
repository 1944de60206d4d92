/** The operator key on paper: what is left when its file is lost. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { CliError } from './errors.ts';
import { readSecretLine } from './options.ts';
import type { KeyOptions } from './operator.ts';

export function registerWords(operator: Command): void {
  registerPrint(operator);
  registerRecover(operator);
}

function registerPrint(operator: Command): void {
  operator
    .command('words')
    .description('print the operator key as 18 words for paper: whoever reads them has the swarm')
    .option('--key <FILE>', 'the operator key (default: operator.key in the state folder)')
    .option('--passphrase-file <FILE>', 'the passphrase of the key is the first line of FILE')
    .action(async (options: KeyOptions, command: Command) => {
      const { openDesk } = await import('./operator.ts');
      const desk = await openDesk(command, options);
      process.stdout.write(`${desk.key.toWords()}\n`);
      appendFileSync(`${desk.file}${PRINTED}`, `${new Date().toISOString()}\n`, { mode: 0o600 });
      process.stderr.write(
        'keep them offline, and never in a file of a host; `swarmplane operator recover FILE` makes the key of them\n',
      );
    });
}

interface RecoverOptions {
  readonly wordsFile: string;
  readonly passphraseFile?: string;
}

function registerRecover(operator: Command): void {
  operator
    .command('recover')
    .argument('<file>', 'where to write the key; nothing must be there')
    .description('make the operator key anew of its words')
    .requiredOption('--words-file <FILE>', 'the words; `-` is standard input')
    .option('--passphrase-file <FILE>', 'seal the key with the first line of FILE')
    .action(async (file: string, { wordsFile, passphraseFile }: RecoverOptions) => {
      const passphrase =
        passphraseFile === undefined
          ? {}
          : { passphrase: readSecretLine(passphraseFile, 'passphrase') };
      const words = readFileSync(wordsFile === '-' ? 0 : wordsFile, 'utf8');
      const { recoverKey } = await import('../agent/index.ts');
      const { text, swarmId } = await recoverKey(words, passphrase);
      try {
        writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
      } catch (error) {
        throw new CliError(`cannot write ${JSON.stringify(file)}: ${(error as Error).message}`);
      }
      process.stdout.write(`wrote ${file}, the operator key of swarm ${swarmId}\n`);
    });
}

/** What `status` says of a key that lies in the state folder; undefined where none does. */
export function operatorKeyHere(state: string): string | undefined {
  const file = join(state, 'operator.key');
  if (!existsSync(file)) return undefined;
  const lies = 'lies in the state folder of this host: keep it offline';
  if (!existsSync(`${file}${PRINTED}`)) {
    return `${lies}; no copy is known, print it with \`swarmplane operator words\``;
  }
  const dates = readFileSync(`${file}${PRINTED}`, 'utf8').trim().split('\n');
  return `${lies}; its words were printed on ${dates.at(-1)!.slice(0, 10)}`;
}

const PRINTED = '.printed';
