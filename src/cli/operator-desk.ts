/** The operator key as commands are given it, and what a record that it signs must fit. */
import type { Command } from 'commander';
import {
  controlOnce,
  OPERATOR_KEY_FILE,
  OperatorDesk,
  StateFolder,
  type ResultOf,
} from '../agent/index.ts';
import { controlSocketOf, readSecretLine, stateOf } from './options.ts';

export interface KeyOptions {
  readonly key?: string;
  readonly passphraseFile?: string;
}

export function withKeyOptions(command: Command): Command {
  return command
    .option('--key <FILE>', 'the operator key (default: operator.key in the state folder)')
    .option('--passphrase-file <FILE>', 'the passphrase of the key is the first line of FILE');
}

/** @throws AgentError `operator_key` */
export function openDesk(command: Command, options: KeyOptions): Promise<OperatorDesk> {
  const inState = StateFolder.existing(stateOf(command)).file(OPERATOR_KEY_FILE);
  const { passphraseFile } = options;
  const passphrase =
    passphraseFile === undefined ? undefined : readSecretLine(passphraseFile, 'passphrase');
  return OperatorDesk.open(options.key ?? inState, passphrase);
}

/** The pages of `records` in one. */
export type KnownRecords = Omit<ResultOf<'records'>, 'next'>;

/** In pages: ten thousand hosts are more than one answer holds. */
export async function knownRecords(command: Command): Promise<KnownRecords> {
  const ask = (after?: string) =>
    controlOnce(controlSocketOf(command), { op: 'records', ...(after !== undefined && { after }) });
  const first = await ask();
  const members = [...first.members];
  for (let next = first.next; next !== null;) {
    const page = await ask(next);
    members.push(...page.members);
    next = page.next;
  }
  return { ...first, members };
}
