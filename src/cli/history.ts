/** `swarmplane history`: what a table of a host was, what changed in it, and whether it is what the host said. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { findHistory, readAsOf, readChanges, type Change, type HistoryOf } from '../hub/index.ts';
import { CliError, EXIT } from './errors.ts';
import { registerVerify } from './history-verify.ts';
import { withDatabase, type Database } from './history-database.ts';
import { parseDuration } from './options.ts';
import { json, printable, table, timeText } from './text.ts';

interface HistoryOptions {
  readonly database?: string;
  readonly since?: string;
  readonly at?: string;
  readonly follow?: boolean;
  readonly json?: boolean;
}

export function registerHistory(program: Command): void {
  const command = program
    .command('history')
    .argument('<host>', 'name or node id of a host')
    .argument('<table>', 'a tracked table')
    .description('show what changed in a tracked table of a host, or its rows at an instant')
    .option('--since <TIME>', 'changes after this time, or of the last so long (30m, 24h)', '168h')
    .option('--at <TIME>', 'the rows as they were then, not the changes')
    .option('--follow', 'go on showing changes as they come in')
    .option('--json', 'print JSON: one change or row a line')
    .option('--database <URL>', 'the database; default: that of the hub of this state folder')
    .addHelpText('after', HELP)
    .action((host: string, name: string, options: HistoryOptions) =>
      withDatabase(command, options, (pool) => show(pool, host, name, options)),
    );
  registerVerify(command);
  command
    .command('compact')
    .description('drop takings that only repeat both of their neighbours')
    .option('--database <URL>', 'the database; default: that of the hub of this state folder')
    .action(async (_options: unknown, compact: Command) => {
      await withDatabase(compact, compact.optsWithGlobals(), async (pool) => {
        const { rows } = await pool.query<{ n: number }>(
          'select swarmplane.compact_history() as n',
        );
        process.stdout.write(`dropped ${rows[0]!.n} takings that repeat their neighbours\n`);
      });
    });
  for (const sub of command.commands) sub.exitOverride();
}

async function show(
  pool: Database,
  host: string,
  name: string,
  options: HistoryOptions,
): Promise<void> {
  const of = await findHistory(pool, host, name);
  const at = options.at === undefined ? undefined : timeOf(options.at);
  for (const line of unknown(of, at)) process.stderr.write(`${line}\n`);
  if (at !== undefined) return showRows(pool, of, at, options);
  let since = timeOf(options.since!);
  for (;;) {
    const { changes, next } = await readChanges(pool, of, since);
    process.stdout.write(
      options.json ? changes.map((one) => `${json(one)}\n`).join('') : said(changes),
    );
    since = next;
    if (options.follow !== true) break;
    await sleep(FOLLOW_MS);
  }
  if (of.seenAt !== undefined) process.stderr.write(`seen last at ${timeText(of.seenAt)}\n`);
}

/** What no rows must not be taken for: that the host had none. */
function unknown({ host, table, seenAt, firstAt, missing }: HistoryOf, at?: string): string[] {
  const name = printable(host);
  const why =
    missing === undefined ? [] : [`${name} could not take ${table} last: ${printable(missing)}`];
  if (seenAt === undefined) return [`${name} has not handed over ${table} yet`];
  if (firstAt === undefined) return [`nothing is known of ${table} on ${name}`, ...why];
  if (at === undefined || new Date(at) >= firstAt) return why;
  return [`nothing is known of ${table} on ${name} before ${timeText(firstAt)}`];
}

async function showRows(
  pool: Database,
  of: HistoryOf,
  at: string,
  options: HistoryOptions,
): Promise<void> {
  const { columns, rows } = await readAsOf(pool, of, at);
  if (!options.json) return void process.stdout.write(table(columns, rows));
  for (const row of rows) {
    const named = Object.fromEntries(columns.map((column, n) => [column, row[n] ?? null]));
    process.stdout.write(`${json(named)}\n`);
  }
}

const FOLLOW_MS = 2_000;

/** As PostgreSQL takes it. @throws CliError */
function timeOf(text: string): string {
  if (/^\d+(\.\d+)?(ms|s|m|h)$/.test(text.trim()))
    return new Date(Date.now() - parseDuration(text)).toISOString();
  const at = new Date(/\d$/.test(text) && /T|:/.test(text) ? `${text}Z` : text);
  if (Number.isFinite(at.getTime())) return at.toISOString();
  throw new CliError(
    `${JSON.stringify(text)} is no time`,
    'write it as 2026-11-01, 2026-11-01T08:30 (UTC), or 24h for the last day',
    EXIT.usage,
  );
}

/** Changes as a diff, one heading for each time. */
function said(changes: readonly Change[]): string {
  let heading = '';
  return changes
    .map((one) => {
      const time = timeText(one.at);
      const head = time === heading ? '' : `${time}\n`;
      heading = time;
      return head + changeLine(one);
    })
    .join('');
}

function changeLine({ change, key, before, after }: Change): string {
  const named = Object.values(key).map(value).join(' ');
  if (change === 'changed') {
    const fields = Object.keys({ ...before, ...after })
      .filter((name) => value(before![name]) !== value(after![name]))
      .map((name) => `${printable(name)}: ${value(before![name])} -> ${value(after![name])}`);
    return `  ~ ${named}  ${fields.join(', ')}\n`;
  }
  const row = (change === 'removed' ? before : after)!;
  const others = Object.entries(row).filter(
    ([name, one]) => !(name in key) && one !== null && one !== '',
  );
  const fields = others.map(([name, one]) => `${printable(name)}: ${value(one)}`).join(', ');
  const sign = { first: '=', added: '+', removed: '-' }[change];
  return `  ${sign} ${[named, fields].filter((part) => part !== '').join('  ')}\n`;
}

function value(of: unknown): string {
  if (of === null || of === undefined) return 'null';
  return printable(typeof of === 'object' ? JSON.stringify(of) : String(of));
}

const HELP = `
Signs: = there at the first taking, + added, - removed, ~ changed. Times are UTC, as the host's clock said.

Example:
  $ swarmplane history web1 deb_packages --since 24h
  $ swarmplane history web1 deb_packages --at 2026-11-01`;
