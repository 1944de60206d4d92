/** SQL on the hub's database for `swarmplane sql`, where no psql is installed. */
import type pg from 'pg';
import { Client } from './client.ts';
import { explainFailure, connectionString } from './database.ts';
import { HubError, messageOf } from '../errors.ts';
import { splitStatements, type Statement } from './sql-split.ts';

export interface SqlResult {
  /** What the server says it did: SELECT 3, INSERT 0 1, CALL. */
  readonly command: string;
  /** Empty where the statement returns no rows. */
  readonly columns: readonly string[];
  /** Values as text, as the server writes them. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/**
 * Runs the statements one after the other on one connection, each in its own transaction unless the
 * text says `begin`; stops at the first that fails.
 * @param onNotice gets what the server tells besides, `NOTICE: ...`
 * @throws HubError sql_failed (with line, caret, detail and hint of the server), or connect()'s
 */
export async function runSql(
  url: string,
  text: string,
  onNotice: (notice: string) => void = () => undefined,
): Promise<SqlResult[]> {
  const client = new Client({
    connectionString: connectionString(url),
    application_name: 'swarmplane sql',
    use: 'shell',
    connectionTimeoutMillis: 10_000,
    types: { getTypeParser: () => asText },
  });
  client.on('error', () => undefined);
  client.on('notice', (notice) => onNotice(`${notice.severity ?? 'NOTICE'}: ${notice.message}`));
  await client.connect().catch((error: unknown) => {
    throw explainFailure(error, url);
  });
  try {
    const results: SqlResult[] = [];
    for (const statement of splitStatements(text))
      results.push(await runOne(client, statement, text));
    return results;
  } finally {
    await client.end();
  }
}

async function runOne(client: pg.Client, statement: Statement, whole: string): Promise<SqlResult> {
  try {
    const result = await client.query<(string | null)[]>({
      text: statement.text,
      rowMode: 'array',
    });
    return {
      command: commandTag(result),
      columns: result.fields.map((field) => field.name),
      rows: result.rows,
    };
  } catch (error) {
    throw explain(error, statement, whole);
  }
}

function commandTag(result: pg.QueryArrayResult): string {
  const count = result.rowCount === null ? '' : ` ${result.rowCount}`;
  return `${result.command ?? ''}${result.command === 'INSERT' ? ' 0' : ''}${count}`;
}

function asText(value: string): string {
  return value;
}

/** As psql shows it: the line with a caret below the place, then what the server adds. */
function explain(error: unknown, statement: Statement, whole: string): HubError {
  const { position, detail, hint } = error as { position?: string; detail?: string; hint?: string };
  const lines = [messageOf(error)];
  if (position !== undefined) lines.push(...pointAt(whole, statement, Number(position)));
  if (detail !== undefined) lines.push(`detail: ${detail}`);
  return new HubError('sql_failed', lines.join('\n'), {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The server counts characters, JavaScript UTF-16 units. */
function pointAt(whole: string, statement: Statement, position: number): string[] {
  const before = [...statement.text].slice(0, position - 1).join('');
  const at = statement.offset + before.length;
  const lineStart = whole.lastIndexOf('\n', at - 1) + 1;
  const lineEnd = whole.indexOf('\n', at);
  const line = whole.slice(lineStart, lineEnd < 0 ? undefined : lineEnd);
  const number = whole.slice(0, lineStart).split('\n').length;
  const prefix = `line ${number}: `;
  return [prefix + line, `${' '.repeat(prefix.length + [...whole.slice(lineStart, at)].length)}^`];
}
