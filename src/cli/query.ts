import type { Command } from 'commander';
import { controlOnce, type Account } from '../agent/client.ts';
import { reduce, type Explanation } from '../query/index.ts';
import { accountLine, isComplete, problemLines, toldOnce } from './account.ts';
import { askAgent, type Answer } from '../agent/client.ts';
import { CliError, EXIT } from './errors.ts';
import { controlSocketOf, parseDuration, parseList } from './options.ts';
import { RowPrinter, type Format } from './row-printer.ts';
import { explain } from './explain.ts';

interface QueryOptions {
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly hosts?: string;
  readonly reduce?: string;
  readonly timeout: string;
  readonly explain?: boolean;
}

export function registerQuery(program: Command): void {
  const command = program
    .command('query')
    .argument('<sql>', 'a select over host tables; see `swarmplane tables`')
    .description('ask every host at once, print the rows and the account of every host')
    .option('--hosts <a,b>', 'only these hosts (names or node ids)')
    .option('--reduce <SQL>', 'run SQL over all rows, in the table answers, and print its result')
    .option('--timeout <TIME>', 'how long to wait, as 500ms, 30s or 2m', '30s')
    .option('--json', 'print one JSON array of objects; the account goes to standard error')
    .option('--csv', 'print CSV; the account goes to standard error')
    .option('--explain', 'do not ask; show which tables and constraints a host will use')
    .addHelpText('after', HELP)
    .action(async (sql: string, options: QueryOptions) => {
      if (options.json && options.csv) {
        throw new CliError('--json and --csv exclude each other', 'choose one of them', EXIT.usage);
      }
      process.exitCode = options.explain
        ? await explain(controlSocketOf(command), sql)
        : await query(controlSocketOf(command), sql, options);
    });
}

async function query(socketPath: string, sql: string, options: QueryOptions): Promise<number> {
  const format: Format = options.json ? 'json' : options.csv ? 'csv' : 'table';
  const printer = new RowPrinter(format, (text) => void process.stdout.write(text));
  const collected: Answer[] = [];
  const warnings: Warning[] = [];
  const question = {
    sql,
    timeoutMs: parseDuration(options.timeout),
    ...(options.hosts === undefined ? {} : { hosts: parseList(options.hosts, 'host name') }),
  };
  // In which order versions stand the tables say, and not the answers.
  const versions = options.reduce === undefined ? {} : await versionsOf(socketPath, sql);
  const account = await askAgent(socketPath, question, (answer) => {
    warnings.push(...answer.warnings.map((text) => ({ host: answer.host, text })));
    if (options.reduce === undefined) printer.add(answer.columns, answer.rows);
    else collected.push(answer);
  });
  if (options.reduce !== undefined)
    await printReduced(options.reduce, collected, versions, printer);
  printer.end();
  return report(account, warnings, format);
}

async function versionsOf(socketPath: string, sql: string): Promise<Explanation['versions']> {
  const explanation = await controlOnce(socketPath, { op: 'explain', sql });
  return explanation.versions;
}

type Warning = { readonly host: string; readonly text: string };

async function printReduced(
  sql: string,
  answers: readonly Answer[],
  versions: Explanation['versions'],
  printer: RowPrinter,
): Promise<void> {
  const found = [...new Set(answers.flatMap((answer) => answer.columns))];
  const columns = found.length === 0 ? ['host'] : found;
  const rows = answers.flatMap((answer) => {
    const at = columns.map((column) => answer.columns.indexOf(column));
    return answer.rows.map((row) => at.map((i) => (i < 0 ? null : row[i]!)));
  });
  const result = await reduce(sql, { columns, rows, versions });
  printer.add(result.columns, result.rows);
}

/** The account goes with the table, or to standard error where the rows are for a program. */
function report(account: Account, warnings: readonly Warning[], format: Format): number {
  for (const line of [...toldOnce(warnings), ...problemLines(account)]) {
    process.stderr.write(`${line}\n`);
  }
  const out = format === 'table' ? process.stdout : process.stderr;
  out.write(`${accountLine(account)}\n`);
  return isComplete(account) ? EXIT.ok : EXIT.incomplete;
}

const HELP = `
Exit codes:
  0   every host answered, whole
  1   nothing was asked: no agent, or the SQL was refused
  3   answers came, but not from every host, or not whole; the account names them
  64  the command line is wrong

Example:
  $ swarmplane query "select name, version from deb_packages where name = 'openssl'"
  $ swarmplane query 'select version from os_version' --reduce \\
      'select version, count(*) as hosts from answers group by version'`;
