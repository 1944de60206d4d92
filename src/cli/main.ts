#!/usr/bin/env node
/** The program: one subcommand a file; results to standard output, everything else to standard error. */
import { Command, CommanderError } from 'commander';
import { VERSION } from '../agent/index.ts';
import { registerDemo } from './demo.ts';
import { EXIT, reportError } from './errors.ts';
import { registerForget, registerLeave } from './forget.ts';
import { registerHub } from './hub.ts';
import { registerInit } from './init.ts';
import { registerNodes } from './nodes.ts';
import { registerPack } from './pack.ts';
import { registerQuery } from './query.ts';
import { registerSql } from './sql.ts';
import { registerStatus } from './status.ts';
import { registerTables } from './tables.ts';
import { registerUp } from './up.ts';

export function createProgram(): Command {
  const program = new Command('swarmplane')
    .description('SQL over all your machines at once, without a server')
    .version(VERSION)
    .option(
      '--state DIR',
      'state folder (default: $SWARMPLANE_STATE, /var/lib/swarmplane for root, ~/.local/state/swarmplane)',
    )
    .showHelpAfterError('hint: see swarmplane --help')
    .exitOverride();
  for (const register of [
    registerInit,
    registerUp,
    registerHub,
    registerQuery,
    registerNodes,
    registerStatus,
    registerForget,
    registerLeave,
    registerTables,
    registerPack,
    registerSql,
    registerDemo,
  ]) {
    register(program);
  }
  for (const command of program.commands) command.exitOverride();
  return program;
}

// A reader that closes early (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed);
});

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError)
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  else process.exitCode = reportError(error);
}
