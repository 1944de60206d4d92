/**
 * Turns schedules into requests when their time comes. Any number of hubs may look at the clock:
 * a tick belongs to the one whose update of next_at goes through.
 */
import { Cron } from 'croner';
import { messageOf } from '../errors.ts';
import { mayPass } from '../database/outage.ts';
import type { Pulse } from '../pulse.ts';
import type { Log } from '../log.ts';
import type { DueCron, Schedules } from './schedules.ts';
import { WakeLoop } from '../wake-loop.ts';

/** Most wakes are for requests: looking waits so long, and is done once for all of them. */
const GATHER_MS = 50;

export class Scheduler {
  readonly #schedules: Schedules;
  readonly #log: Log;
  readonly #looks: WakeLoop;

  constructor(schedules: Schedules, log: Log, pulse?: Pulse) {
    this.#schedules = schedules;
    this.#log = log;
    this.#looks = new WakeLoop({
      work: () => this.#look(),
      failed: (error) => this.#report(error),
      gatherMs: GATHER_MS,
      ...(pulse && { pulse }),
    });
  }

  start(): void {
    this.wake();
  }

  /** Looks at the clock and the table soon. Cheap to call often. */
  wake(): void {
    this.#looks.wake();
  }

  stop(): Promise<void> {
    return this.#looks.stop();
  }

  async #look(): Promise<number | undefined> {
    await this.#schedules.tickIntervals();
    for (const due of await this.#schedules.dueCrons()) await this.#tickCron(due);
    return this.#schedules.nextTickMs();
  }

  #report(error: unknown): void {
    const say = mayPass(error) ? 'warn' : 'error';
    this.#log[say]({ error: messageOf(error) }, 'could not look after schedules');
  }

  async #tickCron(due: DueCron): Promise<void> {
    let plan: TickPlan;
    try {
      plan = planTicks(due, due.now);
    } catch (error) {
      const trouble = `cannot read the cron line "${due.cron}": ${messageOf(error)}`;
      return this.#schedules.tick(due, [], undefined, trouble);
    }
    await this.#schedules.tick(due, plan.ticks, plan.following);
  }
}

export interface TickPlan {
  /** Oldest first. */
  readonly ticks: readonly Date[];
  readonly following: Date | undefined;
}

/**
 * The ticks from `nextAt` to `now`, the newest `catchUp` of them, and the first one after.
 * A schedule that was never computed has no tick yet.
 * @throws when the cron line or zone cannot be read
 */
export function planTicks(due: Omit<DueCron, 'now'>, now: Date): TickPlan {
  // Six fields, seconds first, are taken too.
  const cron = new Cron(due.cron, { timezone: due.zone, paused: true });
  const following = cron.nextRun(now) ?? undefined;
  if (due.nextAt === null) return { ticks: [], following };
  const since = new Date(due.nextAt).getTime();
  // A reference is itself left out: look back from just after now.
  const past = cron.previousRuns(due.catchUp, new Date(now.getTime() + 1_000));
  const ticks = past.filter((tick) => tick.getTime() >= since && tick <= now).reverse();
  return { ticks, following };
}
