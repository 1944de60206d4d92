/** Whether a fleet stood still while nothing was said of it: no request ends, some could, and no alert is open. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Fleet } from './fleet.ts';

/** Three intervals of a part, at least 30 s, and a moment to write it down. */
const QUIET_MS = 45_000;

export class SilenceWatch {
  readonly #fleet: Fleet;
  readonly #over = new AbortController();
  readonly #watching: Promise<void>;
  readonly #found: string[] = [];

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#watching = this.#watch();
  }

  /** What was found, a line each. */
  async stop(): Promise<readonly string[]> {
    this.#over.abort();
    await this.#watching;
    return this.#found;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#over;
    let [ended, since] = [-1, performance.now()];
    while (!signal.aborted) {
      const now = await this.#look().catch(() => undefined);
      // Nobody can say anything in a database that is away.
      if (now === undefined || now.ended !== ended || now.due === 0 || now.alerts > 0) {
        ended = now?.ended ?? -1;
        since = performance.now();
      } else if (performance.now() - since > QUIET_MS) {
        this.#found.push(`nothing ended for ${QUIET_MS / 1000} s, ${now.due} were due, no alert`);
        since = performance.now();
      }
      await pause(500, undefined, { signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<{ ended: number; due: number; alerts: number }> {
    const { rows } = await this.#fleet.pool.query<{ ended: number; due: number; alerts: number }>(`
      select (select count(*)::int from swarmplane.delivery_done) as ended,
             (select count(*)::int from swarmplane.delivery d join swarmplane.node n on n.id = d.node_id
               where d.state = 'pending' and d.run_at <= now() and n.state = 'alive') as due,
             (select count(*)::int from swarmplane.alert where kind in ('hub_stalled', 'node_held')
                and resolved_at is null) as alerts`);
    return rows[0]!;
  }
}
