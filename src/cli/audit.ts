import type { Command } from 'commander';
import { controlOnce, openSeal } from '../agent/index.ts';
import { connect, endPool, verifyAudit, type AuditReport, type NodeMemory } from '../hub/index.ts';
import { accountLine } from './account.ts';
import { askAgent } from '../agent/client.ts';
import { EXIT } from './errors.ts';
import { controlSocketOf, databaseOf, parseDuration, parseList } from './options.ts';
import { json, printable } from './text.ts';

interface VerifyOptions {
  readonly database?: string;
  readonly hosts?: string;
  readonly other?: string;
  readonly timeout: string;
  readonly json?: boolean;
}

/** Something in the audit is not as it was. */
const EXIT_FAULT = 2;

export function registerAudit(program: Command): void {
  const audit = program.command('audit').description('who did what: prove that nobody rewrote it');
  const verify = audit
    .command('verify')
    .description('check audit rows, their seals and signatures, and what the nodes remember')
    .option(
      '--database <URL>',
      'a login in swarmplane_auditor; default: the hub of this state folder',
    )
    .option('--hosts <a,b>', `ask these hosts; default: all, of more than ${HOSTS_MAX} some`)
    .option('--other <a,b>', 'audit chains of other databases, which this one need not know')
    .option('--timeout <TIME>', 'how long to wait for the nodes, as 30s or 2m', '30s')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: VerifyOptions) => {
      process.exitCode = await run(verify, options);
    });
  verify.exitOverride();
}

async function run(command: Command, options: VerifyOptions): Promise<number> {
  const socket = controlSocketOf(command);
  const url = databaseOf(command, options.database);
  // First the nodes: what they remember then is in the database, unless somebody took it out.
  const { memories, account } = await askNodes(socket, options);
  const pool = await connect(url, { applicationName: 'swarmplane audit', statementTimeoutMs: 0 });
  try {
    const report = await verifyAudit({
      pool,
      open: openSeal,
      memories,
      keys: (hub) => keysOf(socket, hub),
      otherChains: options.other === undefined ? [] : parseList(options.other, 'chain'),
    });
    process.stdout.write(
      options.json ? `${json({ ...report, account })}\n` : text(report, memories, account),
    );
    return exitCodeOf(report);
  } finally {
    await endPool(pool);
  }
}

/** More hosts than this are too many for what each of them remembers; some are enough. */
const HOSTS_MAX = 64;

async function askNodes(
  socket: string,
  options: VerifyOptions,
): Promise<{ memories: NodeMemory[]; account: string }> {
  const hosts =
    options.hosts === undefined ? await someHosts(socket) : parseList(options.hosts, 'host name');
  const memories: NodeMemory[] = [];
  const question = {
    sql: 'select head from swarm_seals',
    timeoutMs: parseDuration(options.timeout),
    ...(hosts === undefined ? {} : { hosts }),
  };
  const account = await askAgent(socket, question, ({ host, columns, rows }) => {
    const at = columns.indexOf('head');
    const heads = rows.map((row) => row[at]).filter((head) => head instanceof Uint8Array);
    memories.push({ node: host, heads });
  });
  return { memories, account: accountLine(account) };
}

/** Undefined stands for every host. */
async function someHosts(socket: string): Promise<string[] | undefined> {
  const nodes = await controlOnce(socket, { op: 'nodes' });
  const alive = nodes.filter(({ state }) => state === 'alive').map(({ nodeId }) => nodeId);
  if (nodes.length <= HOSTS_MAX) return undefined;
  for (let at = alive.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [alive[at], alive[other]] = [alive[other]!, alive[at]!];
  }
  return alive.slice(0, HOSTS_MAX);
}

/** Empty for a node that this one has never seen. */
async function keysOf(socket: string, hub: string): Promise<Uint8Array[]> {
  try {
    const { entries } = await controlOnce(socket, { op: 'key-list', node: hub });
    return entries.map(({ signKey }) => new Uint8Array(Buffer.from(signKey, 'hex')));
  } catch (error) {
    if ((error as { code?: unknown }).code === 'unknown_host') return [];
    throw error;
  }
}

function exitCodeOf({ faults, witnesses, seals }: AuditReport): number {
  if (faults.length > 0) return EXIT_FAULT;
  return seals > 0 && witnesses.length === 0 ? EXIT.incomplete : EXIT.ok;
}

/** Faults of one kind beyond this are a count. */
const FAULTS_SHOWN = 20;

function text(report: AuditReport, memories: readonly NodeMemory[], account: string): string {
  const { faults, rows, seals, dropped, witnesses, notes } = report;
  const lines = [...new Set(faults.map(({ kind }) => kind))].flatMap((kind) => {
    const some = faults.filter((fault) => fault.kind === kind);
    const more = some.length - FAULTS_SHOWN;
    return [
      ...some.slice(0, FAULTS_SHOWN).map((fault) => `FAULT ${kind}: ${fault.message}`),
      ...(more > 0 ? [`FAULT ${kind}: ${more} more`] : []),
    ];
  });
  lines.push(...notes.map((note) => `note: ${note}`), `nodes asked: ${account}`);
  if (dropped !== undefined)
    lines.push(`${dropped.rows} rows before ${day(dropped.before)} were dropped by audit_kept`);
  lines.push(`${rows} rows, ${seals} seals${unsealed(report)}`);
  lines.push(
    `${witnesses.length} of ${memories.length} nodes remember these seals` +
      (seals > 0 && witnesses.length === 0 ? ': a rebuilt chain would not be seen' : ''),
    faults.length === 0 ? 'nothing is wrong' : `${faults.length} faults`,
  );
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function unsealed({ unsealed: count, unsealedSince: since }: AuditReport): string {
  return since === undefined
    ? ''
    : `, ${count} rows not sealed yet (since ${new Date(since).toISOString().slice(0, 19)})`;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

const HELP = `
Needs an agent on this machine, for the keys and the nodes; it need not be the hub.

Exit codes:
  0   every row, seal and signature holds, and nodes remember the chain as it is
  1   it could not be checked: no database, no agent, no permission
  2   something is wrong; each fault is named
  3   nothing is wrong in the database, but no node that answered remembers the chain
  64  the command line is wrong

Example:
  $ swarmplane audit verify --database postgres://auditor@db.example/fleet`;
