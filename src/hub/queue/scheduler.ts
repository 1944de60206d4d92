/**
 * Turns schedules into requests when their time comes. Any number of hubs may look at the clock:
 * a tick belongs to the one whose update of next_at goes through.
 */
import { messageOf } from '../errors.ts';
import { mayPass } from '../database/outage.ts';
import type { Pulse } from '../pulse.ts';
import type { Log } from '../log.ts';
import type { DueCron, Schedules } from './schedules.ts';
import { WakeLoop } from '../wake-loop.ts';
import { cronTimes, type CronTimes } from './cron-times.ts';

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
 * @throws when the cron line or zone cannot be read, or the line has no time to come
 */
export function planTicks(due: Omit<DueCron, 'now'>, now: Date): TickPlan {
  const times = cronTimes(due.cron, due.zone);
  const following = times.next(now);
  if (due.nextAt === null && following === undefined) throw new Error('no such time ever comes');
  if (due.nextAt === null) return { ticks: [], following };
  const since = new Date(due.nextAt);
  const ticks = between(times, since, now) ?? newest(times, due.catchUp, since, now);
  return { ticks: ticks.slice(-due.catchUp), following };
}

/** Oldest first; undefined where they are many. croner cannot look back over a month that lacks the day: 29 February. */
function between(times: CronTimes, since: Date, now: Date): Date[] | undefined {
  const ticks: Date[] = [];
  let tick = times.next(new Date(since.getTime() - 1));
  for (; tick !== undefined && tick <= now; tick = times.next(tick))
    if (ticks.push(tick) > WALKED_MAX) return undefined;
  return ticks;
}

function newest(times: CronTimes, count: number, since: Date, now: Date): Date[] {
  const past = times.previous(count, now);
  return past.filter((tick) => tick >= since).reverse();
}

const WALKED_MAX = 500;
