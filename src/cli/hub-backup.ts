/** `swarmplane hub backup` and `swarmplane hub restore`: of the database that `swarmplane hub` here works on. */
import type { Command } from 'commander';
import { CONFIG_FILE, createLog, loadConfig, StateFolder } from '../agent/index.ts';
import {
  backupDatabase,
  backupEmbedded,
  isEmbeddedUrl,
  redactUrl,
  restoreDatabase,
  restoreEmbedded,
  type BackedUp,
  type Restored,
} from '../hub/index.ts';
import { EXIT } from './errors.ts';
import { stateOf, storedDatabase } from './options.ts';
import { printable } from './text.ts';

export function registerHubBackup(hub: Command): void {
  const database = "the hub's database; default: what `swarmplane hub` here works on";
  hub
    .command('backup')
    .argument('<file>', 'where to write it; refused when it is there already')
    .description("write the hub's database to a file, while the hub runs or not")
    .option('--verify', 'restore it into a server of its own first, and compare every table')
    .option('--database <URL>', database)
    .addHelpText('after', BACKUP_HELP)
    .action((file: string, _options: unknown, command: Command) => runBackup(file, command));
  hub
    .command('restore')
    .argument('<file>', 'a file that `hub backup` wrote; its statements are run, so trust it')
    .description("put a backup into the hub's database; the hub must be stopped")
    .option('--replace', "in the place of a hub's data that is there, kept under another name")
    .option('--database <URL>', database)
    .addHelpText('after', RESTORE_HELP)
    .action((file: string, _options: unknown, command: Command) => runRestore(file, command));
}

interface Options {
  readonly database?: string;
  readonly verify?: boolean;
  readonly replace?: boolean;
}

async function runBackup(file: string, command: Command): Promise<void> {
  const options = command.optsWithGlobals<Options>();
  const { dataDir, url, state } = databaseHere(command, options);
  const verifyIn = options.verify === true ? { verifyIn: state.file('verify') } : {};
  const done =
    url === undefined
      ? await backupEmbedded({ dataDir, file, log, ...verifyIn })
      : await backupDatabase({ url, file, ...verifyIn });
  tellBackedUp(done, url);
}

function tellBackedUp({ file, tables, rows, leftOut, verified }: BackedUp, url?: string): void {
  for (const what of leftOut) warn(`not in the backup: ${what}`);
  if (verified !== undefined) {
    process.stdout.write('restored into a server of its own, the same number and hash of rows:\n');
    for (const table of verified.tables)
      process.stdout.write(`  ${table.name}: ${table.rows} rows, ${table.hash.slice(0, 16)}\n`);
    tellNotDone(verified.notDone);
  }
  process.stdout.write(`wrote ${file}: ${tables} tables, ${rows} rows of ${place(url)}\n`);
}

async function runRestore(file: string, command: Command): Promise<void> {
  const options = command.optsWithGlobals<Options>();
  const { dataDir, url } = databaseHere(command, options);
  const replace = options.replace === true;
  const done =
    url === undefined
      ? await restoreEmbedded({ dataDir, file, log, replace })
      : await restoreDatabase({ url, file, replace });
  tellRestored(done, url);
}

function tellRestored(done: Restored, url?: string): void {
  tellNotDone(done.notDone);
  if (done.formerDatabase !== undefined)
    process.stdout.write(`the database of before is kept as "${done.formerDatabase}"\n`);
  const { file, at, tables, rows } = done;
  process.stdout.write(
    `restored ${file} of ${at} into ${place(url)}: ${tables.length} tables, ${rows} rows\n`,
  );
}

function place(url: string | undefined): string {
  return url === undefined ? 'the embedded database' : redactUrl(url);
}

function tellNotDone(notDone: readonly string[]): void {
  for (const what of notDone) warn(`could not be restored: ${what}`);
  if (notDone.length > 0) process.exitCode = EXIT.incomplete;
}

function warn(text: string): void {
  process.stderr.write(`warning: ${printable(text)}\n`);
}

const log = createLog('warn', 'hub');

/** The same rule as `swarmplane hub`; a hub that was started with --database left its URL. */
function databaseHere(
  command: Command,
  { database }: Options,
): { state: StateFolder; dataDir: string; url: string | undefined } {
  const state = StateFolder.existing(stateOf(command));
  const dataDir = state.file('postgres');
  const given = database ?? configured(state) ?? process.env['DATABASE_URL'];
  if (given !== undefined) return { state, dataDir, url: given };
  const stored = storedDatabase(command);
  const external = stored !== undefined && !isEmbeddedUrl(stored);
  return { state, dataDir, url: external ? stored : undefined };
}

function configured(state: StateFolder): string | undefined {
  // A restore may come before the host joins its swarm.
  return state.readText(CONFIG_FILE) === undefined ? undefined : loadConfig(state).database;
}

const BACKUP_HELP = `
--verify makes an embedded PostgreSQL below the state folder and removes it again: it needs room for a second
copy of the database, and no right on the server. The file gets its name only when every table has there as many
rows, with the same hash, as in the moment of the backup.

Exit codes: 0, 1 nothing was written, 3 something beside the rows could not be restored where it was verified.

Example:
  $ swarmplane hub backup --verify /backup/fleet-2026-11-28.backup`;

const RESTORE_HELP = `
A database that holds a hub's data is left alone without --replace. While a restore is under way, and after one
that was killed, no hub starts on the database; run the same command again.

Exit codes: 0, 1 nothing was restored, 3 all rows are there, and the warnings say what is not.

Example:
  $ swarmplane hub restore --replace /backup/fleet-2026-11-28.backup`;
