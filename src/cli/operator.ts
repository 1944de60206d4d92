import type { Command } from 'commander';
import {
  controlOnce,
  type ResultOf,
  HUB_DAYS,
  readRecordFile,
  ROLES,
  writeRecordFile,
} from '../agent/index.ts';
import { knownRecords, openDesk, withKeyOptions, type KeyOptions } from './operator-desk.ts';
import { registerKeys } from './operator-keys.ts';
import { registerWords } from './operator-words.ts';
import { hostMeant, withYes, type YesOption } from './confirm.ts';
import { CliError, EXIT } from './errors.ts';
import { controlSocketOf, parseList } from './options.ts';

export function registerOperator(program: Command): void {
  const operator = program
    .command('operator')
    .description('grant and revoke what hosts may do beyond asking, and the keys that sign it')
    .addHelpText('after', HELP);
  registerGrant(operator);
  registerRevoke(operator);
  registerUnfreeze(operator);
  registerWords(operator);
  registerKeys(operator);
  operator
    .command('install')
    .argument('<file>', 'what --out FILE wrote')
    .description('hand a record of the operator to the agent of this host')
    .action(async (file: string, _options: unknown, command: Command) => {
      const bytes = readRecordFile(file);
      const told = await controlOnce(controlSocketOf(command), { op: 'install', records: [bytes] });
      process.stdout.write(`${installed(told)}\n`);
    });
  for (const command of operator.commands) command.exitOverride();
}

interface GrantOptions extends KeyOptions, YesOption {
  readonly role: string;
  readonly days?: string;
  readonly tables?: string;
  readonly actions?: string;
  readonly out?: string;
}

function registerGrant(operator: Command): void {
  const command = operator
    .command('grant')
    .argument('<node>', 'name or node id; without an agent the whole node id of 64 digits')
    .description('sign a role certificate and hand it over, or write it to a file')
    .requiredOption('--role <ROLE>', ROLES.join(' or '))
    .option('--days <N>', 'how long it holds, 1 to 90, of a hub to 400 (default: that)')
    .option('--tables <A,B>', 'sensitive tables it allows (default: all for reader-of-sensitive)')
    .option('--actions <A,B>', 'actions it allows (default: all for commander)')
    .option(
      '--out <FILE>',
      'write it to FILE for `swarmplane operator install`, hand nothing over',
    );
  withYes(withKeyOptions(command)).action(async (node: string, options: GrantOptions) => {
    const scope = scopeOf(options);
    const days = daysOf(options);
    const desk = await openDesk(command, options);
    const nodeId = await hostMeant(command, node, `grant ${options.role} to`, options);
    if (options.out === undefined) desk.checkKey(await knownRecords(command));
    const isHub = options.role === 'hub';
    const { bytes, serial, notAfter } = isHub
      ? desk.grantHub(nodeId, days)
      : desk.grant({ ...scope, days, nodeId });
    if (options.out !== undefined) writeRecordFile(options.out, bytes);
    else await handOver(command, bytes, serial);
    const until = new Date(notAfter * 1000).toISOString().slice(0, 16).replace('T', ' ');
    process.stdout.write(
      `granted ${options.role} to ${node} (${nodeId}) until ${until} UTC, serial ${serial}\n`,
    );
  });
}

async function handOver(command: Command, bytes: Uint8Array, serial: string): Promise<void> {
  try {
    await controlOnce(controlSocketOf(command), { op: 'install', records: [bytes] });
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    throw new CliError(`certificate ${serial} was signed, but ${message}`, hint);
  }
}

function daysOf({ role, days }: GrantOptions): number {
  const most = role === 'hub' ? HUB_DAYS : 90;
  const number = Number(days ?? most);
  if (number > 0 && number <= most) return number;
  throw usage(`--days ${JSON.stringify(days)} is not from 1 to ${most}`, `write --days ${most}`);
}

function scopeOf(options: GrantOptions) {
  const { role } = options;
  if (role === 'hub' && (options.tables ?? options.actions) !== undefined) {
    throw usage(
      'a hub is granted no tables or actions by --role hub',
      'grant these by their roles',
    );
  }
  if (!(ROLES as readonly string[]).includes(role)) {
    throw usage(`there is no role ${JSON.stringify(role)}`, `the roles are ${ROLES.join(', ')}`);
  }
  const list = (text: string | undefined, what: string, role: string): string[] =>
    text === undefined ? (options.role === role ? ['*'] : []) : parseList(text, what);
  return {
    roles: [role],
    tables: list(options.tables, 'table', 'reader-of-sensitive'),
    actions: list(options.actions, 'action', 'commander'),
  };
}

function registerRevoke(operator: Command): void {
  const command = operator
    .command('revoke')
    .argument(
      '<serial-or-node>',
      'serial of a certificate, or a host for all that it was granted, as a hub too',
    )
    .description('take certificates back, at every host, for good');
  withYes(withKeyOptions(command)).action(async (what: string, options: KeyOptions & YesOption) => {
    const desk = await openDesk(command, options);
    const known = await knownRecords(command);
    desk.checkKey(known);
    const serials = /^[0-9a-f]{32}$/.test(what)
      ? [what]
      : desk.granted(
          await hostMeant(command, what, 'take all certificates, that of a hub too, from', options),
        );
    if (serials.length === 0) {
      throw new CliError(
        `nothing that this key granted to ${JSON.stringify(what)} is known here`,
        'the ledger lies beside the key file; or revoke by serial, or expel the host',
      );
    }
    const list = desk.revoke(known.lists, { serials }, known.epoch);
    await controlOnce(controlSocketOf(command), { op: 'install', records: [list.bytes] });
    process.stdout.write(`revoked ${serials.join(', ')} (list ${list.number})\n`);
  });
}

interface UnfreezeOptions extends KeyOptions, YesOption {
  readonly head: string;
  readonly out?: string;
}

function registerUnfreeze(operator: Command): void {
  const command = operator
    .command('unfreeze')
    .argument('<node>', 'name or node id; without an agent the whole node id of 64 digits')
    .description('name the good one of two key lists of a host, at every host')
    .requiredOption('--head <VERSION:HASH>', 'the good entry, as `swarmplane key list` shows it')
    .option(
      '--out <FILE>',
      'write it to FILE for `swarmplane operator install`, hand nothing over',
    );
  withYes(withKeyOptions(command)).action(async (node: string, options: UnfreezeOptions) => {
    const { version, hash } = headOf(options.head);
    const desk = await openDesk(command, options);
    const nodeId = await hostMeant(command, node, 'unfreeze', options);
    if (options.out === undefined) {
      desk.checkKey(await knownRecords(command));
      await checkFork(command, node, options.head);
    }
    const bytes = desk.nameHead({ nodeId, version, hash });
    if (options.out !== undefined) writeRecordFile(options.out, bytes);
    else await controlOnce(controlSocketOf(command), { op: 'install', records: [bytes] });
    process.stdout.write(`named entry ${options.head} the good one of ${node} (${nodeId})\n`);
  });
}

function headOf(text: string): { version: number; hash: Uint8Array } {
  const match = /^(\d{1,4}):([0-9a-f]{64})$/.exec(text);
  if (match === null) {
    throw usage(
      `--head ${JSON.stringify(text)} is not VERSION:HASH`,
      'copy it from `swarmplane key list NODE`',
    );
  }
  return { version: Number(match[1]), hash: new Uint8Array(Buffer.from(match[2]!, 'hex')) };
}

/** A word on an entry that nobody has seen would drop the true one everywhere. */
async function checkFork(command: Command, node: string, head: string): Promise<void> {
  const { fork } = await controlOnce(controlSocketOf(command), { op: 'key-list', node });
  const heads = fork?.map((one) => `${one.version}:${one.hash}`);
  if (heads?.includes(head)) return;
  if (heads === undefined) {
    throw new CliError(
      `${JSON.stringify(node)} is not frozen at this host`,
      'run it on a host whose `swarmplane key list` shows FROZEN',
    );
  }
  throw new CliError(
    `${head} is none of the two entries that ${JSON.stringify(node)} signed`,
    `they are ${heads.join(' and ')}`,
  );
}

function installed(told: ResultOf<'install'>): string {
  if (told.kind === 'certificate') return `installed certificate ${told.serial} at ${told.name}`;
  if (told.kind === 'hub')
    return `the word that ${told.nodeId.slice(0, 12)} is a hub spreads to every member`;
  if (told.kind === 'head')
    return `the word on the keys of ${told.nodeId.slice(0, 12)} spreads to every member`;
  if (told.kind === 'operator-key') {
    return `the word on the operator key ${told.id} (${told.verb}) spreads to every member`;
  }
  return `${INSTALLED[told.kind]} ${told.number} spreads to every member`;
}

const INSTALLED = { epoch: 'epoch', revocations: 'revocation list', token: 'token version' };

function usage(message: string, hint: string): CliError {
  return new CliError(message, hint, EXIT.usage);
}

const HELP = `
The operator key never goes to an agent: it signs here. It may lie on a machine without an agent; name the host by its whole node id then (\`swarmplane nodes --json\`) and carry the certificate over as a file.

Examples:
  $ swarmplane operator grant web1 --role reader-of-sensitive --tables shadow --days 30
  $ swarmplane operator grant NODE-ID --role commander --key operator.key --out web1.cert
  $ swarmplane operator grant hub2 --role hub
  $ swarmplane operator install web1.cert
  $ swarmplane operator revoke web1
  $ swarmplane operator unfreeze web1 --head 4:6be1..  (64 digits, from \`swarmplane key list web1\`)`;
