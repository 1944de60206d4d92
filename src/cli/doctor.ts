import type { Command } from 'commander';
import { checkHost, type Finding } from '../agent/client.ts';
import { EXIT } from './errors.ts';
import { controlSocketOf, hubDatabaseOf, stateOf, storedDatabase } from './options.ts';
import { agentStatus } from './status.ts';
import { json, printable } from './text.ts';

interface DoctorOptions {
  readonly database?: string;
  readonly json?: boolean;
}

export function registerDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('look at agent, disk, clock and database, and say what to do next')
    .option('--database <URL>', "a hub's database; default: that of the hub here, or $DATABASE_URL")
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (options: DoctorOptions) => {
      const host = await checkHost(stateOf(command));
      const found = [
        ...host,
        ...(answers(host) ? await hubHere(command) : []),
        ...(await database(command, options)),
      ];
      process.stdout.write(options.json ? `${json(found)}\n` : found.map(line).join(''));
      process.exitCode = exitCode(found);
    });
}

/** Whether there is an agent to ask more: one that hangs would be waited for without end. */
function answers(host: readonly Finding[]): boolean {
  return host.some(({ check, state }) => check === 'agent' && state !== 'error');
}

/** What the hub of this host says of itself, which it may not be able to write. */
async function hubHere(command: Command): Promise<Finding[]> {
  const told = await agentStatus(controlSocketOf(command)).catch(() => undefined);
  const stalled = told?.hub?.['stalled'];
  if (stalled === undefined) return [];
  const hint = 'end the transaction that holds it up, or give back the right that is missing';
  return stalled
    .split('\n')
    .map((message) => ({ check: 'hub here', state: 'error', message, hint }) as const);
}

async function database(command: Command, options: DoctorOptions): Promise<Finding[]> {
  const none: Finding = { check: 'database', state: 'skipped', message: 'there is no hub here' };
  try {
    const given = options.database ?? storedDatabase(command) ?? process.env['DATABASE_URL'];
    if (given === undefined) return [none];
    const { checkDatabase } = await import('../hub/index.ts');
    return await checkDatabase(await hubDatabaseOf(command, given));
  } catch (error) {
    // A state folder of somebody else: the host's part says so already.
    return [{ ...none, message: (error as Error).message }];
  }
}

function line({ check, state, message, hint }: Finding): string {
  const told = `${state.padEnd(8)} ${check.padEnd(12)} ${printable(message)}\n`;
  return hint === undefined ? told : `${told}${' '.repeat(22)}hint: ${printable(hint)}\n`;
}

function exitCode(found: readonly Finding[]): number {
  const states = new Set(found.map(({ state }) => state));
  if (states.has('error')) return EXIT.failed;
  return states.has('warning') ? EXIT.incomplete : EXIT.ok;
}

const HELP = `
Exit codes:
  0   nothing to do; what could not be looked at is marked skipped
  1   something is broken
  3   nothing is broken, but there are warnings
  64  the command line is wrong

Example:
  $ swarmplane doctor --database postgresql://swarmplane@db.example/fleet`;
