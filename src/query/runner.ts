/**
 * Runs queries in child processes, so that the agent's main thread never runs SQL or collectors.
 * A process is started for the first query, ended at a limit, and let go when it has been idle.
 */
import { QueryProcess } from './query-process.ts';
import type { ChildSettings, Done, Job, JobKind } from './protocol.ts';
import { PreparedCache } from './prepared-cache.ts';
import { takenRow } from './taking.ts';
import {
  DEFAULT_QUERY_LIMITS,
  QueryError,
  type QueryLimits,
  type QueryRunner,
  type QueryRunnerOptions,
} from './types.ts';
import type { Value } from '../tables/types.ts';

export interface Outcome {
  readonly done: Done;
  readonly rows: readonly (readonly Value[])[];
}

interface Waiting {
  readonly job: Job;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
  /** Takes it out of the queue when its signal is aborted. */
  readonly onAbort: () => void;
}

/** Nothing is started and nothing heavy is loaded until the first query. */
export function createQueryRunner(options: QueryRunnerOptions): QueryRunner {
  const pool = new Pool(options);
  const prepared = new PreparedCache();
  return {
    async prepare(sql) {
      const known = prepared.get(sql);
      if (known !== undefined) return known;
      const { done } = await pool.run('prepare', sql, {});
      if (done.kind !== 'prepare') throw wrongReport(done);
      const { columns, tables, sensitive } = done;
      return prepared.add(sql, { columns, tables, sensitive });
    },
    async explain(sql) {
      const { done } = await pool.run('explain', sql, {});
      if (done.kind !== 'explain') throw wrongReport(done);
      const { columns, tables, sensitive, plan, versions } = done;
      return { columns, tables, sensitive, plan, versions };
    },
    async run(sql, runOptions = {}) {
      const { done, rows } = await pool.run('run', sql, runOptions);
      if (done.kind !== 'run') throw wrongReport(done);
      const { columns, truncated, warnings, tookMs } = done;
      return { columns, rows, truncated, warnings, tookMs };
    },
    async take(table, runOptions = {}) {
      const { done, rows } = await pool.run('take', table, runOptions);
      if (done.kind !== 'take') throw wrongReport(done);
      const { shape, hash, truncated } = done;
      return { shape, hash: new Uint8Array(hash), truncated, rows: rows.map(takenRow) };
    },
    stop: () => pool.stop(),
  };
}

interface RunOptions {
  readonly timeMs?: number;
  readonly signal?: AbortSignal;
  readonly allowSensitive?: boolean;
}

class Pool {
  private readonly options: QueryRunnerOptions;
  private readonly limits: QueryLimits;
  private readonly idle: QueryProcess[] = [];
  private readonly busy = new Set<QueryProcess>();
  private readonly queue: Waiting[] = [];
  private stopped = false;

  constructor(options: QueryRunnerOptions) {
    this.options = options;
    this.limits = { ...DEFAULT_QUERY_LIMITS, ...options.limits };
  }

  run(kind: JobKind, sql: string, options: RunOptions): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.refuseUnfit(sql, options.signal);
      const job = {
        kind,
        sql,
        timeMs: Math.min(options.timeMs ?? this.limits.timeMs, this.limits.timeMs),
        allowSensitive: options.allowSensitive ?? false,
      };
      const waiting: Waiting = {
        job: { ...job, facts: this.options.facts(job.sql) },
        signal: options.signal,
        resolve,
        reject,
        onAbort: () => this.leaveQueue(waiting),
      };
      this.queue.push(waiting);
      this.startNext();
      if (this.queue.includes(waiting))
        options.signal?.addEventListener('abort', waiting.onAbort, { once: true });
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const { reject } of this.queue.splice(0)) reject(cancelled());
    const processes = [...this.idle.splice(0), ...this.busy];
    await Promise.all(processes.map((it) => it.kill(cancelled())));
  }

  /** @throws QueryError */
  private refuseUnfit(sql: string, signal: AbortSignal | undefined): void {
    const { sqlBytesMax, runningMax, queuedMax } = this.limits;
    if (this.stopped || signal?.aborted === true) throw cancelled();
    const bytes = Buffer.byteLength(sql);
    if (bytes > sqlBytesMax)
      throw new QueryError(
        'sql_too_long',
        `the query has ${bytes} bytes and at most ${sqlBytesMax} are allowed; shorten it`,
      );
    if (sql.includes('\0'))
      throw new QueryError('syntax', 'the query holds a zero byte ("\\0"); remove it');
    if (this.busy.size >= runningMax && this.queue.length >= queuedMax)
      throw new QueryError(
        'busy',
        `this host runs ${this.busy.size} queries and ${this.queue.length} wait; ask again later`,
      );
  }

  private startNext(): void {
    while (this.busy.size < this.limits.runningMax) {
      const waiting = this.queue.shift();
      if (waiting === undefined) return;
      waiting.signal?.removeEventListener('abort', waiting.onAbort);
      const child = this.idle.pop() ?? this.startProcess();
      this.busy.add(child);
      void this.runOn(child, waiting);
    }
  }

  private async runOn(child: QueryProcess, waiting: Waiting): Promise<void> {
    try {
      waiting.resolve(await child.run(waiting.job, waiting.signal));
    } catch (error) {
      waiting.reject(error);
    }
    this.busy.delete(child);
    if (!child.ended) {
      this.idle.push(child);
      child.rest(this.limits.idleMs);
    }
    this.startNext();
  }

  private startProcess(): QueryProcess {
    const child = new QueryProcess(this.settings(), () => {
      const at = this.idle.indexOf(child);
      if (at >= 0) this.idle.splice(at, 1);
    });
    return child;
  }

  private settings(): ChildSettings {
    const { heapBytes, sqlBytesMax, rowsMax, answerBytesMax } = this.limits;
    const { root = '/', denyTables = [], registry } = this.options;
    const limits = { heapBytes, sqlBytesMax, rowsMax, answerBytesMax };
    return { ...limits, root, denyTables, ...(registry === undefined ? {} : { registry }) };
  }

  private leaveQueue(waiting: Waiting): void {
    const at = this.queue.indexOf(waiting);
    if (at >= 0) this.queue.splice(at, 1);
    waiting.reject(cancelled());
  }
}

export function cancelled(): QueryError {
  return new QueryError('cancelled', 'the query was cancelled');
}

function wrongReport(done: Done): QueryError {
  return new QueryError('failed', `the query process reported "${done.kind}" for another job`);
}
