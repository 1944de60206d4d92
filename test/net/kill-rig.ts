/** Two real processes that dial through a proxy which counts messages and kills one of them at a given one. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { encodeFrame, FRAME_MAX_AFTER_AUTH, FrameDecoder } from '../../src/wire/index.ts';

const SCRIPT = fileURLToPath(new URL('kill-child.mjs', import.meta.url));

interface Line {
  readonly up?: string;
  readonly member?: boolean;
  readonly linked?: readonly string[];
  readonly answers?: readonly string[];
}

/** A process that is loaded already and waits for its part. */
export class Host {
  readonly #child: ChildProcess;
  readonly #lines: Line[] = [];
  #changed: (() => void)[] = [];
  #errors = '';
  #ended = false;

  constructor() {
    this.#child = spawn(process.execPath, [SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr!.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
    // A killed process may be written to once more.
    this.#child.stdin!.on('error', () => undefined);
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.#lines.push(JSON.parse(line) as Line);
      this.#wake();
    });
    this.#child.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** The first line that satisfies, from now or earlier. @throws Error when the process ends before */
  async line(satisfies: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.#lines.findLast(satisfies);
      if (found !== undefined) return found;
      if (this.#ended) throw new Error(`a host ended: ${this.#errors}`);
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    }
  }

  /** Resolves when what it said last about links names `name`. */
  async linkedTo(name: string): Promise<void> {
    await this.line((line) => {
      const last = this.#lines.findLast(({ linked }) => linked !== undefined);
      return line === last && last.linked!.includes(name);
    });
  }

  /** The states of all hosts, asked from here. */
  async ask(): Promise<readonly string[]> {
    const before = this.#lines.filter((line) => line.answers).length;
    this.tell('ask');
    const { answers } = await this.line(
      (line) =>
        line.answers !== undefined && this.#lines.filter((one) => one.answers).length > before,
    );
    return answers!;
  }

  tell(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** SIGKILL. Resolves when the process is gone. */
  async kill(): Promise<void> {
    if (this.#ended) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }

  #wake(): void {
    for (const wake of this.#changed.splice(0)) wake();
  }
}

/** Calls `at` at the message with this number of a connection's (0: when it is accepted). */
export interface Trap {
  readonly message: number;
  /** False: the message is dropped. */
  readonly passes: boolean;
  at(): void;
}

/** Forwards whole messages, and springs a trap once. */
export class MessageProxy {
  target: string | undefined;
  #trap: Trap | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (client) => this.#accept(client));
  }

  static async start(): Promise<MessageProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new MessageProxy(server);
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  set(trap: Trap): void {
    this.#trap = trap;
  }

  /** Ends every connection; new ones pass. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    if (this.target === undefined) return void client.destroy();
    const server = connect(Number(this.target.split(':')[1]), '127.0.0.1');
    let count = 0;
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      const decoder = new FrameDecoder(FRAME_MAX_AFTER_AUTH);
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('data', (bytes) => {
        for (const frame of decoder.push(bytes)) {
          if (!this.#springs(++count) && to.writable) to.write(encodeFrame(frame));
        }
      });
    }
    server.on('connect', () => this.#springs(0));
  }

  /** True when the message is to be dropped. */
  #springs(count: number): boolean {
    const trap = this.#trap;
    if (trap?.message !== count) return false;
    this.#trap = undefined;
    // What passes is written first.
    if (trap.passes) setImmediate(() => trap.at());
    else trap.at();
    return !trap.passes;
  }
}

export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(`${tmpdir()}/swarmplane-kill-`);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
