/** What a table's collector threw, as the query's error. */
import { QueryError } from './types.ts';

export function collectorError(table: string | undefined, error: unknown): QueryError {
  if (error instanceof QueryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const name = table === undefined ? 'a table' : `table "${table}"`;
  // By code and not by class: a test's registry may bring its own copy of TableError.
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'table_unavailable' || code === 'table_absent')
    return new QueryError(code, `${name}: ${message}`, { cause: error });
  return new QueryError('failed', `reading ${name} failed: ${message}`, { cause: error });
}
