/**
 * Errors as people see them: what failed with the value quoted, then a hint with the next step;
 * lower-case, no full stop, no stack unless SWARMPLANE_DEBUG is set.
 */

import { printableLines } from '../agent/client.ts';
import { CodedError } from '../base/index.ts';

/** Exit codes, as the help states them. */
export const EXIT = {
  ok: 0,
  /** Something failed: no agent, SQL refused, no permission. Nothing was answered. */
  failed: 1,
  /** Answers came, but not from every host, or not whole. */
  incomplete: 3,
  /** The command line itself is wrong (EX_USAGE of sysexits.h). */
  usage: 64,
} as const;

export class CliError extends CodedError<'usage' | 'failed'> {
  readonly exitCode: number;

  constructor(message: string, hint?: string, exitCode: number = EXIT.failed) {
    super(
      exitCode === EXIT.usage ? 'usage' : 'failed',
      message,
      hint === undefined ? {} : { hint },
    );
    this.exitCode = exitCode;
  }
}

/** Prints an error to standard error and returns the exit code for it. */
export function reportError(error: unknown): number {
  const { message, hint, exitCode } = error as {
    message?: unknown;
    hint?: unknown;
    exitCode?: unknown;
  };
  // Both may quote what another machine said.
  const said = typeof message === 'string' ? message : String(error);
  process.stderr.write(`swarmplane: error: ${printableLines(said)}\n`);
  if (typeof hint === 'string') process.stderr.write(`hint: ${printableLines(hint)}\n`);
  if (process.env['SWARMPLANE_DEBUG']) console.error(error);
  return typeof exitCode === 'number' ? exitCode : EXIT.failed;
}
