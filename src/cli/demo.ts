/**
 * `npm start`: a real swarm on this machine. A hub and three more agents, each its own process with
 * its own state folder, joined over 127.0.0.1 by one join token. A second start finds the old data.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import {
  CONFIG_FILE,
  CONTROL_SOCKET,
  controlOnce,
  FIRST_TOKEN,
  initSwarm,
  isInitialised,
  loadConfig,
  OPERATOR_KEY_FILE,
  OperatorDesk,
  renderConfig,
  StateFolder,
} from '../agent/index.ts';
import { findPackage } from '../hub/index.ts';
import { CliError } from './errors.ts';
import { PSQL_URL_FILE } from './options.ts';
import { allowDemoAction, certifyDemoHub, DEMO_ACTION } from './demo-action.ts';
import { handoverLine, untilHandedOver, type Missing } from './demo-history.ts';
import { printOnce } from './demo-once.ts';
import { Progress, type Step } from './progress.ts';
import { agentStatus } from './status.ts';

const NAMES = ['demo1', 'demo2', 'demo3', 'demo4'] as const;
const HUB = NAMES[0];
const READY_MS_MAX = 120_000;
const STOP_MS_MAX = 15_000;

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('run a hub and three more agents on this machine, to try things out')
    .option('--folder <DIR>', 'where the four state folders go', '.swarmplane-demo')
    .option('--once', 'insert one request, print its rows and account, stop')
    .action(async (options: { folder: string; once?: boolean }) => {
      const demo = new Demo(resolve(options.folder));
      try {
        const url = await demo.start();
        if (options.once) process.exitCode = await printOnce(demo.hubUrl());
        else {
          process.stdout.write(demo.welcome(url));
          await demo.untilEnd();
        }
      } finally {
        await demo.stop();
      }
    });
}

class Demo {
  readonly #folder: string;
  readonly #children = new Map<string, ChildProcess>();
  readonly #interrupted = new AbortController();
  /** Hosts without history in the hub. */
  #missing: readonly Missing[] = [];
  #isTokenNew = false;

  constructor(folder: string) {
    this.#folder = folder;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => this.#interrupted.abort());
    }
  }

  /** @returns the URL for psql, without the password, once four hosts see each other and the hub is ready */
  async start(): Promise<string> {
    refuseWithoutServer();
    const progress = new Progress(steps(isInitialised(this.#state(HUB))));
    try {
      const url = await this.#start(progress);
      this.#interrupted.signal.throwIfAborted();
      return url;
    } catch (error) {
      // Ctrl-C reaches the agents as well: whatever fails then fails because of it.
      if (this.#interrupted.signal.aborted) throw new CliError('stopped before all hosts were up');
      throw error;
    } finally {
      progress.end();
    }
  }

  async #start(progress: Progress): Promise<string> {
    progress.next();
    const hubAddress = await this.#prepareHub();
    this.#spawn(HUB, ['hub', '--rejoin']);
    const { nodeId } = await this.#ready(HUB, (status) => status.hub !== null);
    progress.next();
    await certifyDemoHub(this.#state(HUB), nodeId);
    const token = await this.#tokenFile();
    for (const name of NAMES.slice(1)) {
      const listen = await this.#prepareMember(name, hubAddress);
      const join = ['--join', hubAddress, '--token-file', token];
      this.#spawn(name, ['up', '--rejoin', '--name', name, '--listen', listen, ...join]);
    }
    for (const name of NAMES) await this.#ready(name, (status) => status.alive === NAMES.length);
    progress.next();
    const hub = await this.#ready(HUB, (status) => status.hub?.['state'] === 'ready');
    progress.next();
    this.#missing = await untilHandedOver(this.hubUrl(), NAMES, this.#interrupted.signal);
    return hub.hub!['url']!;
  }

  /** With the password. */
  hubUrl(): string {
    return this.#state(HUB).readText(PSQL_URL_FILE)!.trim();
  }

  /** Resolves at Ctrl-C; an agent that ends before that is an error. */
  async untilEnd(): Promise<void> {
    if (this.#interrupted.signal.aborted) return;
    await new Promise<void>((done) =>
      this.#interrupted.signal.addEventListener('abort', () => done(), { once: true }),
    );
    process.stderr.write('\nstopping\n');
  }

  async stop(): Promise<void> {
    const running = [...this.#children.values()].filter(
      (child) => child.exitCode === null && child.signalCode === null,
    );
    const killer = setTimeout(() => running.forEach((child) => child.kill('SIGKILL')), STOP_MS_MAX);
    await Promise.all(
      running.map(async (child) => {
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        await exited;
      }),
    );
    clearTimeout(killer);
  }

  welcome(url: string): string {
    const program = `node ${relativeToHere(PROGRAM)}`;
    const state = (name: string) => `--state ${relativeToHere(this.#state(name).path)}`;
    return `
swarmplane: ${NAMES.length} hosts are up: ${NAMES.join(', ')}; the hub is on ${HUB}
psql URL:   ${url}
history:    ${handoverLine(this.#missing, NAMES.length)}
control:    ${program} ${state('demo2')} COMMAND
data, logs: ${relativeToHere(this.#folder)}

Five things to try, in another terminal:

1. ask every host from psql:
   psql '${url}' \\
     -c "call swarmplane.ask('select name, version from deb_packages where name = ''bash''')" \\
     -c 'table swarmplane.answer'

2. ask by insert, and read who answered (no psql here? this works without):
   ${program} ${state(HUB)} sql "insert into swarmplane.request (sql) values ('select * from os_version') returning id"
   ${program} ${state(HUB)} sql 'table swarmplane.request_status'      # who answered
   ${program} ${state(HUB)} sql 'select host, row from swarmplane.result'  # the answers

3. start something on hosts you name, once each, and read what it said:
   ${program} ${state(HUB)} sql "insert into swarmplane.request (action, args, hosts) values ('${DEMO_ACTION}', '{\\"name\\": \\"world\\"}', '{demo2,demo3}') returning id"
   ${program} ${state(HUB)} sql "select host, row ->> 'stdout' as said from swarmplane.result where request_id = (select max(id) from swarmplane.request where action is not null)"

4. ask from any host, hub or no hub:
   ${program} ${state('demo2')} query 'select pid, name, resident_size from processes order by resident_size desc limit 3'

5. see what every host has handed over of the tables that the hub tracks, and since when:
   ${program} ${state(HUB)} sql 'select host, "table", rows, changed_at, missing from swarmplane.tracked order by host, "table"'

Ctrl-C stops all of it; the next start finds the data again.
`;
  }

  async #prepareHub(): Promise<string> {
    const state = this.#state(HUB);
    const listen = await addressOf(state);
    if (!isInitialised(state)) this.#keepToken(await initSwarm(state, { name: HUB, listen }));
    allowDemoAction(state);
    return listen;
  }

  /** A token of an earlier start may have ended: hosts that are not in yet get a new one. */
  async #tokenFile(): Promise<string> {
    const state = this.#state(HUB);
    const key = state.file(OPERATOR_KEY_FILE);
    const wanted = NAMES.some((name) => !isInitialised(this.#state(name)));
    if (this.#isTokenNew || !wanted || !existsSync(key)) return this.#token;
    const desk = await OperatorDesk.open(key);
    const socket = state.file(CONTROL_SOCKET);
    const known = await controlOnce(socket, { op: 'records' });
    const { text, record } = await desk.newToken(known.epochId, {
      ...FIRST_TOKEN,
      uses: 3,
      hours: 1,
    });
    await controlOnce(socket, { op: 'install', records: [record.bytes] });
    this.#keepToken(text);
    return this.#token;
  }

  #keepToken(text: string): void {
    writeFileSync(this.#token, `${text}\n`, { mode: 0o600 });
    this.#isTokenNew = true;
  }

  get #token(): string {
    return `${this.#folder}/join.token`;
  }

  /** A host that joins keeps the configuration that it finds. */
  async #prepareMember(name: string, hubAddress: string): Promise<string> {
    const state = this.#state(name);
    const listen = await addressOf(state);
    if (!isInitialised(state))
      state.writeSync(CONFIG_FILE, renderConfig({ name, listen, seeds: [hubAddress] }));
    allowDemoAction(state);
    return listen;
  }

  #spawn(name: string, args: readonly string[]): void {
    const state = this.#state(name);
    const log = openSync(state.file('agent.log'), 'a', 0o600);
    const child = fork(PROGRAM, ['--state', state.path, ...args], {
      stdio: ['ignore', log, log, 'ipc'],
      execArgv: [],
    });
    closeSync(log);
    this.#children.set(name, child);
    child.once('exit', (code, signal) => {
      if (!this.#interrupted.signal.aborted && code !== 0) {
        process.stderr.write(
          `swarmplane: ${name} ended (${signal ?? `exit code ${code}`}); see ${state.file('agent.log')}\n`,
        );
      }
    });
  }

  async #ready(name: string, isReady: (status: Status) => boolean): Promise<Status> {
    const socket = this.#state(name).file(CONTROL_SOCKET);
    const deadline = Date.now() + READY_MS_MAX;
    for (;;) {
      const status = await agentStatus(socket).catch(() => undefined);
      if (status !== undefined && isReady(status)) return status;
      const child = this.#children.get(name)!;
      if (child.exitCode !== null || child.signalCode !== null) throw this.#notUp(name, 'ended');
      this.#interrupted.signal.throwIfAborted();
      if (Date.now() > deadline)
        throw this.#notUp(name, `was not ready within ${READY_MS_MAX / 1000} s`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  #notUp(name: string, what: string): CliError {
    const log = this.#state(name).readText('agent.log') ?? '';
    const tail = log.trimEnd().split('\n').slice(-6).join('\n');
    return new CliError(
      `${name} ${what}; its log ends:\n${tail}`,
      `the whole log: ${this.#state(name).file('agent.log')}`,
    );
  }

  #state(name: string): StateFolder {
    return StateFolder.open(`${this.#folder}/${name}`);
  }
}

/** Before any folder is made. @throws CliError */
function refuseWithoutServer(): void {
  try {
    findPackage();
  } catch (error) {
    throw new CliError(
      (error as Error).message,
      'the demo needs it: install swarmplane without --omit=optional, or run `npm start` in a clone',
    );
  }
}

/** Figures of a machine of 2 cores with nothing else to do. */
function steps(again: boolean): Step[] {
  const others = NAMES.slice(1).join(', ');
  return [
    { what: `${again ? 'start' : 'make a swarm and start'} ${HUB}`, usualSeconds: 2 },
    { what: `${again ? 'start' : 'join'} ${others}`, usualSeconds: again ? 3 : 6 },
    {
      what: again ? 'wait for PostgreSQL' : 'make the database of the hub',
      usualSeconds: again ? 2 : 6,
    },
    { what: 'wait until every host has handed over what the hub tracks', usualSeconds: 6 },
  ];
}

type Status = Awaited<ReturnType<typeof agentStatus>>;

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

function relativeToHere(path: string): string {
  const here = `${process.cwd()}/`;
  return path.startsWith(here) ? path.slice(here.length) : path;
}

async function addressOf(state: StateFolder): Promise<string> {
  return isInitialised(state) ? keepOrMoveAddress(state) : `127.0.0.1:${await freePort()}`;
}

/** Others know the old port; only when somebody else took it meanwhile is a new one written down. */
async function keepOrMoveAddress(state: StateFolder): Promise<string> {
  const { host, port } = loadConfig(state).listen;
  if (await isFree(port)) return `${host}:${port}`;
  const moved = `127.0.0.1:${await freePort()}`;
  const text = state.readText(CONFIG_FILE)!.replace(/^listen:.*$/m, `listen: "${moved}"`);
  state.writeSync(CONFIG_FILE, text);
  return moved;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    server.close();
    await once(server, 'close');
    return true;
  } catch {
    return false;
  }
}
