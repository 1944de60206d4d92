/**
 * One query process, seen from the agent: one job at a time, ended by SIGKILL when it does not
 * answer. The limits of a job are measured here as well: a process that is stuck obeys none.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { compiled } from './compiled.ts';
import type { ChildSettings, Job, Report } from './protocol.ts';
import { RunningJob, type Outcome } from './running-job.ts';
import { cancelled, howToGoOn, memoryLimit, QueryError } from './types.ts';

/** How long the last words of a process that was killed are waited for. */
const LAST_WORDS_MS = 500;
const STDERR_MAX = 4_096;
/** Node, V8's heap and what collectors keep outside of it; SQLite's memory comes on top. */
const RESIDENT_BYTES = 512 * 1024 * 1024;
const PAGE_BYTES = 4_096;

/** V8's heap; SQLite's own memory is outside of it and limited by heapBytes. */
const EXEC_ARGV = [
  '--max-old-space-size=192',
  // Regular expressions that backtrack too much go on in V8's linear-time engine.
  '--enable-experimental-regexp-engine-on-excessive-backtracks',
  '--no-warnings',
];

/** Collectors see where programs are and how text is written, and none of the agent's secrets. */
const ENVIRONMENT = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'DOCKER_HOST', 'XDG_RUNTIME_DIR'];

export class QueryProcess {
  ended = false;
  /** The table that was read last. */
  reading: string | undefined;
  /** Resolves when a job would run at once. @throws QueryError when the process ends before */
  readonly ready: Promise<void>;
  isReady = false;
  /** Resolves when the kernel has let go of the process. */
  readonly gone: Promise<void>;
  private readonly child: ChildProcess;
  private readonly settings: ChildSettings;
  private readonly startMs: number;
  private readonly onEnd: () => void;
  private readonly becomeReady: { resolve: () => void; reject: (error: QueryError) => void };
  private readonly startTimer: NodeJS.Timeout;
  private idleTimer: NodeJS.Timeout | undefined;
  private running: RunningJob | undefined;
  private stderr = '';
  private endedWith: QueryError | undefined;

  /**
   * @param startMs how long Node and SQLite may take to start, and a collector to load its library
   * @param onEnd told once, when the process takes no more jobs
   */
  constructor(settings: ChildSettings, startMs: number, onEnd: () => void) {
    this.settings = settings;
    this.startMs = startMs;
    this.onEnd = onEnd;
    const ready = withResolvers();
    [this.ready, this.becomeReady] = [ready.promise, ready];
    // Nobody may be waiting for it.
    this.ready.catch(() => undefined);
    this.child = fork(compiled('child'), [JSON.stringify(settings)], {
      serialization: 'advanced',
      execArgv: EXEC_ARGV,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: Object.fromEntries(ENVIRONMENT.map((name) => [name, process.env[name]])),
      // A group of its own: programs that collectors started end with it.
      detached: true,
    });
    this.gone = new Promise((resolve) => this.child.once('close', () => resolve()));
    this.startTimer = setTimeout(() => void this.kill(this.notStarted()), startMs);
    this.startTimer.unref();
    this.child.on('message', (report) => this.take(report as Report));
    this.child.on('error', (error) => this.end(String(error)));
    this.child.on('exit', (code, signal) => this.exited(signal ?? `code ${code}`));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_MAX);
    });
  }

  /**
   * The job's time begins now: the process must be ready.
   * @throws QueryError; at a limit or abort the process is ended with it
   */
  run(job: Job, signal: AbortSignal | undefined): Promise<Outcome> {
    this.hold();
    return new Promise<Outcome>((resolve, reject) => {
      const onAbort = (): void => void this.kill(cancelled());
      const running = new RunningJob(job, {
        overdue: () => void this.kill(overdue(job, this.reading)),
        look: () => this.look(),
      });
      const settle = <T>(then: (value: T) => void) => {
        return (value: T): void => {
          running.stop();
          signal?.removeEventListener('abort', onAbort);
          this.running = undefined;
          then(value);
        };
      };
      running.resolve = settle(resolve);
      running.reject = settle(reject);
      this.running = running;
      this.reading = undefined;
      if (this.ended) return running.reject(this.endedWith ?? this.died('it has ended'));
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted === true) return onAbort();
      this.child.send(job, (error) => {
        if (error !== null) this.end(String(error));
      });
    });
  }

  /** Keeps the agent alive until the next rest. */
  hold(): void {
    clearTimeout(this.idleTimer);
    this.child.ref();
    this.child.channel?.ref();
  }

  /** Ends the process after a while without a job, and does not keep the agent alive for it. */
  rest(idleMs: number): void {
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => void this.kill(cancelled()), idleMs);
    this.idleTimer.unref();
    this.child.unref();
    this.child.channel?.unref();
    (this.child.stderr as { unref?: () => void } | null)?.unref?.();
  }

  /**
   * SIGKILL, to the programs of its collectors as well. A process blocked in a dead mount obeys as
   * soon as the kernel lets it: its query is answered at once, and nobody waits long for it.
   */
  async kill(reason: QueryError): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.endedWith ??= reason;
    this.child.ref();
    killGroup(this.child);
    this.end('SIGKILL');
    await Promise.race([this.gone, unreferencedDelay(2_000)]);
    this.child.unref();
  }

  private take(report: Report): void {
    if (report.type === 'ready') {
      clearTimeout(this.startTimer);
      this.isReady = true;
      return this.becomeReady.resolve();
    }
    const { running } = this;
    if (running === undefined) return;
    switch (report.type) {
      case 'reading':
        this.reading = report.table;
        return;
      case 'loading':
        return running.pause(this.startMs);
      case 'loaded':
        return running.arm();
      case 'rows':
        return this.add(running, report.rows);
      case 'done':
        this.add(running, report.rows);
        if (!this.ended) running.resolve({ done: report.done, rows: running.rows });
        return;
      case 'failed': {
        const error = new QueryError(report.code, report.message);
        if (report.spoiled) void this.kill(error);
        else running.reject(error);
      }
    }
  }

  /** The process counts its rows; one that counts wrong does not take the agent's memory. */
  private add(running: RunningJob, rows: Outcome['rows']): void {
    running.add(rows);
    const { rowsMax, answerBytesMax } = this.settings;
    if (running.rows.length > rowsMax || running.bytes > answerBytesMax)
      void this.kill(new QueryError('failed', 'the query process sent more rows than it may'));
  }

  /** V8 and SQLite keep to their limits; buffers of a collector are in neither. */
  private look(): void {
    const most = RESIDENT_BYTES + this.settings.heapBytes;
    if (residentBytes(this.child.pid) > most) void this.kill(memoryLimit());
  }

  private exited(how: string): void {
    this.close();
    // "close" comes after the last of stderr, and late where a program still holds it open.
    const timer = setTimeout(() => this.end(how), LAST_WORDS_MS);
    void this.gone.then(() => {
      clearTimeout(timer);
      this.end(how);
    });
  }

  private end(how: string): void {
    this.close();
    const error = this.endedWith ?? this.died(how);
    this.becomeReady.reject(error);
    this.running?.reject(error);
  }

  private close(): void {
    clearTimeout(this.startTimer);
    clearTimeout(this.idleTimer);
    if (this.ended) return;
    this.ended = true;
    this.onEnd();
  }

  private notStarted(): QueryError {
    return new QueryError(
      'busy',
      `the query process was not ready within ${this.startMs} ms; ask again later, ` +
        'or give it more with limits.start_ms in config.yaml',
    );
  }

  private died(how: string): QueryError {
    if (/heap out of memory|out of memory|Array buffer allocation failed/i.test(this.stderr))
      return memoryLimit();
    const last = this.stderr.trim().split('\n').at(-1) ?? '';
    const where = this.reading === undefined ? '' : ` while reading table "${this.reading}"`;
    const said = last === '' ? '' : `: ${last}`;
    return new QueryError('failed', `the query process ended (${how})${where}${said}`);
  }
}

function overdue({ kind, timeMs, timeMsMax }: Job, reading: string | undefined): QueryError {
  const where = reading === undefined ? '' : ` in table "${reading}", which did not answer in time`;
  return new QueryError(
    'time_limit',
    kind === 'prepare' || kind === 'explain'
      ? `preparing the query was ended after ${timeMs} ms; make the query simpler`
      : `the query was ended after its ${timeMs} ms${where}; ${howToGoOn({ timeMs, timeMsMax })}`,
  );
}

/** Resident memory of a process (proc(5), statm); 0 where it has ended. */
function residentBytes(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has not come to lead a group yet, or has ended.
    child.kill('SIGKILL');
  }
}

function withResolvers() {
  let resolve!: () => void;
  let reject!: (error: QueryError) => void;
  const promise = new Promise<void>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}

function unreferencedDelay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
