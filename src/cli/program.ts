/** The commands: one subcommand a file; results to standard output, everything else to standard error. */
import { Command, CommanderError } from 'commander';
import { VERSION } from '../agent/client.ts';
import { EXIT, reportError } from './errors.ts';

/** Loaded when the command line names them, so that a query does not wait for the hub's code. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  init: async () => (await import('./init.ts')).registerInit,
  up: async () => (await import('./up.ts')).registerUp,
  hub: async () => (await import('./hub.ts')).registerHub,
  query: async () => (await import('./query.ts')).registerQuery,
  pack: async () => (await import('./pack.ts')).registerPack,
  nodes: async () => (await import('./nodes.ts')).registerNodes,
  status: async () => (await import('./status.ts')).registerStatus,
  forget: async () => (await import('./forget.ts')).registerForget,
  leave: async () => (await import('./forget.ts')).registerLeave,
  rejoin: async () => (await import('./forget.ts')).registerRejoin,
  retire: async () => (await import('./retire.ts')).registerRetire,
  operator: async () => (await import('./operator.ts')).registerOperator,
  actions: async () => (await import('./actions.ts')).registerActions,
  key: async () => (await import('./key.ts')).registerKey,
  identity: async () => (await import('./identity.ts')).registerIdentity,
  token: async () => (await import('./token.ts')).registerToken,
  secret: async () => (await import('./secret.ts')).registerSecret,
  tables: async () => (await import('./tables.ts')).registerTables,
  audit: async () => (await import('./audit.ts')).registerAudit,
  alerts: async () => (await import('./alerts.ts')).registerAlerts,
  doctor: async () => (await import('./doctor.ts')).registerDoctor,
  history: async () => (await import('./history.ts')).registerHistory,
  sql: async () => (await import('./sql.ts')).registerSql,
  demo: async () => (await import('./demo.ts')).registerDemo,
};

async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('swarmplane')
    .description('SQL over all your machines at once, without a server')
    .version(VERSION)
    .option(
      '--state <DIR>',
      'state folder (default: $SWARMPLANE_STATE, /var/lib/swarmplane for root, ~/.local/state/swarmplane)',
    )
    .showHelpAfterError('hint: see swarmplane --help')
    .exitOverride();
  const named = Object.keys(COMMANDS).filter((name) => args.includes(name));
  // Without a command there is help to show, and with an unknown one a name to suggest.
  const wanted = named.length > 0 ? named : Object.keys(COMMANDS);
  for (const name of wanted) (await COMMANDS[name]!())(program);
  for (const command of program.commands) command.exitOverride();
  return program;
}

// A reader that closes early (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed);
});

try {
  await (await createProgram(process.argv.slice(2))).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else process.exitCode = reportError(error);
}
