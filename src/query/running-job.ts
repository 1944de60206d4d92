/** A job that is under way in a query process, seen from the agent: its clock and its rows so far. */
import type { Value } from '../tables/types.ts';
import type { Done, Job } from './protocol.ts';
import type { QueryError } from './types.ts';

export interface Outcome {
  readonly done: Done;
  readonly rows: readonly (readonly Value[])[];
}

/** The process ends most queries itself at the limit; this long after it is killed. */
const GRACE_MS = 500;
/** How often its memory is looked at: a short query never is. */
const LOOK_MS = 250;

export class RunningJob {
  readonly rows: (readonly Value[])[] = [];
  bytes = 0;
  resolve!: (outcome: Outcome) => void;
  reject!: (error: QueryError) => void;
  private readonly overdue: () => void;
  private readonly looking: NodeJS.Timeout;
  private leftMs: number;
  private armedAt = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(job: Job, on: { overdue: () => void; look: () => void }) {
    this.overdue = on.overdue;
    this.leftMs = job.timeMs + GRACE_MS;
    this.looking = setInterval(on.look, LOOK_MS);
    this.arm();
  }

  add(rows: Outcome['rows']): void {
    for (const row of rows) {
      this.rows.push(row);
      this.bytes += leastBytes(row);
    }
  }

  /** The clock goes on. */
  arm(): void {
    clearTimeout(this.timer);
    this.armedAt = performance.now();
    this.timer = setTimeout(this.overdue, this.leftMs);
  }

  /** The clock stands, for so long at most. */
  pause(mostMs: number): void {
    this.leftMs = Math.max(0, this.leftMs - (performance.now() - this.armedAt));
    clearTimeout(this.timer);
    this.timer = setTimeout(this.overdue, mostMs);
  }

  stop(): void {
    clearTimeout(this.timer);
    clearInterval(this.looking);
  }
}

/** At most what the process counts for the same row. */
function leastBytes(row: readonly Value[]): number {
  let bytes = 2;
  for (const value of row)
    bytes += typeof value === 'string' || value instanceof Uint8Array ? 3 + value.length : 9;
  return bytes;
}
