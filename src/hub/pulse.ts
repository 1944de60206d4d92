/**
 * Whether a part of the hub goes on: when it last went well, and since when and why it does not.
 *
 * | a part stands still when | for longer than |
 * | --- | --- |
 * | it is to go well every `everyMs` and has not | three of these |
 * | it fails | three of its `retryMs` |
 * | a run of it does not end | three of its `runMs` |
 *
 * and never before `leastMs`, which is for all parts: a lock that somebody holds for a moment is no news.
 */
import { messageOf } from './errors.ts';

export interface PulseOptions {
  /** One or two words for people, the same in alerts, metrics and `status`. */
  readonly part: string;
  /** Left out: it works only when there is something to do. */
  readonly everyMs?: number;
  /** How soon it tries again after a failure; `everyMs` when left out. */
  readonly retryMs?: number;
  /** A third of what a run may take; `retryMs` when left out. */
  readonly runMs?: number;
}

export interface Stall {
  readonly part: string;
  /** Unix milliseconds since when it does not go on. */
  readonly since: number;
  /** The last failure, or what it waits for. */
  readonly why: string;
}

/** Times inside are by `performance.now()`: clocks that are set make nobody stand still. */
export class Pulse {
  readonly part: string;
  readonly #everyMs: number | undefined;
  readonly #retryMs: number;
  readonly #runMs: number;
  #wentWellAt: number | undefined;
  #beganAt: number | undefined;
  /** By what fails, where a part is several: each goes on by itself. */
  readonly #failing = new Map<string, { readonly at: number; readonly why: string }>();

  constructor({ part, everyMs, retryMs, runMs }: PulseOptions) {
    this.part = part;
    this.#everyMs = everyMs;
    this.#retryMs = retryMs ?? everyMs ?? 0;
    this.#runMs = runMs ?? this.#retryMs;
  }

  /** A run begins. The first one starts the clock. */
  began(): void {
    this.#beganAt = performance.now();
    this.#wentWellAt ??= this.#beganAt;
  }

  /** A long run got one step further. */
  step(): void {
    this.#beganAt = this.#wentWellAt = performance.now();
  }

  wentWell(of = ''): void {
    this.#failing.delete(of);
    this.#wentWellAt = performance.now();
    this.#beganAt = undefined;
  }

  failed(error: unknown, of = ''): void {
    const now = performance.now();
    this.#wentWellAt ??= now;
    this.#beganAt = undefined;
    const at = this.#failing.get(of)?.at ?? now;
    this.#failing.set(of, { at, why: messageOf(error) });
  }

  /** What failed is nobody's business any more. */
  forget(of: string): void {
    this.#failing.delete(of);
  }

  /** Milliseconds since it last went well; undefined before its first run. */
  get ageMs(): number | undefined {
    return this.#wentWellAt === undefined ? undefined : performance.now() - this.#wentWellAt;
  }

  /** Undefined while it goes on. */
  stall(leastMs: number): Stall | undefined {
    const now = performance.now();
    const [failing] = this.#failing.values();
    const late = (at: number | undefined, ms: number): boolean =>
      at !== undefined && now - at > Math.max(3 * ms, leastMs);
    const stands =
      late(failing?.at, this.#retryMs) ||
      late(this.#beganAt, this.#runMs) ||
      (this.#everyMs !== undefined && late(this.#wentWellAt, this.#everyMs));
    if (!stands) return undefined;
    const at = failing?.at ?? this.#beganAt ?? this.#wentWellAt!;
    const why = failing?.why ?? (this.#beganAt === undefined ? IDLE : HANGS);
    return { part: this.part, since: Date.now() - (now - at), why };
  }
}

const HANGS = 'what it has begun does not end';
const IDLE = 'nothing has made it work';
