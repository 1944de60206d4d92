/**
 * Errors of the hub. `code` is stable and may be matched; `message` says what failed and quotes the
 * value; `hint` says what to do next and is printed on its own line.
 */
export class HubError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: ErrorOptions & { hint?: string } = {}) {
    super(message, options);
    this.name = 'HubError';
    this.code = code;
    this.hint = options.hint;
  }
}

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
