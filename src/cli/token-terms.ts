/** What a new join token is made with, for every command that makes one. */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { WRITTEN_AT, type TokenTerms } from '../agent/index.ts';
import { CliError, EXIT } from './errors.ts';
import { timeText } from './text.ts';

export interface TermsOptions {
  readonly uses: string;
  readonly hours: string;
  readonly note?: string;
  readonly for?: string;
  readonly yes?: boolean;
  readonly clockIsRight?: boolean;
}

/** --uses and --hours, for the commands that make a join token. */
export function withTermsOptions(command: Command, uses: string, hours: string): Command {
  return command
    .option('--uses <N>', 'how many hosts it may bring, 1 to 4096', uses)
    .option('--hours <N>', 'how long it lets hosts in, at most 9600 (400 days)', hours)
    .option('--token-file <FILE>', 'write the token to FILE as well, mode 0600')
    .option('--clock-is-right', 'although the clock shows a time that cannot be');
}

/**
 * What is signed under a clock that lies far behind has ended before anybody can use it.
 * @throws CliError
 */
export function checkClock({ clockIsRight }: Pick<TermsOptions, 'clockIsRight'>): void {
  const now = Date.now();
  if (now >= WRITTEN_AT || clockIsRight === true) return;
  throw new CliError(
    `the clock of this host shows ${timeText(new Date(now))} UTC, and this program was written in ${timeText(new Date(WRITTEN_AT)).slice(0, 7)}`,
    'set the clock, or add --clock-is-right',
  );
}

/** @throws CliError that quotes the value */
export function termsOf(options: TermsOptions): TokenTerms {
  const uses = Number(options.uses);
  if (!Number.isInteger(uses) || uses < 1 || uses > 4096) {
    throw usage(`--uses ${JSON.stringify(options.uses)} is no whole number from 1 to 4096`);
  }
  if (uses > MANY && options.yes !== true) {
    throw new CliError(
      `whoever reads a token of ${uses} uses can bring ${uses} hosts`,
      'make several smaller ones, or add --yes',
    );
  }
  const hours = Number(options.hours);
  if (!(hours > 0 && hours <= 9600)) {
    throw usage(`--hours ${JSON.stringify(options.hours)} is not above 0 and at most 9600`);
  }
  const note = options.note ?? '';
  if (Buffer.byteLength(note) > 64) throw usage('--note is longer than 64 bytes');
  return { uses, hours, note, host: options.for ?? '' };
}

/** Prints a token, and writes it where that was asked for. */
export function showToken(text: string, file: string | undefined): void {
  if (file !== undefined) {
    try {
      writeFileSync(file, `${text}\n`, { mode: 0o600 });
    } catch (error) {
      process.stdout.write(`${text}\n`);
      throw new CliError(
        `cannot write the join token to ${JSON.stringify(file)}: ${(error as Error).message}`,
        'it is in force: keep the line that was printed',
      );
    }
  }
  process.stdout.write(`${text}\n`);
}

function usage(message: string): CliError {
  return new CliError(message, 'see `swarmplane token new --help`', EXIT.usage);
}

/** Above it a token asks. */
const MANY = 100;
