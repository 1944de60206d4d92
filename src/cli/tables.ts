import type { Command } from 'commander';
import { allTables, findTable, type HostTable } from '../tables/index.ts';
import { CliError } from './errors.ts';
import { json, table } from './text.ts';

export function registerTables(program: Command): void {
  program
    .command('tables')
    .argument('[name]', 'show the columns of this table')
    .description('list the tables a host can answer from')
    .option('--json', 'print JSON')
    .action((name: string | undefined, options: { json?: boolean }) => {
      process.stdout.write(
        name === undefined ? listing(options.json) : columns(name, options.json),
      );
    });
}

function listing(asJson = false): string {
  const sorted = [...allTables].sort((a, b) => (a.name < b.name ? -1 : 1));
  if (asJson) return `${json(sorted.map(plain))}\n`;
  const rows = sorted.map((t) => [t.name, t.description, t.sensitive ? 'sensitive' : '']);
  return table(['table', 'what it holds', ''], rows);
}

function columns(name: string, asJson = false): string {
  const found = findTable(name);
  if (found === undefined) {
    throw new CliError(
      `there is no table ${JSON.stringify(name)}`,
      'see `swarmplane tables` for the names',
    );
  }
  if (asJson) return `${json(plain(found))}\n`;
  const rows = found.columns.map((column) => [
    column.name,
    column.type,
    [column.required && 'required', column.hidden && 'hidden', column.load && 'load']
      .filter(Boolean)
      .join(', '),
    column.doc,
  ]);
  return `${found.name}: ${found.description}\n\n${table(['column', 'type', '', 'meaning'], rows)}`;
}

/** The declaration without its code. */
function plain(t: HostTable): object {
  return Object.fromEntries(Object.entries(t).filter(([, value]) => typeof value !== 'function'));
}
