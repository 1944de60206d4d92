import type { Command } from 'commander';
import type { Account } from '../agent/client.ts';
import { askAgent, type Answer } from '../agent/client.ts';
import { toldOnce } from './account.ts';
import { CliError, EXIT } from './errors.ts';
import { controlSocketOf, parseDuration, parseList } from './options.ts';
import { parsePack, readPackFile, type Pack, type PackEntry } from './pack-file.ts';
import { registerPackImport } from './pack-import.ts';
import { json, printable, table } from './text.ts';

interface PackOptions {
  readonly hosts?: string;
  readonly timeout: string;
  readonly json?: boolean;
}

export function registerPack(program: Command): void {
  const pack = program.command('pack').description('run query packs, import their policies');
  registerPackImport(pack);
  const command = pack
    .command('run')
    .argument('<file>', 'an osquery pack, or Fleet YAML of queries and policies')
    .description('run what fits this platform, report per query and per policy')
    .option('--hosts <a,b>', 'only these hosts (names or node ids)')
    .option('--timeout <TIME>', 'how long to wait for each query, as 500ms, 30s or 2m', '30s')
    .option('--json', 'print everything, rows included, as JSON')
    .addHelpText('after', HELP)
    .action(async (file: string, options: PackOptions) => {
      process.exitCode = await runPack(controlSocketOf(command), file, options);
    });
}

/** Exit code when a policy failed on some host; the rest as `query`. */
const EXIT_POLICY_FAILED = 4;

/** What one query of the pack came to. */
interface Result {
  readonly entry: PackEntry;
  /** Undefined where the query was not asked; `problem` says why then. */
  readonly account?: Account;
  readonly answers: readonly Answer[];
  readonly problem?: string;
}

async function runPack(socketPath: string, file: string, options: PackOptions): Promise<number> {
  const pack = parsePack(readPackFile(file), file);
  const ask = { timeoutMs: parseDuration(options.timeout), hosts: hostsOf(options) };
  const hosts = await discover(socketPath, pack, ask);
  const results: Result[] = [];
  for (const entry of pack.entries) {
    const result = await run(socketPath, entry, { ...ask, hosts });
    results.push(result);
    if (!options.json && result.problem === undefined) process.stderr.write('.');
  }
  if (!options.json) process.stderr.write('\n');
  process.stdout.write(options.json ? `${json(results.map(plain))}\n` : report(results));
  return exitCode(results);
}

interface Ask {
  readonly timeoutMs: number;
  readonly hosts: readonly string[] | undefined;
}

/** Hosts on which every discovery query gives a row; undefined for all. */
async function discover(
  socketPath: string,
  pack: Pack,
  ask: Ask,
): Promise<readonly string[] | undefined> {
  let hosts = ask.hosts;
  for (const sql of pack.discovery) {
    const found: string[] = [];
    await askAgent(socketPath, question(sql, { ...ask, hosts }), ({ host, rows }) => {
      if (rows.length > 0) found.push(host);
    });
    if (found.length === 0) {
      throw new CliError(
        `no host is discovered by ${JSON.stringify(sql)}`,
        'the pack is for other hosts',
      );
    }
    hosts = found;
  }
  return hosts;
}

/** A query that is refused ends itself, not the pack. */
async function run(socketPath: string, entry: PackEntry, ask: Ask): Promise<Result> {
  const answers: Answer[] = [];
  if (entry.skipped !== undefined) return { entry, answers, problem: `skipped: ${entry.skipped}` };
  try {
    const account = await askAgent(
      socketPath,
      question(entry.sql, ask),
      (answer) => void answers.push(answer),
    );
    return { entry, account, answers };
  } catch (error) {
    if ((error as { code?: string }).code === 'not_running') throw error;
    return { entry, answers, problem: (error as Error).message };
  }
}

function question(sql: string, { timeoutMs, hosts }: Ask): Parameters<typeof askAgent>[1] {
  return { sql, timeoutMs, ...(hosts === undefined ? {} : { hosts }) };
}

function report(results: readonly Result[]): string {
  const queries = results.filter(({ entry }) => !entry.policy);
  const policies = results.filter(({ entry }) => entry.policy);
  const parts: string[] = [];
  if (queries.length > 0)
    parts.push(table(['query', 'ok', 'rows', 'not ok'], queries.map(queryRow)));
  if (policies.length > 0)
    parts.push(table(['policy', 'pass', 'fail', 'unknown'], policies.map(policyRow)));
  return parts.join('\n');
}

function queryRow({ entry, account, answers, problem }: Result): (string | number)[] {
  const hosts = account?.hosts ?? [];
  const rows = answers.reduce((sum, answer) => sum + answer.rows.length, 0);
  const bad = hosts.filter((host) => host.state !== 'ok');
  const said =
    problem ??
    toldOnce(bad.map(({ name, message, state }) => ({ host: name, text: message ?? state }))).join(
      '; ',
    );
  return [entry.name, hosts.length - bad.length, rows, printable(said)];
}

function policyRow(result: Result): (string | number)[] {
  const { pass, fail, unknown } = verdicts(result);
  const named = (hosts: readonly string[]) =>
    hosts.length === 0 ? '0' : `${hosts.length} (${hosts.join(', ')})`;
  return [result.entry.name, pass.length, named(fail), result.problem ?? named(unknown)];
}

function verdicts({ account, answers }: Result): Record<'pass' | 'fail' | 'unknown', string[]> {
  const counts = new Map(answers.map((answer) => [answer.host, answer.rows.length]));
  const out = { pass: [] as string[], fail: [] as string[], unknown: [] as string[] };
  for (const host of account?.hosts ?? []) {
    if (host.state !== 'ok') out.unknown.push(host.name);
    else if ((counts.get(host.name) ?? 0) > 0) out.pass.push(host.name);
    else out.fail.push(host.name);
  }
  return out;
}

function plain(result: Result): object {
  const { entry, account, answers, problem } = result;
  const rows = answers.flatMap((answer) =>
    answer.rows.map((row) => Object.fromEntries(answer.columns.map((name, i) => [name, row[i]]))),
  );
  return {
    ...entry,
    problem,
    hosts: account?.hosts,
    rows,
    ...(entry.policy ? verdicts(result) : {}),
  };
}

function exitCode(results: readonly Result[]): number {
  const asked = results.filter(({ entry }) => entry.skipped === undefined);
  const whole = asked.every(({ account }) =>
    account?.hosts.every((host) => host.state === 'ok' && !host.truncated),
  );
  if (!whole) return EXIT.incomplete;
  const failed = asked.some((result) => result.entry.policy && verdicts(result).fail.length > 0);
  return failed ? EXIT_POLICY_FAILED : EXIT.ok;
}

function hostsOf(options: PackOptions): readonly string[] | undefined {
  return options.hosts === undefined ? undefined : parseList(options.hosts, 'host name');
}

const HELP = `
A policy passes on a host where its query gives at least one row.

Exit codes:
  0   every query ran on every host, every policy passed
  1   nothing was asked
  3   some query failed, or some host did not answer
  4   some policy failed on some host

Example:
  $ swarmplane pack run incident-response.conf`;
