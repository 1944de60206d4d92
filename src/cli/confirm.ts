/** Asks before what cannot be taken back, and shows which host a name means. */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { controlOnce } from '../agent/client.ts';
import { CliError, EXIT } from './errors.ts';
import { controlSocketOf } from './options.ts';
import { printable } from './text.ts';

export interface YesOption {
  readonly yes?: boolean;
}

/** @throws CliError where the answer is no, or nobody is there to ask */
export async function confirm(question: string, { yes }: YesOption, hint: string): Promise<void> {
  if (yes === true) return;
  if (!process.stdin.isTTY) throw new CliError('nothing was changed: nobody is there to ask', hint);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const said = await terminal.question(`${question} [y/N] `);
    if (/^y(es)?$/i.test(said.trim())) return;
  } finally {
    terminal.close();
  }
  throw new CliError('nothing was changed');
}

/**
 * The id of a host for something dangerous: a whole id is taken as it is, and needs no agent; what a name
 * means is shown and asked. The beginning of an id can be made to fit, so it is taken for nothing.
 * @throws CliError, AgentError `unknown_host` | `ambiguous_host`
 */
export async function hostMeant(
  command: Command,
  node: string,
  verb: string,
  options: YesOption,
): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(node)) return node;
  if (/^[0-9a-f]{8,63}$/.test(node)) {
    throw new CliError(
      `${JSON.stringify(node)} is the beginning of a node id, which others may share`,
      'write the whole id of 64 digits (`swarmplane nodes --json`), or the name',
      EXIT.usage,
    );
  }
  const socket = controlSocketOf(command);
  const meant = await controlOnce(socket, { op: 'resolve', node });
  const where = meant.addresses.slice(0, 3).join(', ');
  process.stderr.write(
    `${printable(meant.name)} is ${meant.nodeId} (${meant.state}, ${printable(where)})\n`,
  );
  if (meant.alike.length > 0) {
    process.stderr.write(`warning: looks like ${printable(meant.alike.join(' and '))}\n`);
  }
  const hint = `look at that line, then add --yes, or write the whole id in place of the name`;
  await confirm(`${verb} this host?`, options, hint);
  return meant.nodeId;
}

export function withYes(command: Command): Command {
  return command.option('--yes', 'do not ask whether that host is meant');
}
