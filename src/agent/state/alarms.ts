/** Alarms this host raised: one open entry per (kind, key), counted, kept over restarts, bounded. */
import type { Alarm } from '../../swarm/index.ts';
import type { StateFolder } from './state-folder.ts';

const FILE = 'alarms.json';
/** Beyond this the oldest go: a hostile peer must not fill the disk. */
const ALARMS_MAX = 1_000;

/** An alarm with how often it was raised. */
export interface OpenAlarm extends Alarm {
  readonly count: number;
  /** Unix milliseconds of the first time. */
  readonly firstAt: number;
}

export class AlarmBook {
  readonly #state: StateFolder;
  readonly #open = new Map<string, OpenAlarm>();
  #writing = Promise.resolve();
  #dirty = false;

  constructor(state: StateFolder) {
    this.#state = state;
    for (const alarm of readKept(state)) this.#open.set(keyOf(alarm), alarm);
  }

  raise(alarm: Alarm): void {
    const key = keyOf(alarm);
    const before = this.#open.get(key);
    // Delete first: the map's order is that of the last raise, so the oldest is dropped.
    this.#open.delete(key);
    this.#open.set(key, {
      ...alarm,
      count: (before?.count ?? 0) + 1,
      firstAt: before?.firstAt ?? alarm.at,
    });
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= ALARMS_MAX) break;
      this.#open.delete(oldest);
    }
    this.#save();
  }

  /** The cause has ended. False when no such alarm is open. */
  resolve(alarm: Alarm): boolean {
    const found = this.#open.delete(keyOf(alarm));
    if (found) this.#save();
    return found;
  }

  list(): readonly OpenAlarm[] {
    return [...this.#open.values()];
  }

  /** Resolves when everything raised so far is on the disk or could not be written. */
  settled(): Promise<void> {
    return this.#writing;
  }

  /** One write at a time; alarms raised meanwhile go with the next. */
  #save(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#writing = this.#writing.then(async () => {
      this.#dirty = false;
      const text = JSON.stringify(this.list());
      // A full disk must not end the agent; the alarm stays in memory and in the log.
      await this.#state.write(FILE, Buffer.from(text)).catch(() => {});
    });
  }
}

function keyOf(alarm: Alarm): string {
  return `${alarm.kind}\n${alarm.key}`;
}

function readKept(state: StateFolder): OpenAlarm[] {
  try {
    const value: unknown = JSON.parse(state.readText(FILE) ?? '[]');
    return Array.isArray(value) ? (value as OpenAlarm[]) : [];
  } catch {
    // Alarms are a convenience over restarts; an unreadable file loses them, not the agent.
    return [];
  }
}
