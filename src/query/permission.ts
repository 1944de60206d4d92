/** Sensitive tables: who may read them. Asked of the prepared statement, and of each cursor again. */
import { QueryError } from './types.ts';

/** @throws QueryError not_authorized when some of the tables are sensitive and that is not allowed */
export function requirePermission(sensitive: readonly string[], allowed: boolean): void {
  if (allowed || sensitive.length === 0) return;
  const names = sensitive.map((name) => `"${name}"`).join(' and ');
  throw new QueryError(
    'not_authorized',
    `${names} may only be read with a certificate for the role that allows sensitive tables`,
  );
}
