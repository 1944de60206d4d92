import type { Command } from 'commander';
import { controlOnce } from '../agent/client.ts';
import type { Alert } from '../hub/index.ts';
import { askAgent } from '../agent/client.ts';
import { agentStatus } from './status.ts';
import { CliError } from './errors.ts';
import { registerAlertAnswers } from './alert-answers.ts';
import { controlSocketOf, storedDatabase } from './options.ts';
import { json, printable } from './text.ts';

interface AlertsOptions {
  readonly database?: string;
  readonly watch?: boolean;
  readonly all?: boolean;
  readonly json?: boolean;
}

export function registerAlerts(program: Command): void {
  const command = program
    .command('alerts')
    .description(
      'what somebody should look at: the alerts of the hub, else the alarms of this host',
    )
    .option('--watch', 'go on: print each alert as it opens and as it is resolved')
    .option('--all', 'resolved and muted ones too, at most 1,000')
    .option('--database <URL>', "a hub's database; default: that of the hub here")
    .option('--json', 'print a JSON array; with --watch one JSON object a line')
    .addHelpText('after', HELP)
    .action((options: AlertsOptions) => run(command, options));
  registerAlertAnswers(command);
  for (const sub of command.commands) sub.exitOverride();
}

async function run(command: Command, options: AlertsOptions): Promise<void> {
  const url = options.database ?? storedDatabase(command);
  if (url === undefined) return printAlarms(command, options);
  const { readAlerts, watchAlerts } = await import('../hub/index.ts');
  if (options.watch) {
    const ended = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => ended.abort());
    }
    const print = (alert: Alert): void =>
      void process.stdout.write(options.json ? `${json(plain(alert))}\n` : line(alert));
    return watchAlerts(url, print, { signal: ended.signal, log: ONTO_STDERR });
  }
  const found = await readAlerts(url, options.all === true);
  const alerts = options.all ? found : found.filter(({ muted_until }) => muted_until === null);
  if (options.json) process.stdout.write(`${json(alerts.map(plain))}\n`);
  else {
    process.stdout.write(alerts.map(line).join(''));
    const muted = found.length - alerts.length;
    const rest = muted === 0 ? '' : `, ${muted} muted (--all shows them)`;
    process.stdout.write(`${alerts.length} ${alerts.length === 1 ? 'alert' : 'alerts'}${rest}\n`);
  }
}

/** While the database is away a watch says so and goes on. */
const say = (facts: object, message: string): void =>
  void process.stderr.write(
    `${message}: ${printable((facts as { error?: string }).error ?? '')}\n`,
  );
const ONTO_STDERR = { debug: () => {}, info: () => {}, warn: say, error: say };

function plain(alert: Alert): object {
  return {
    ...alert,
    first_at: alert.first_at.toISOString(),
    last_at: alert.last_at.toISOString(),
    resolved_at: alert.resolved_at?.toISOString() ?? null,
    acknowledged_at: alert.acknowledged_at?.toISOString() ?? null,
    muted_until: alert.muted_until?.toISOString() ?? null,
  };
}

function line(alert: Alert): string {
  const { id, severity, kind, key, message, count, last_at, resolved_at } = alert;
  const state = resolved_at === null ? severity : 'resolved';
  const times = count === 1 ? '' : ` (${count} times)`;
  const number = resolved_at === null ? ` #${id}` : '';
  const text = `${kind} ${key}: ${message}${times}${number}${answers(alert)}`;
  return shown(resolved_at ?? last_at, state, text);
}

/** What people said of it. */
function answers(alert: Alert): string {
  const { acknowledged_by: by, acknowledged_why: why, muted_until: until, resolved_at } = alert;
  if (resolved_at !== null) return '';
  const seen = by === null ? '' : `; acknowledged by ${by}${why === null ? '' : `: ${why}`}`;
  const muted =
    until === null ? '' : `; muted until ${minute(until)} by ${alert.muted_by}: ${alert.muted_why}`;
  return seen + muted;
}

function minute(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function shown(at: Date, state: string, text: string): string {
  const time = at.toISOString().slice(0, 19).replace('T', ' ');
  return `${time}  ${state.padEnd(8)}  ${printable(text)}\n`;
}

/** A host without a hub has its own alarms, and knows which hosts are dead. */
async function printAlarms(command: Command, options: AlertsOptions): Promise<void> {
  if (options.watch || options.all) {
    throw new CliError(
      `${options.watch ? '--watch' : '--all'} needs a hub's database, and there is no hub here`,
      'run this where `swarmplane hub` runs, or give --database URL',
    );
  }
  const socket = controlSocketOf(command);
  const { nodeId, name } = await agentStatus(socket);
  const rows: Alarm[] = [];
  const sql =
    'select kind, key, message, first_at, last_at, count from swarm_alarms order by last_at';
  await askAgent(socket, { sql, hosts: [nodeId], timeoutMs: 10_000 }, (answer) => {
    const [, ...columns] = answer.columns;
    for (const [, ...row] of answer.rows)
      rows.push(Object.fromEntries(columns.map((key, i) => [key, row[i]])) as unknown as Alarm);
  });
  rows.push(...(await awayHosts(socket)));
  process.stderr.write(`no hub here: the alarms of ${name} itself\n`);
  if (options.json) process.stdout.write(`${json(rows)}\n`);
  else {
    for (const { kind, key, message, last_at, count } of rows) {
      const times = Number(count) === 1 ? '' : ` (${count} times)`;
      const text = `${kind} ${key}: ${message}${times}`;
      process.stdout.write(shown(new Date(Number(last_at) * 1000), 'warning', text));
    }
    process.stdout.write(`${rows.length} ${rows.length === 1 ? 'alarm' : 'alarms'}\n`);
  }
}

/** As alarms of kind host_away, one a host that is dead and whose name no living one bears. */
async function awayHosts(socket: string): Promise<Alarm[]> {
  const nodes = await controlOnce(socket, { op: 'nodes' });
  const here = new Set(nodes.filter(({ state }) => state === 'alive').map(({ name }) => name));
  return nodes
    .filter(({ state, name }) => state === 'dead' && !here.has(name))
    .map(({ name, since }) => {
      const at = Math.floor(since / 1_000);
      const message = `${name} is away since ${new Date(since).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
      return { kind: 'host_away', key: name, message, first_at: at, last_at: at, count: 1 };
    });
}

interface Alarm {
  readonly kind: string;
  readonly key: string;
  readonly message: string;
  readonly first_at: number | bigint;
  readonly last_at: number | bigint;
  readonly count: number | bigint;
}

const HELP = `
Examples:
  $ swarmplane alerts ack 12 --why 'disk is ordered'
  $ swarmplane alerts mute 12 --for '2 hours' --why 'maintenance of web1'
  $ swarmplane alerts --watch --json | jq -r .message`;
