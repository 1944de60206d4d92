/** Writes what the swarm warns of into swarmplane.alert, when the database is there. */
import type { Alarm, Asker } from '../agent/index.ts';
import { messageOf } from './errors.ts';
import { storable } from './json-text.ts';
import type { Log } from './log.ts';
import type { Queue } from './queue.ts';

/** Causes kept while the database is away; more are not kept. */
const KEPT_MAX = 1_000;

export class AlarmWriter {
  readonly #queue: Queue;
  readonly #log: Log;
  readonly #waiting = new Map<string, { alarm: Alarm; times: number }>();
  readonly #unsubscribe: () => void;
  #writing: Promise<void> | undefined;

  constructor(asker: Asker, queue: Queue, log: Log) {
    this.#queue = queue;
    this.#log = log;
    this.#unsubscribe = asker.onAlarm((alarm) => this.#take(alarm));
  }

  /** Writes what waits; called again with every heartbeat. */
  flush(): void {
    if (this.#waiting.size > 0)
      this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#writing;
  }

  #take(alarm: Alarm): void {
    this.#keep(alarm, 1);
    this.flush();
  }

  #keep(alarm: Alarm, times: number): void {
    const cause = `${alarm.kind} ${alarm.key}`;
    const before = this.#waiting.get(cause)?.times ?? 0;
    if (before === 0 && this.#waiting.size >= KEPT_MAX) return;
    this.#waiting.set(cause, { alarm, times: before + times });
  }

  async #write(): Promise<void> {
    for (const [cause, { alarm, times }] of this.#waiting) {
      this.#waiting.delete(cause);
      try {
        const { kind, key, message } = alarm;
        await this.#queue.raiseAlert(storable(kind), storable(key), storable(message), times);
      } catch (error) {
        this.#keep(alarm, times);
        this.#log.warn({ error: messageOf(error) }, 'could not write an alert, it is kept');
        return;
      }
    }
  }
}
