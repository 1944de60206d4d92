/** Writes what the swarm warns of into swarmplane.alert, when the database is there. */
import type { Alarm, Asker } from '../../agent/index.ts';
import { messageOf } from '../errors.ts';
import { storable } from '../database/json-text.ts';
import type { Log } from '../log.ts';
import type { AlertStore } from './alert-store.ts';
import type { Pulse } from '../pulse.ts';
import { WakeLoop } from '../wake-loop.ts';

/** Causes kept while the database is away; more are not kept. */
const KEPT_MAX = 1_000;
/** An alarm that is open says so this often: the database takes quiet for an end. */
const TOUCH_MS = 300_000;

export class AlarmWriter {
  readonly #alerts: AlertStore;
  readonly #waiting = new Map<string, Waiting>();
  /** Those that are open, with when they are to be written again, by `performance.now()`. */
  readonly #open = new Map<string, { readonly alarm: Alarm; readonly touchAt: number }>();
  readonly #unsubscribe: () => void;
  readonly #writes: WakeLoop;

  constructor(asker: Asker, alerts: AlertStore, log: Log, pulse?: Pulse) {
    this.#alerts = alerts;
    this.#writes = new WakeLoop({
      work: () => this.#write(),
      failed: (error) =>
        log.warn({ error: messageOf(error) }, 'could not write an alert, it is kept'),
      ...(pulse && { pulse }),
    });
    this.#unsubscribe = asker.onAlarm((alarm) => this.#take(alarm));
  }

  /** Writes what waits; called again with every heartbeat. */
  flush(): void {
    for (const { alarm, touchAt } of [...this.#open.values()]) {
      if (touchAt > performance.now()) continue;
      this.#note(alarm);
      this.#keep({ alarm, times: 0, over: false });
    }
    if (this.#waiting.size > 0) this.#writes.wake();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#writes.stop();
  }

  #take(alarm: Alarm): void {
    const over = alarm.over === true;
    if (over) this.#open.delete(causeOf(alarm));
    else this.#note(alarm);
    this.#keep({ alarm, times: over ? 0 : 1, over });
    this.flush();
  }

  #note(alarm: Alarm): void {
    const cause = causeOf(alarm);
    this.#open.delete(cause);
    this.#open.set(cause, { alarm, touchAt: performance.now() + TOUCH_MS });
    if (this.#open.size > KEPT_MAX) this.#open.delete(this.#open.keys().next().value!);
  }

  /** Raised again after it was over, an alarm simply goes on. */
  #keep({ alarm, times, over }: Waiting): void {
    const cause = causeOf(alarm);
    const before = this.#waiting.get(cause);
    if (before === undefined && this.#waiting.size >= KEPT_MAX) return;
    const raised = times === 0 ? before?.alarm : undefined;
    const all = (before?.times ?? 0) + times;
    this.#waiting.set(cause, { alarm: raised ?? alarm, times: all, over });
  }

  async #write(): Promise<undefined> {
    for (const [cause, waiting] of this.#waiting) {
      this.#waiting.delete(cause);
      const { alarm, times, over } = waiting;
      const [kind, key] = [storable(alarm.kind), storable(alarm.key)];
      try {
        if (times > 0 || !over) await this.#alerts.raise(kind, key, storable(alarm.message), times);
        if (over) await this.#alerts.resolve([kind], [key]);
      } catch (error) {
        this.#keepAgain(cause, waiting);
        throw error;
      }
    }
  }

  /** What came meanwhile is the newer word. */
  #keepAgain(cause: string, old: Waiting): void {
    const newer = this.#waiting.get(cause);
    this.#waiting.delete(cause);
    this.#keep(old);
    if (newer !== undefined) this.#keep(newer);
  }
}

function causeOf({ kind, key }: Alarm): string {
  return `${kind} ${key}`;
}

interface Waiting {
  readonly alarm: Alarm;
  /** How often it was raised and is not written yet; 0 and not over: it is open still. */
  readonly times: number;
  readonly over: boolean;
}
