/** What every error of swarmplane has; each room has its own class with its own codes. */

export interface ErrorFacts {
  /** The next step for a person: lower-case, no full stop, printed on a line of its own. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * `code` is stable and may be matched; `message` says what failed and quotes the value; `hint` says
 * what to do next.
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly hint: string | undefined;

  constructor(code: Code, message: string, { hint, cause }: ErrorFacts = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = hint;
  }
}
