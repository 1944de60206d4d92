/**
 * Equal lines of the log are told once, and once more with their count: a fault that comes back
 * seventy times a second must not fill a disk. The first line goes out at once; equal ones are
 * counted until the window that it opened is over, then told as one line, and so on while they come.
 */

/** A line: its level, its fields and its sentence. */
export interface LogLine {
  readonly level: number;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

interface Repeated {
  readonly line: LogLine;
  /** Milliseconds, by the clock that `note` is given, at which the window is over. */
  endsAt: number;
  /** Lines left out in this window, and the Unix milliseconds of the first of them. */
  times: number;
  since: number;
}

export const REPEAT_WINDOW_MS = 60_000;
/** Lines remembered; beyond, the oldest is told and forgotten. */
const LINES_MAX = 1_000;
/** Fields that tell lines about one thing apart: the number of a link, the port a peer dialled from. */
const VARYING: ReadonlySet<string> = new Set(['link']);
const DIALLED_FROM = /:\d+$/;

export class LogRepeats {
  readonly #tell: (line: LogLine) => void;
  /** By what makes lines equal; the window that ends first comes first. */
  readonly #lines = new Map<string, Repeated>();

  /** `tell` writes a line that says how often another one came. */
  constructor(tell: (line: LogLine) => void) {
    this.#tell = tell;
  }

  /** True when a line is to be written; false when it is counted. `now`: mono and wall, milliseconds. */
  note(line: LogLine, now: { readonly mono: number; readonly wall: number }): boolean {
    this.sweep(now.mono);
    const key = keyOf(line);
    const known = this.#lines.get(key);
    if (known !== undefined) {
      if (known.times++ === 0) known.since = now.wall;
      return false;
    }
    this.#lines.set(key, { line, endsAt: now.mono + REPEAT_WINDOW_MS, times: 0, since: 0 });
    for (const [oldest, repeated] of this.#lines) {
      if (this.#lines.size <= LINES_MAX) break;
      this.#lines.delete(oldest);
      this.#tellCount(repeated);
    }
    return true;
  }

  /** Tells what was counted in windows that are over; those opens a new one, as long as lines come. */
  sweep(mono: number): void {
    for (const [key, repeated] of this.#lines) {
      if (repeated.endsAt > mono) return;
      this.#lines.delete(key);
      if (repeated.times === 0) continue;
      this.#tellCount(repeated);
      this.#lines.set(key, { ...repeated, endsAt: mono + REPEAT_WINDOW_MS, times: 0 });
    }
  }

  /** `mono` at which the next `sweep` has something to do; undefined when there is nothing. */
  get nextAt(): number | undefined {
    for (const { endsAt } of this.#lines.values()) return endsAt;
    return undefined;
  }

  /** Nothing that was counted is lost when the process ends. */
  flush(): void {
    const left = [...this.#lines.values()];
    this.#lines.clear();
    for (const repeated of left) this.#tellCount(repeated);
  }

  #tellCount({ line, times, since }: Repeated): void {
    if (times === 0) return;
    const fields = { ...line.fields, times, since: new Date(since).toISOString() };
    this.#tell({ ...line, fields, message: `${line.message} (again)` });
  }
}

function keyOf({ level, fields, message }: LogLine): string {
  // Only a peer that dialled shows a port that means nothing.
  const isInbound = fields['initiator'] === false;
  return `${level} ${message} ${JSON.stringify(fields, (key, value: unknown) => {
    if (VARYING.has(key)) return undefined;
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (isInbound && key === 'address' && typeof value === 'string')
      return value.replace(DIALLED_FROM, '');
    return typeof value === 'bigint' ? String(value) : value;
  })}`;
}
