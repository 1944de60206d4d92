/** The newest events of a kind, in memory: every asker sees all that are still there. */
import type { Row } from '../../tables/index.ts';

export class EventRing {
  readonly #most: number;
  readonly #rows: Row[] = [];
  /** Where the next goes, once all places are taken. */
  #next = 0;
  #lost = 0;
  #lostAt = 0;

  constructor(most: number) {
    this.#most = most;
  }

  push(row: Row): void {
    if (this.#rows.length < this.#most) {
      this.#rows.push(row);
      return;
    }
    this.lose(Number(this.#rows[this.#next]!['time']));
    this.#rows[this.#next] = row;
    this.#next = (this.#next + 1) % this.#most;
  }

  /** Counts an event that is not kept. */
  lose(atS: number): void {
    this.#lost += 1;
    this.#lostAt = Math.max(this.#lostAt, atS);
  }

  /** How many events are gone since the start, and the time of the latest of them, in seconds. */
  get lost(): { readonly count: number; readonly atS: number } {
    return { count: this.#lost, atS: this.#lostAt };
  }

  /** Oldest first. */
  rows(): Row[] {
    return [...this.#rows.slice(this.#next), ...this.#rows.slice(0, this.#next)];
  }
}
