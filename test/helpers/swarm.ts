/** A real swarm for tests: agents as processes from dist, each with its own state folder, over 127.0.0.1. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, openSync, closeSync, existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONTROL_SOCKET, controlOnce } from '../../src/agent/index.ts';
import { eventually, Stop } from './eventually.ts';

export { eventually, Stop };

export const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Within which a process that was told to end has to. */
const END_MS = 60_000;

export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** Runs the program to its end. */
export async function swarmplane(
  args: readonly string[],
  options: {
    stdin?: string;
    env?: NodeJS.ProcessEnv;
    timeoutMs?: number;
    uid?: number;
    gid?: number;
    /** Another Node.js than that of the tests. */
    node?: string;
    program?: string;
  } = {},
): Promise<CliResult> {
  const { stdin = '', env = {}, timeoutMs = 60_000, ...rest } = options;
  const { node = process.execPath, program = PROGRAM, ...ids } = rest;
  const child = spawn(node, [program, ...args], {
    env: { ...process.env, ...env },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    ...ids,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  const [code] = (await once(child, 'close')) as [number | null];
  return { stdout, stderr, code };
}

export interface Status {
  readonly name: string;
  readonly nodeId: string;
  readonly pid: number;
  readonly members: number;
  readonly alive: number;
  readonly rssBytes: number;
  readonly address: string;
  readonly hub: Record<string, string> | null;
}

export class TestHost {
  readonly name: string;
  readonly state: string;
  readonly address: string;
  readonly #args: readonly string[];
  readonly #program: string;
  readonly #node: string;
  #child: ChildProcess | undefined;

  constructor(
    name: string,
    folder: string,
    address: string,
    args: readonly string[],
    program = PROGRAM,
    node = process.execPath,
  ) {
    this.name = name;
    this.state = join(folder, name);
    this.address = address;
    this.#args = args;
    this.#program = program;
    this.#node = node;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** Of its last run, once that has ended by itself. */
  get exitCode(): number | null {
    return this.#child!.exitCode;
  }

  get running(): boolean {
    return (
      this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
    );
  }

  start(env: NodeJS.ProcessEnv = {}): void {
    const log = openSync(`${this.state}.log`, 'a');
    this.#child = spawn(this.#node, [this.#program, '--state', this.state, ...this.#args], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
    });
    closeSync(log);
  }

  log(): string {
    return existsSync(`${this.state}.log`) ? readFileSync(`${this.state}.log`, 'utf8') : '';
  }

  cli(...args: string[]): Promise<CliResult> {
    return swarmplane(['--state', this.state, ...args], { node: this.#node });
  }

  async status(): Promise<Status> {
    return (await controlOnce(join(this.state, CONTROL_SOCKET), {
      op: 'status',
    })) as unknown as Status;
  }

  /** Resolves once `holds` is true of the status. */
  async until(
    holds: (status: Status) => boolean,
    what: string,
    timeoutMs = 60_000,
  ): Promise<Status> {
    return eventually(
      async () => {
        if (!this.running) throw new Stop(`${this.name} ended:\n${this.log()}`);
        const status = await this.status();
        return holds(status) ? status : undefined;
      },
      () => `${this.name}: ${what}\n${this.log().slice(-3000)}`,
      timeoutMs,
    );
  }

  /** Sends a signal and waits for the end; throws when there is none. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.running) return;
    const child = this.#child!;
    const exited = once(child, 'exit', { signal: AbortSignal.timeout(END_MS) });
    child.kill(signal);
    try {
      await exited;
    } catch {
      child.kill('SIGKILL');
      throw new Error(
        `${this.name} has not ended ${END_MS} ms after ${signal}:\n${this.log().slice(-3000)}`,
      );
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child!.kill(signal);
  }
}

/** The operator's word that a host is a hub, by the host that has the operator key. */
export async function certifyHub(first: TestHost, hub: string): Promise<void> {
  const given = await first.cli('operator', 'grant', hub, '--role', 'hub', '--yes');
  if (given.code !== 0) throw new Error(given.stderr);
}

export class TestSwarm {
  readonly folder: string;
  readonly hosts: TestHost[] = [];
  readonly #program: string | undefined;
  readonly #node: string | undefined;

  constructor(program?: string, node?: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'swarm-'));
    this.#program = program;
    this.#node = node;
  }

  /**
   * `hub` names the first host's role: it runs `hub`, on the embedded server or on `database`.
   * `program` is run by every host instead of the real one, `node` instead of the tests' Node.js.
   */
  static async start(
    names: readonly string[],
    options: { hub?: boolean; database?: string; program?: string; node?: string } = {},
  ): Promise<TestSwarm> {
    const swarm = new TestSwarm(options.program, options.node);
    try {
      await swarm.#start(names, options);
      return swarm;
    } catch (error) {
      await swarm.stop();
      throw error;
    }
  }

  host(name: string): TestHost {
    const found = this.hosts.find((host) => host.name === name);
    if (found === undefined) throw new Error(`no host ${name}`);
    return found;
  }

  get tokenFile(): string {
    return join(this.folder, 'join.token');
  }

  /** Adds a host that joins through the first one, or another. */
  async add(name: string, through = this.hosts[0]!, node = this.#node): Promise<TestHost> {
    const address = await freeAddress();
    const join = ['--join', through.address, '--token-file', this.tokenFile];
    const args = ['up', '--name', name, '--listen', address, ...join];
    const host = new TestHost(name, this.folder, address, args, this.#program, node);
    this.hosts.push(host);
    host.start();
    return host;
  }

  /** Every host sees all of them alive. */
  async whole(timeoutMs?: number): Promise<void> {
    const running = this.hosts.filter((host) => host.running);
    for (const host of running)
      await host.until((s) => s.alive === running.length, 'sees all alive', timeoutMs);
  }

  async stop(): Promise<void> {
    for (const host of this.hosts) if (host.running) host.signal('SIGCONT');
    await Promise.all(this.hosts.map((host) => host.end()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #start(
    names: readonly string[],
    options: { hub?: boolean; database?: string },
  ): Promise<void> {
    const [first, ...others] = names;
    const address = await freeAddress();
    const database = options.database === undefined ? [] : ['--database', options.database];
    const args = options.hub ? ['hub', ...database] : ['up'];
    const host = new TestHost(first!, this.folder, address, args, this.#program, this.#node);
    this.hosts.push(host);
    const token = ['--token-file', this.tokenFile];
    const made = await host.cli('init', '--name', first!, '--listen', address, ...token);
    if (made.code !== 0) throw new Error(made.stderr);
    host.start();
    await host.until(() => true, 'is up');
    for (const name of others) await this.add(name);
    await this.whole();
    if (options.hub) await host.until((s) => s.hub?.['state'] === 'ready', 'has a hub', 120_000);
  }
}

/** An address nobody listens on. Two callers never get the same one while both keep it. */
export async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}
