import { CodedError } from '../base/index.ts';

/** What goes wrong in a hub, its database or its backups. */
export class HubError extends CodedError {}

/** The code of a PostgreSQL (SQLSTATE) or system error (ECONNREFUSED), '' where there is none. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** One line for people: never undefined, never a stack. AggregateError has an empty message of its own. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
