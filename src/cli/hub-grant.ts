import { Option, type Command } from 'commander';
import { grant, GRANT_ROLES, type Granted, type GrantRole } from '../hub/index.ts';
import { hubDatabaseOf, parseList } from './options.ts';
import { printable } from './text.ts';

interface GrantOptions {
  readonly role: GrantRole;
  readonly label?: string;
  readonly revoke?: boolean;
  readonly dryRun?: boolean;
  readonly database?: string;
}

export function registerHubGrant(hub: Command): void {
  hub
    .command('grant')
    .argument('<name>', 'a login or group role of PostgreSQL; a login is made where there is none')
    .description('let somebody use the hub from psql: print the SQL for it and run it')
    .addOption(
      new Option('--role <ROLE>', 'what it may do').choices(GRANT_ROLES).makeOptionMandatory(),
    )
    .option('--label <a,b>', 'only hosts with these access labels')
    .option('--revoke', 'take the role back; with --label only these labels')
    .option('--dry-run', 'print the SQL and run nothing')
    .option('--database <URL>', "the hub's database; default: that of the hub here")
    .addHelpText('after', HELP)
    .action((name: string, _options: unknown, command: Command) => run(name, command));
}

async function run(name: string, command: Command): Promise<void> {
  // --database may stand before `grant` as well, where `hub` takes it.
  const options = command.optsWithGlobals<GrantOptions>();
  const url = await hubDatabaseOf(command, options.database);
  const dryRun = options.dryRun === true;
  const granted = await grant({
    url,
    name,
    role: options.role,
    dryRun,
    labels: options.label === undefined ? [] : parseList(options.label, 'label'),
    revoke: options.revoke === true,
  });
  process.stdout.write(script(granted));
  for (const note of granted.notes) process.stderr.write(`note: ${printable(note)}\n`);
  if (granted.password === undefined) return;
  const told = dryRun ? 'the password would be' : 'the password, shown this once:';
  process.stderr.write(`${told} ${granted.password}\n`);
}

function script({ statements }: Granted): string {
  return `begin;\n${statements.map((statement) => `${statement};\n`).join('')}commit;\n`;
}

const HELP = `
Roles, each with what the one before it may:
  reader    read answers, states, hosts and alerts
  asker     insert queries
  operator  command the fleet as far as the hub's certificate goes
  auditor   (apart from these) read the audit
  sensitive (apart from these) read rows of sensitive tables; a reader

Example:
  $ swarmplane hub grant --role reader --label web alice`;
