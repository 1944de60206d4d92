/** What several commands read from the command line in one way. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { CONTROL_SOCKET, DEFAULT_PORT, defaultStateFolder, StateFolder } from '../agent/client.ts';
import { hostNameFrom } from '../agent/client.ts';
import { CliError, EXIT } from './errors.ts';

/** File in a hub's state folder: the URL with its password, for `swarmplane sql` and its like. */
export const PSQL_URL_FILE = 'psql-url';
/** The password alone, for psql: what the URL that `status` shows names. */
export const PASSWORD_FILE = 'pgpass';

/** The state folder of the agent a command talks to or starts. */
export function stateOf(command: Command): string {
  return command.optsWithGlobals<{ state?: string }>().state ?? defaultStateFolder();
}

/** A command to type next for the same state folder: with `--state` where this one was given it. */
export function commandHere(command: Command, rest: string): string {
  const { state } = command.optsWithGlobals<{ state?: string }>();
  if (state === undefined) return `swarmplane ${rest}`;
  return `swarmplane --state ${/^[\w./-]+$/.test(state) ? state : JSON.stringify(state)} ${rest}`;
}

export function controlSocketOf(command: Command): string {
  return StateFolder.existing(stateOf(command)).file(CONTROL_SOCKET);
}

/** The URL that a hub of this state folder left for people; undefined where there was none. */
export function storedDatabase(command: Command): string | undefined {
  return StateFolder.existing(stateOf(command)).readText(PSQL_URL_FILE)?.trim();
}

/** The database a command works on: as named, else that of the hub here. @throws CliError */
export function databaseOf(command: Command, given: string | undefined): string {
  const url = given ?? storedDatabase(command);
  if (url !== undefined) return url;
  throw new CliError(
    `${JSON.stringify(stateOf(command))} has no hub`,
    "run this where `swarmplane hub` runs, name the hub's state folder with --state DIR, or give --database URL",
  );
}

/** As `databaseOf`, with the hub's own rights where the server is the embedded one here. */
export async function hubDatabaseOf(command: Command, given: string | undefined): Promise<string> {
  const url = databaseOf(command, given);
  const { hubUrlBehind } = await import('../hub/index.ts');
  return (await hubUrlBehind(StateFolder.existing(stateOf(command)).file('postgres'), url)) ?? url;
}

export interface HostOptions {
  readonly name: string;
  readonly listen: string;
}

/** --name and --listen, for the commands that write a configuration. */
export function withHostOptions(command: Command): Command {
  return command
    .option('--name <NAME>', 'what other hosts call this one', hostNameFrom(hostname()))
    .option('--listen <HOST:PORT>', 'where this node listens', `0.0.0.0:${DEFAULT_PORT}`);
}

/** `500ms`, `30s`, `2m`, or seconds without a unit. @throws CliError quoting the text */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  const ms = match === null ? Number.NaN : Math.round(Number(match[1]) * units[match[2] ?? 's']!);
  if (!Number.isSafeInteger(ms) || ms < 1) {
    throw new CliError(
      `${JSON.stringify(text)} is no duration`,
      'write it as 500ms, 30s or 2m',
      EXIT.usage,
    );
  }
  return ms;
}

/** `a,b` or repeated options; empty names are mistakes, never "all". @throws CliError */
export function parseList(text: string, what: string): string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.some((item) => item === '')) {
    throw new CliError(
      `${JSON.stringify(text)} has an empty ${what} in it`,
      `write it as a,b`,
      EXIT.usage,
    );
  }
  return items;
}

/**
 * The join token from a file, standard input, or a prompt; never from the command line, which
 * every user of the machine can read in the process list.
 */
export async function readToken(file: string | undefined): Promise<string> {
  if (file !== undefined) return readTokenFile(file);
  if (!process.stdin.isTTY) {
    const text = readFileSync(0, 'utf8').trim();
    if (text !== '') return text;
    throw new CliError(
      'no join token on standard input',
      'pipe it in, or name its file with --token-file FILE',
    );
  }
  return askSecret('join token: ');
}

/** A line from the terminal that is not shown on it: who looks over the shoulder shall not join. */
async function askSecret(question: string): Promise<string> {
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  // It switches the echo off: whoever pastes as soon as the question stands there is not shown.
  const terminal = createInterface({ input: process.stdin, output, terminal: true });
  process.stderr.write(question);
  try {
    return (await terminal.question('')).trim();
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}

function readTokenFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    refuseToken(file, '--token-file');
    throw new CliError(
      `cannot read the join token from ${JSON.stringify(file)}: ${(error as Error).message}`,
      '`swarmplane token new` prints one; keep it in a file of mode 0600',
    );
  }
}

/** A token in the place of something else is not repeated: it is as secret as a root password. @throws CliError */
export function refuseToken(text: string, option: string): void {
  if (!/^\s*swp\d+-/i.test(text)) return;
  throw new CliError(
    `what ${option} was given is a join token, and others can read it on the command line`,
    'use --join HOST:PORT with --token-file FILE, standard input or the prompt; `swarmplane token end` ends this one, `swarmplane token new` makes another',
    EXIT.usage,
  );
}

/** The secret of a file's first line, for passphrases. */
export function readSecretLine(file: string, what: string): string {
  try {
    const line = readFileSync(file, 'utf8').split(/\r?\n/)[0]!;
    if (line !== '') return line;
  } catch (error) {
    throw new CliError(
      `cannot read the ${what} from ${JSON.stringify(file)}: ${(error as Error).message}`,
    );
  }
  throw new CliError(
    `the first line of ${JSON.stringify(file)} is empty`,
    `write the ${what} there`,
  );
}
