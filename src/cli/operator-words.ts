/** The operator key on paper: what is left when its file is lost. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { recoverKey } from '../agent/index.ts';
import { CliError, EXIT } from './errors.ts';
import { openDesk, withKeyOptions, type KeyOptions } from './operator-desk.ts';
import { markPrinted } from './operator-key-mark.ts';
import { readSecretLine } from './options.ts';

export function registerWords(operator: Command): void {
  registerPrint(operator);
  registerRecover(operator);
}

function registerPrint(operator: Command): void {
  const command = operator
    .command('words')
    .description('print the operator key as 18 words for paper: whoever reads them has the swarm');
  withKeyOptions(command).action(async (options: KeyOptions, command: Command) => {
    const desk = await openDesk(command, options);
    process.stdout.write(`${desk.key.toWords()}\n`);
    process.stderr.write(
      'keep them offline, and never in a file of a host; `swarmplane operator recover FILE` makes the key of them\n',
    );
    noteMark(desk.file);
  });
}

/** The words are out, which was what was asked for: a key on read-only media is where it should be. */
function noteMark(keyFile: string): void {
  const problem = markPrinted(keyFile);
  if (problem === undefined) return;
  process.stderr.write(
    `the words were printed, but that cannot be noted beside the key (${problem}): \`swarmplane status\` does not know of this copy\n`,
  );
}

interface RecoverOptions {
  readonly wordsFile: string;
  readonly passphraseFile?: string;
  readonly swarm?: string;
}

function registerRecover(operator: Command): void {
  operator
    .command('recover')
    .argument('<file>', 'where to write the key; nothing must be there')
    .description('make the operator key anew of its words')
    .requiredOption('--words-file <FILE>', 'the words; `-` is standard input')
    .option('--passphrase-file <FILE>', 'seal the key with the first line of FILE')
    .option('--swarm <ID>', 'the id of the swarm, for the words of a key that was added')
    .action(async (file: string, { wordsFile, passphraseFile, swarm }: RecoverOptions) => {
      if (swarm !== undefined && !/^[0-9a-f]{64}$/.test(swarm)) {
        throw new CliError(
          `--swarm ${JSON.stringify(swarm)} is no id of a swarm`,
          'it has 64 hex digits, and is that of the first key in `swarmplane operator key list`',
          EXIT.usage,
        );
      }
      const passphrase =
        passphraseFile === undefined
          ? {}
          : { passphrase: readSecretLine(passphraseFile, 'passphrase') };
      const words = readFileSync(wordsFile === '-' ? 0 : wordsFile, 'utf8');
      const of = swarm === undefined ? {} : { swarmId: new Uint8Array(Buffer.from(swarm, 'hex')) };
      const { text, swarmId, id } = await recoverKey(words, { ...passphrase, ...of });
      try {
        writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
      } catch (error) {
        throw new CliError(`cannot write ${JSON.stringify(file)}: ${(error as Error).message}`);
      }
      process.stdout.write(
        id === swarmId
          ? `wrote ${file}, the operator key of swarm ${swarmId}\n`
          : `wrote ${file}, the operator key ${id} of swarm ${swarmId}\n`,
      );
    });
}
