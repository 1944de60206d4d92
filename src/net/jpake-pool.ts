/**
 * Runs J-PAKE exchanges in a worker thread, started on the first exchange and let go when idle.
 * When the worker dies, the exchanges it held fail; the next one gets a new worker.
 */
import { Worker } from 'node:worker_threads';
import { SecureError, type Pake, type PakeOptions, type SecureErrorCode } from '../secure/index.ts';
import { NetError } from './errors.ts';

export type PakeStep = 'round1' | 'round2' | 'finish' | 'confirm';

export type PakeCall =
  | { readonly kind: 'drop'; readonly exchange: number }
  | {
      readonly kind: PakeStep;
      readonly exchange: number;
      readonly call: number;
      /** With the first step: what to make the guard of. */
      readonly options?: PakeOptions;
      readonly argument?: Uint8Array;
    };

export type PakeReply =
  | { readonly call: number; readonly value: Uint8Array }
  | { readonly call: number; readonly code: SecureErrorCode | undefined; readonly message: string };

/** A Pake whose state can be let go when its connection ends half-way. */
export interface PooledPake extends Pake {
  drop(): void;
}

interface Pending {
  resolve(value: Uint8Array): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

export class JpakePool {
  readonly #idleMs: number;
  readonly #stepMs: number;
  readonly #script: URL;
  readonly #open = new Set<number>();
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #lastId = 0;
  #stopped = false;

  /** `script` is what the worker runs; another one only in tests. */
  constructor(limits: { pakeIdleMs: number; pakeStepMs: number }, script = workerUrl()) {
    this.#script = script;
    this.#idleMs = limits.pakeIdleMs;
    this.#stepMs = limits.pakeStepMs;
  }

  /** The worker's thread id while one runs; for diagnostics and tests. */
  get threadId(): number | undefined {
    return this.#worker?.threadId;
  }

  create(options: PakeOptions): PooledPake {
    const exchange = ++this.#lastId;
    this.#open.add(exchange);
    clearTimeout(this.#idleTimer);
    let first: PakeOptions | undefined = options;
    const step = (kind: PakeStep, argument?: Uint8Array): Promise<Uint8Array> => {
      const withOptions = first === undefined ? {} : { options: first };
      first = undefined;
      return this.#call({ kind, exchange, ...withOptions, ...(argument && { argument }) });
    };
    return {
      round1: (peerRound1) => step('round1', peerRound1),
      round2: (peerRound1) => step('round2', peerRound1),
      finish: (peerRound2) => step('finish', peerRound2),
      confirm: (peerTag) => step('confirm', peerTag),
      drop: () => this.#drop(exchange),
    };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#idleTimer);
    await this.#endWorker(new NetError('stopped', 'this node is stopping'));
  }

  #call(call: Omit<Extract<PakeCall, { call: number }>, 'call'>): Promise<Uint8Array> {
    if (!this.#open.has(call.exchange)) {
      return Promise.reject(new NetError('worker_failed', 'the exchange was lost with its worker'));
    }
    if (this.#stopped) return Promise.reject(new NetError('stopped', 'this node is stopping'));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const stuck = new NetError('worker_failed', `J-PAKE took over ${this.#stepMs} ms`);
        void this.#endWorker(stuck);
      }, this.#stepMs);
      this.#pending.set(id, { resolve, reject, timer });
      this.#running().postMessage({ ...call, call: id });
    });
  }

  #running(): Worker {
    this.#worker ??= this.#start();
    return this.#worker;
  }

  #start(): Worker {
    const worker = new Worker(this.#script, { resourceLimits: HEAP });
    // The node's listener decides how long the process lives, not an idle thread.
    worker.unref();
    worker.on('message', (reply: PakeReply) => this.#settle(reply));
    let cause: unknown;
    worker.on('error', (error) => (cause = error));
    worker.on('exit', (code) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#failAll(
        new NetError('worker_failed', `the J-PAKE worker ended with ${code}`, { cause }),
      );
    });
    return worker;
  }

  #settle(reply: PakeReply): void {
    const pending = this.#pending.get(reply.call);
    if (pending === undefined) return;
    this.#pending.delete(reply.call);
    clearTimeout(pending.timer);
    if ('value' in reply) pending.resolve(reply.value);
    else if (reply.code !== undefined) pending.reject(new SecureError(reply.code, reply.message));
    else pending.reject(new NetError('worker_failed', `J-PAKE failed: ${reply.message}`));
  }

  #drop(exchange: number): void {
    if (!this.#open.delete(exchange)) return;
    this.#worker?.postMessage({ kind: 'drop', exchange } satisfies PakeCall);
    if (this.#open.size > 0) return;
    clearTimeout(this.#idleTimer);
    const idle = new NetError('worker_failed', 'the idle J-PAKE worker was let go');
    this.#idleTimer = setTimeout(() => void this.#endWorker(idle), this.#idleMs);
    this.#idleTimer.unref();
  }

  async #endWorker(reason: NetError): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#failAll(reason);
    await worker?.terminate();
  }

  #failAll(reason: NetError): void {
    this.#open.clear();
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(reason);
    }
    this.#pending.clear();
  }
}

/** Megabytes. A small young generation leaves 6 MiB less behind in the process when the thread ends. */
const HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

/** Workers run compiled code, also when this file runs from src under vitest. */
function workerUrl(): URL {
  const here = import.meta.url;
  const compiled = here.replace(/\/src\/net\/[^/]+\.ts$/, '/dist/net/jpake-worker.js');
  return compiled === here ? new URL('jpake-worker.js', here) : new URL(compiled);
}
