/** One query process, seen from the agent: one job at a time, ended by SIGKILL when it does not answer. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Value } from '../tables/types.ts';
import { compiled } from './compiled.ts';
import type { ChildSettings, Done, Job, Report } from './protocol.ts';
import { cancelled, type Outcome } from './runner.ts';
import { QueryError } from './types.ts';

/** The child ends most queries itself at the limit; this long after it is killed. */
const GRACE_MS = 500;
/** Starting Node and SQLite is not on the query's account, on a slow machine neither. */
const START_MS = 15_000;
const STDERR_MAX = 4_096;

/** V8's heap; SQLite's own memory is outside of it and limited by heapBytes. */
const EXEC_ARGV = [
  '--max-old-space-size=192',
  // Regular expressions that backtrack too much go on in V8's linear-time engine.
  '--enable-experimental-regexp-engine-on-excessive-backtracks',
  '--no-warnings',
];

/** Collectors see where programs are and how text is written, and none of the agent's secrets. */
const ENVIRONMENT = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'DOCKER_HOST', 'XDG_RUNTIME_DIR'];

interface Running {
  readonly job: Job;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: QueryError) => void;
  readonly rows: (readonly Value[])[];
  reading: string | undefined;
}

export class QueryProcess {
  ended = false;
  private readonly child: ChildProcess;
  private readonly onEnd: () => void;
  private running: Running | undefined;
  private timer: NodeJS.Timeout | undefined;
  private fresh = true;
  private stderr = '';
  private endedWith: QueryError | undefined;

  constructor(settings: ChildSettings, onEnd: () => void) {
    this.onEnd = onEnd;
    this.child = fork(compiled('child'), [JSON.stringify(settings)], {
      serialization: 'advanced',
      execArgv: EXEC_ARGV,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: Object.fromEntries(ENVIRONMENT.map((name) => [name, process.env[name]])),
    });
    this.child.on('message', (report) => this.take(report as Report));
    this.child.on('error', (error) => this.end(String(error)));
    this.child.on('exit', (code, signal) => this.end(signal ?? `code ${code}`));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_MAX);
    });
  }

  /** @throws QueryError; at the time limit or abort the process is ended with it */
  run(job: Job, signal: AbortSignal | undefined): Promise<Outcome> {
    clearTimeout(this.timer);
    this.child.ref();
    this.child.channel?.ref();
    return new Promise<Outcome>((resolve, reject) => {
      const onAbort = (): void => void this.kill(cancelled());
      const settle = <T>(then: (value: T) => void) => {
        return (value: T): void => {
          clearTimeout(this.timer);
          signal?.removeEventListener('abort', onAbort);
          this.running = undefined;
          then(value);
        };
      };
      this.running = {
        job,
        resolve: settle(resolve),
        reject: settle(reject),
        rows: [],
        reading: undefined,
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const most = job.timeMs + GRACE_MS + (this.fresh ? START_MS : 0);
      this.timer = setTimeout(() => void this.kill(this.overdue()), most);
      this.fresh = false;
      this.child.send(job, (error) => {
        if (error !== null) this.end(String(error));
      });
    });
  }

  /** Ends the process after a while without a job, and does not keep the agent alive for it. */
  rest(idleMs: number): void {
    this.timer = setTimeout(() => void this.kill(cancelled()), idleMs);
    this.timer.unref();
    this.child.unref();
    this.child.channel?.unref();
    (this.child.stderr as { unref?: () => void } | null)?.unref?.();
  }

  /** SIGKILL, which a process blocked in a dead mount obeys as soon as anything can. */
  async kill(reason: QueryError): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.endedWith ??= reason;
    this.child.ref();
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    // The asker need not wait for a process that the kernel holds.
    this.end('SIGKILL');
    await Promise.race([exit, unreferencedDelay(2_000)]);
  }

  private take(report: Report): void {
    const { running } = this;
    if (running === undefined) return;
    switch (report.type) {
      case 'reading':
        running.reading = report.table;
        return;
      case 'rows':
        for (const row of report.rows) running.rows.push(row);
        return;
      case 'done':
        for (const row of report.rows) running.rows.push(row);
        running.resolve({ done: report.done as Done, rows: running.rows });
        return;
      case 'failed': {
        const error = new QueryError(report.code, report.message);
        if (report.spoiled) void this.kill(error);
        else running.reject(error);
      }
    }
  }

  private end(how: string): void {
    clearTimeout(this.timer);
    const error = this.endedWith ?? this.died(how);
    if (!this.ended) {
      this.ended = true;
      this.onEnd();
    }
    this.running?.reject(error);
  }

  private overdue(): QueryError {
    const { job, reading } = this.running!;
    const where =
      reading === undefined ? '' : ` in table "${reading}", which did not answer in time`;
    return new QueryError(
      'time_limit',
      `the query was ended after its ${job.timeMs} ms${where}; narrow the query or give it more time`,
    );
  }

  private died(how: string): QueryError {
    if (/heap out of memory|out of memory|Array buffer allocation failed/i.test(this.stderr))
      return new QueryError(
        'memory_limit',
        'the query needs more memory than a host gives; select fewer columns or rows',
      );
    const last = this.stderr.trim().split('\n').at(-1) ?? '';
    const reading = this.running?.reading;
    const where = reading === undefined ? '' : ` while reading table "${reading}"`;
    const said = last === '' ? '' : `: ${last}`;
    return new QueryError('failed', `the query process ended (${how})${where}${said}`);
  }
}

function unreferencedDelay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
