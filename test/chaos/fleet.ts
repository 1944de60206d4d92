/** What chaos plays with: PostgreSQL, agents, and hubs that reach it through proxies; all real processes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { startTestPostgres, type TestDatabase, type TestPostgres } from '../helpers/postgres.ts';
import { RecordingProxy } from '../helpers/recording-proxy.ts';
import { TestHost, TestSwarm, certifyHub } from '../helpers/swarm.ts';
import { until } from '../helpers/eventually.ts';
import { hasFaketime, SettableClock } from '../helpers/faketime.ts';
import { isRoot } from '../helpers/needs.ts';

/** More than a run needs: it is filled by one of the faults. */
const DISK_MIB = 1_000;
/** Many processes that start on few cores take their time. */
const SETUP_MS = 300_000;

/** The action that chaos commands: adds the command's id as a line to a file. */
export const MARK = 'mark';

const HUB_PROGRAM = fileURLToPath(new URL('hub-child.mjs', import.meta.url));
const ROOTED_PROGRAM = fileURLToPath(new URL('rooted-agent.mjs', import.meta.url));

export interface FleetOptions {
  readonly agents: number;
  readonly hubs: number;
  /** Agents show tables of files that a test writes, and nothing is tracked yet; no actions then. */
  readonly history?: boolean;
}

export interface ChaosHub {
  readonly host: TestHost;
  /** Between this hub and PostgreSQL. */
  readonly proxy: RecordingProxy;
}

export class Fleet {
  readonly postgres: TestPostgres;
  /** The server's; undefined where libfaketime is not installed. */
  readonly clock: SettableClock | undefined;
  /** Whether the server's data have a small disk of their own. */
  readonly hasDisk = isRoot;
  readonly database: TestDatabase;
  readonly swarm: TestSwarm;
  readonly agents: readonly TestHost[];
  readonly hubs: readonly ChaosHub[];
  /** As the owner. */
  readonly pool: pg.Pool;

  static async start({ agents: count, hubs: hubCount, history }: FleetOptions): Promise<Fleet> {
    const postgres = await startTestPostgres(isRoot ? { diskMiB: DISK_MIB } : {});
    const clock = hasFaketime ? new SettableClock() : undefined;
    let swarm: TestSwarm | undefined;
    try {
      if (clock !== undefined) await postgres.restartWith(clock.environment);
      const database = await postgres.createDatabase();
      await shorten(database);
      const program = history ? { program: ROOTED_PROGRAM } : {};
      swarm = await TestSwarm.start(names('host', count), program);
      const agents = [...swarm.hosts];
      if (!history) for (const host of agents) await allowMark(host);
      await swarm.whole(SETUP_MS);
      const hubs: ChaosHub[] = [];
      for (const name of names('hub', hubCount)) hubs.push(await addHub(swarm, name, database.url));
      for (const { host } of hubs) await certifyHub(agents[0]!, host.name);
      if (!history) for (const { host } of hubs) await grant(agents[0]!, host.name);
      const fleet = new Fleet({ postgres, clock, database, swarm, agents, hubs });
      await fleet.#known();
      return fleet;
    } catch (error) {
      await swarm?.stop();
      await postgres.stop();
      clock?.stop();
      throw error;
    }
  }

  private constructor(parts: {
    postgres: TestPostgres;
    clock: SettableClock | undefined;
    database: TestDatabase;
    swarm: TestSwarm;
    agents: readonly TestHost[];
    hubs: readonly ChaosHub[];
  }) {
    this.postgres = parts.postgres;
    this.clock = parts.clock;
    this.database = parts.database;
    this.swarm = parts.swarm;
    this.agents = parts.agents;
    this.hubs = parts.hubs;
    this.pool = parts.database.pool();
  }

  /** Where actions leave their marks, on the disk of this machine that all hosts share. */
  get marks(): string {
    return join(this.swarm.folder, 'marks');
  }

  async stop(): Promise<void> {
    await this.swarm.stop();
    await Promise.all(this.hubs.map(({ proxy }) => proxy.stop()));
    await this.postgres.stop();
    this.clock?.stop();
  }

  /** Every host is in the database before anything is asked of it. */
  async #known(): Promise<void> {
    const all = this.swarm.hosts.length;
    let last = 0;
    await until(
      async () => {
        const { rows } = await this.pool.query<{ known: number }>(
          `select count(*)::int as known from swarmplane.node where state = 'alive'`,
        );
        last = rows[0]!.known;
        return last === all;
      },
      () => `the database knows ${last} of ${all} hosts`,
      { limitMs: 120_000 },
    );
  }
}

async function allowMark(host: TestHost): Promise<void> {
  await host.end();
  const file = join(host.state, 'config.yaml');
  const examples = /^actions:\n(?:  .*\n)*/m;
  const text = readFileSync(file, 'utf8');
  if (!examples.test(text)) throw new Error(`${file} has no actions to replace`);
  writeFileSync(file, text.replace(examples, MARK_CONFIG));
  host.start();
}

/** By the first host, which has the operator's key. */
async function grant(first: TestHost, hub: string): Promise<void> {
  const given = await first.cli(
    'operator',
    'grant',
    hub,
    '--role',
    'commander',
    '--actions',
    MARK,
    '--yes',
  );
  if (given.code !== 0) throw new Error(given.stderr);
}

const MARK_CONFIG = `actions:
  ${MARK}:
    program: /bin/sh
    args: [-c, 'echo "$SWARMPLANE_COMMAND" >> "$1"', ${MARK}, '{file}']
    patterns: {file: '/[A-Za-z0-9/_-]+'}
    enabled: true
`;

/** Joins as an agent, then starts again as a hub. */
async function addHub(swarm: TestSwarm, name: string, databaseUrl: string): Promise<ChaosHub> {
  const joined = await swarm.add(name);
  await swarm.whole(SETUP_MS);
  await joined.end();
  const url = new URL(databaseUrl);
  const proxy = await RecordingProxy.start(url.host, { record: false });
  url.host = proxy.address;
  const host = new TestHost(name, swarm.folder, joined.address, [url.href], HUB_PROGRAM);
  swarm.hosts.splice(swarm.hosts.indexOf(joined), 1, host);
  host.start();
  await host.until((status) => status.hub?.['state'] === 'ready', 'has a hub', SETUP_MS);
  return { host, proxy };
}

/**
 * No tables that are tracked unasked; short times, so that leases run out while a hub is stopped; as many tries as may be, so that every request
 * has to succeed; and commits that a killed server keeps, as outside of tests.
 */
async function shorten(database: TestDatabase): Promise<void> {
  const pool = database.pool();
  await pool.query('delete from swarmplane.track_wish');
  const settings = { lease_time: '3 seconds', retry_max: '2 seconds', attempts_max: '1000' };
  for (const [name, value] of Object.entries(settings))
    await pool.query('update swarmplane.setting set value = $2 where name = $1', [name, value]);
  await pool.query(`alter database ${database.name} set synchronous_commit = on`);
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}${at + 1}`);
}
