/**
 * The query processes and who waits for one. A job has two clocks: how long it waits, for its turn
 * and for a process that is ready, and how long it runs, which begins then.
 */
import { AskerTime } from './asker-time.ts';
import { FairQueue } from './fair-queue.ts';
import type { ChildSettings, Job, JobKind } from './protocol.ts';
import { QueryProcess } from './query-process.ts';
import type { Outcome } from './running-job.ts';
import type { Shape } from '../tables/types.ts';
import {
  cancelled,
  DEFAULT_QUERY_LIMITS,
  QueryError,
  type QueryLimits,
  type QueryRunnerOptions,
  type RunOptions,
} from './types.ts';
import { Wait } from './wait.ts';

/** One that no other asker's queries can take. */
const PLACES_FOR_OTHERS = 1;
/** One for takings of history and for what is prepared here. */
const PLACES_KEPT = 1;
/** The queues of so many askers are full before one must give way to another. */
const QUEUES_FULL = 8;
/** The host's own askers; no node id is like them. */
const TAKINGS = 'takings';
const PREPARING = 'preparing';
/** Killed processes that the kernel holds in one table before the table is not read any more. */
const HELD_MAX = 2;

interface Waiting {
  readonly job: Omit<Job, 'facts' | 'held'>;
  readonly wait: Wait;
  /** What its asker may use; undefined where that is not counted. */
  readonly msPerMinute: number | undefined;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

export class Pool {
  private readonly options: QueryRunnerOptions;
  private readonly limits: QueryLimits;
  private readonly queue: FairQueue<Waiting>;
  private readonly time = new AskerTime();
  /** Some asker's time is made good then. */
  private later: NodeJS.Timeout | undefined;
  private readonly idle: QueryProcess[] = [];
  private readonly busy = new Set<QueryProcess>();
  /** Killed, and still there. */
  private readonly held = new Set<QueryProcess>();
  private stopped = false;

  constructor(options: QueryRunnerOptions) {
    this.options = options;
    this.limits = { ...DEFAULT_QUERY_LIMITS, ...options.limits };
    const { runningMax, queuedMax } = this.limits;
    const places = runningMax + PLACES_FOR_OTHERS + PLACES_KEPT;
    const bounds = { places, kept: PLACES_KEPT, placesEach: runningMax };
    const waiting = { waiting: queuedMax * QUEUES_FULL, waitingEach: queuedMax };
    const own = [TAKINGS, PREPARING];
    this.queue = new FairQueue(
      { ...bounds, ...waiting },
      own,
      (asker) => this.time.waitMs(asker, performance.now()) === 0,
    );
  }

  /** @throws QueryError */
  run(
    kind: JobKind,
    sql: string,
    options: RunOptions & { readonly shape?: Shape },
  ): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.refuseUnfit(sql, options.signal);
      const asker = askerOf(kind, options);
      const timeMsMax = Math.max(this.limits.timeMsMax ?? 0, this.limits.timeMs);
      const timeMs = Math.min(options.timeMs ?? this.limits.timeMs, timeMsMax);
      const wait = new Wait(Math.min(options.waitMs ?? Infinity, this.limits.waitMs), {
        signal: options.signal,
        whatFor: () => this.whatFor(asker, waiting),
      });
      const waiting: Waiting = {
        job: {
          kind,
          sql,
          timeMs,
          timeMsMax,
          allowSensitive: options.allowSensitive ?? false,
          ...(options.shape && { shape: options.shape }),
        },
        wait,
        msPerMinute: options.msPerMinute,
        resolve,
        reject,
      };
      wait.over.catch((error: unknown) => {
        if (this.queue.remove(asker, waiting)) reject(error);
      });
      const noRoom = this.queue.add(asker, waiting);
      noRoom?.wait.end();
      noRoom?.reject(this.full(noRoom === waiting ? asker : undefined));
      this.startNext();
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.later);
    for (const { wait, reject } of this.queue.clear()) {
      wait.end();
      reject(cancelled());
    }
    const processes = [...this.idle.splice(0), ...this.busy];
    await Promise.all(processes.map((it) => it.kill(cancelled())));
  }

  /** @throws QueryError */
  private refuseUnfit(sql: string, signal: AbortSignal | undefined): void {
    const { sqlBytesMax } = this.limits;
    if (this.stopped || signal?.aborted === true) throw cancelled();
    const bytes = Buffer.byteLength(sql);
    if (bytes > sqlBytesMax)
      throw new QueryError(
        'sql_too_long',
        `the query has ${bytes} bytes and at most ${sqlBytesMax} are allowed; shorten it`,
      );
    if (sql.includes('\0'))
      throw new QueryError('syntax', 'the query holds a zero byte ("\\0"); remove it');
  }

  private startNext(): void {
    while (!this.stopped) {
      const next = this.queue.next();
      if (next === undefined) return this.startLater();
      void this.serve(next.asker, next.item);
    }
  }

  private async serve(asker: string, waiting: Waiting): Promise<void> {
    const { job, wait, msPerMinute } = waiting;
    let startedAt = performance.now();
    const child = this.idleProcess() ?? this.startProcess();
    this.busy.add(child);
    child.hold();
    try {
      await Promise.race([child.ready, wait.over]);
      wait.end();
      // A process that is slow to start is not its asker's doing.
      startedAt = performance.now();
      const content = { ...job, facts: this.options.facts(job.sql), held: this.heldTables() };
      waiting.resolve(await child.run(content, wait.signal));
    } catch (error) {
      waiting.reject(error);
    }
    wait.end();
    const endedAt = performance.now();
    this.time.charge(asker, endedAt - startedAt, msPerMinute, endedAt);
    this.busy.delete(child);
    if (child.ended) this.watchEnd(child);
    else this.putAside(child);
    this.queue.ended(asker);
    this.startNext();
  }

  /** Where an asker waits for nothing but time. */
  private startLater(): void {
    clearTimeout(this.later);
    const now = performance.now();
    const waits = this.queue.askers().map((asker) => this.time.waitMs(asker, now));
    const soonest = Math.min(...waits.filter((ms) => ms > 0));
    if (soonest === Infinity) return;
    this.later = setTimeout(() => this.startNext(), soonest);
    this.later.unref();
  }

  /** One that is ready, before one that others have waited for in vain. */
  private idleProcess(): QueryProcess | undefined {
    const ready = this.idle.findLastIndex((it) => it.isReady);
    return this.idle.splice(ready, 1)[0];
  }

  private startProcess(): QueryProcess {
    const child: QueryProcess = new QueryProcess(this.settings(), this.limits.startMs, () => {
      const at = this.idle.indexOf(child);
      if (at >= 0) this.idle.splice(at, 1);
    });
    return child;
  }

  private putAside(child: QueryProcess): void {
    this.idle.push(child);
    child.rest(this.limits.idleMs);
  }

  private watchEnd(child: QueryProcess): void {
    this.held.add(child);
    void child.gone.then(() => this.held.delete(child));
  }

  /** Tables whose reading the kernel has not let go of: more processes would only be held as well. */
  private heldTables(): string[] {
    const counts = new Map<string, number>();
    for (const { reading } of this.held)
      if (reading !== undefined) counts.set(reading, (counts.get(reading) ?? 0) + 1);
    return [...counts].filter(([, count]) => count >= HELD_MAX).map(([table]) => table);
  }

  private settings(): ChildSettings {
    const { heapBytes, sqlBytesMax, rowsMax, answerBytesMax } = this.limits;
    const { root = '/', denyTables = [], registry } = this.options;
    const limits = { heapBytes, sqlBytesMax, rowsMax, answerBytesMax };
    return { ...limits, root, denyTables, ...(registry === undefined ? {} : { registry }) };
  }

  private whatFor(asker: string, waiting: Waiting): string {
    if (!this.queue.isWaiting(asker, waiting)) return 'a query process to start';
    if (this.time.waitMs(asker, performance.now()) > 0)
      return 'time: the queries of this asker have used theirs up here';
    const [running, same] = [this.queue.out(), this.queue.out(asker)];
    return `its turn (running here: ${running}, of the same asker: ${same})`;
  }

  /** The error for a full queue: with an asker, that asker's own is full; without one, all are. */
  private full(asker: string | undefined): QueryError {
    const [running, waiting] = [this.queue.out(asker), this.queue.waiting(asker)];
    const whose = asker === undefined ? '' : ' of the same asker';
    return new QueryError(
      'busy',
      `this host runs ${running} queries${whose} and ${waiting} wait; ask again later`,
    );
  }
}

/** What this host does itself waits behind nobody else's queries. */
function askerOf(kind: JobKind, { asker }: RunOptions): string {
  if (kind === 'take') return TAKINGS;
  if (kind === 'explain') return PREPARING;
  return asker ?? (kind === 'prepare' ? PREPARING : '');
}
