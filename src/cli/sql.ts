import type { Command } from 'commander';
import { runSql } from '../hub/index.ts';
import { printableLines } from '../agent/client.ts';
import { databaseOf } from './options.ts';
import { csvLine, json, table } from './text.ts';

export function registerSql(program: Command): void {
  const command = program
    .command('sql')
    .argument('<statement>', 'SQL for the hub database, as psql takes it')
    .description("run SQL on the hub's PostgreSQL, where no psql is installed")
    .option('--database <URL>', 'the database; default: that of the hub of this state folder')
    .option('--json', 'print JSON')
    .option('--csv', 'print CSV')
    .action(
      async (statement: string, options: { database?: string; json?: boolean; csv?: boolean }) => {
        const url = databaseOf(command, options.database);
        for (const result of await runSql(url, statement, (notice) =>
          process.stderr.write(`${printableLines(notice)}\n`),
        )) {
          process.stdout.write(render(result, options));
        }
      },
    );
}

interface SqlResult {
  readonly command: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

function render(result: SqlResult, options: { json?: boolean; csv?: boolean }): string {
  const { columns, rows } = result;
  if (columns.length === 0) return options.json || options.csv ? '' : `${result.command}\n`;
  if (options.csv) return csvLine(columns) + rows.map(csvLine).join('');
  if (options.json) {
    const objects = rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
    return `${json(objects)}\n`;
  }
  return `${table(columns, rows)}(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})\n`;
}
