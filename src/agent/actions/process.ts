/**
 * The program of an action: no shell, nothing on standard input, a session of its own, so that its
 * time limit ends all that it started. Standard output and error are kept up to a limit; the rest is
 * counted and dropped, slowly, so that a talkative program cannot hold up the agent.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { ActionConfig, ActionEnd, ActionOutcome } from './types.ts';
import type { RunAs } from './user.ts';

/** Between SIGTERM and SIGKILL. */
const KILL_GRACE_MS = 5_000;
/** What left its output to a process in the background is not waited for longer than this. */
const DRAIN_MS = 1_000;
/** Pause after each piece (64 KiB) beyond the limit: 6 MB/s at most are read to be dropped. */
const DROP_PAUSE_MS = 10;

/** Names the command in the environment of everything that it starts: see leftovers.ts. */
export const COMMAND_VARIABLE = 'SWARMPLANE_COMMAND';

export class ActionProcess {
  /** Resolves when it ended and what it wrote is read. Never rejects. */
  readonly done: Promise<ActionOutcome>;
  readonly #child: ChildProcess;
  readonly #stdout: Output;
  readonly #stderr: Output;
  readonly #startedAt = performance.now();
  readonly #limit: NodeJS.Timeout;
  #killer: NodeJS.Timeout | undefined;
  #stoppedBy: ActionEnd | undefined;

  /** @throws what keeps it from starting, where that is known at once */
  constructor(action: ActionConfig, args: readonly string[], user: RunAs, commandId: string) {
    this.#child = spawn(action.program, args, {
      cwd: '/',
      // Node drops supplementary groups when it changes the user: only the user's own group is left.
      ...user.ids,
      env: {
        PATH,
        LANG: 'C.UTF-8',
        HOME: user.home,
        USER: user.name,
        LOGNAME: user.name,
        ...action.env,
        [COMMAND_VARIABLE]: commandId,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const exit = exitOf(this.#child);
    this.#stdout = new Output(this.#child.stdout, action.outputLimit);
    this.#stderr = new Output(this.#child.stderr, action.outputLimit);
    this.#limit = setTimeout(() => this.stop('time_limit'), action.timeLimitMs);
    this.done = this.#end(exit);
  }

  /** SIGTERM to all that it started, SIGKILL a little later. The first reason stays. */
  stop(because: 'time_limit' | 'interrupted'): void {
    if (this.#stoppedBy !== undefined) return;
    this.#stoppedBy = because;
    this.#signal('SIGTERM');
    this.#killer = setTimeout(() => this.#signal('SIGKILL'), KILL_GRACE_MS);
  }

  async #end(exit: Promise<Exit>): Promise<ActionOutcome> {
    const { code, signal, error } = await exit;
    clearTimeout(this.#limit);
    clearTimeout(this.#killer);
    // What its time limit found in its group ends with it.
    if (this.#stoppedBy !== undefined) this.#signal('SIGKILL');
    await this.#drained();
    const byItself = signal === null ? 'exit' : 'signal';
    return {
      ended: error === null ? (this.#stoppedBy ?? byItself) : 'not_started',
      exitCode: code,
      signal,
      error,
      stdout: this.#stdout.text,
      stderr: this.#stderr.text,
      stdoutBytes: this.#stdout.bytes,
      stderrBytes: this.#stderr.bytes,
      truncated: this.#stdout.truncated || this.#stderr.truncated,
      tookMs: Math.round(performance.now() - this.#startedAt),
    };
  }

  async #drained(): Promise<void> {
    const late = setTimeout(() => {
      this.#stdout.stop();
      this.#stderr.stop();
    }, DRAIN_MS);
    await Promise.all([this.#stdout.ended, this.#stderr.ended]);
    clearTimeout(late);
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // The group is gone.
    }
  }
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error: string | null;
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal, error: null }));
    child.once('error', (error) => resolve({ code: null, signal: null, error: error.message }));
  });
}

class Output {
  readonly ended: Promise<void>;
  /** None where there was no file descriptor left for it. */
  readonly #stream: Readable | null;
  readonly #limit: number;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  bytes = 0;

  constructor(stream: Readable | null, limit: number) {
    this.#stream = stream;
    this.#limit = limit;
    stream?.on('data', (chunk: Buffer) => this.#take(chunk));
    stream?.on('error', () => undefined);
    this.ended = new Promise((resolve) =>
      stream ? stream.once('close', () => resolve()) : resolve(),
    );
  }

  get text(): string {
    return new TextDecoder().decode(Buffer.concat(this.#kept));
  }

  get truncated(): boolean {
    return this.bytes > this.#keptBytes;
  }

  stop(): void {
    this.#stream?.destroy();
  }

  #take(chunk: Buffer): void {
    this.bytes += chunk.length;
    const room = this.#limit - this.#keptBytes;
    if (room > 0) {
      const kept = chunk.subarray(0, room);
      this.#kept.push(kept);
      this.#keptBytes += kept.length;
    }
    if (chunk.length <= room) return;
    this.#stream?.pause();
    setTimeout(() => this.#stream?.resume(), DROP_PAUSE_MS);
  }
}
