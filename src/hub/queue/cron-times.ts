/**
 * When a cron line runs, over changes of daylight saving. One that names a time of the day runs once a day: after
 * the gap where its time is left out, and the first time where it comes twice. One that runs several times in
 * an hour, or every hour, runs at each time that the clock on the wall shows, so in both of the hours that a
 * change back makes of one. croner itself leaves the second one out.
 */
import { Cron } from 'croner';

export interface CronTimes {
  /** The first time after an instant; undefined where none comes. */
  next(after: Date): Date | undefined;
  /** At most so many times at or before an instant, newest first. */
  previous(count: number, until: Date): Date[];
}

/** Five fields, six with seconds first, or croner's nicknames. @throws when line or zone cannot be read */
export function cronTimes(line: string, zone: string): CronTimes {
  const cron = new Cron(line, { timezone: zone, paused: true });
  // Asked once, so that a zone which there is not throws here.
  cron.nextRun();
  if (isOften(line)) return new WallClock(line, zone);
  return {
    next: (after) => cron.nextRun(after) ?? undefined,
    // A reference is itself left out: look back from just after it.
    previous: (count, until) =>
      cron
        .previousRuns(count, new Date(until.getTime() + SECOND_MS))
        .filter((tick) => tick <= until),
  };
}

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const ONE_NUMBER = /^\d+$/;
const EVERY_HOUR = /^(\*|\?|\*\/1|0-23)$/;

/** Every hour, or several times in one. */
function isOften(line: string): boolean {
  const fields = line.trim().split(/\s+/);
  if (fields.length === 1) return /^@hourly$/i.test(fields[0]!);
  const [second, minute, hour] = fields.length === 5 ? ['0', ...fields] : fields;
  return ![second!, minute!].every((field) => ONE_NUMBER.test(field)) || EVERY_HOUR.test(hour!);
}

/** The line is read as one of UTC, in each time between two changes of the zone's offset by itself. */
class WallClock implements CronTimes {
  readonly #cron: Cron;
  readonly #zone: Intl.DateTimeFormat;

  constructor(line: string, zone: string) {
    this.#cron = new Cron(line, { timezone: 'UTC', paused: true });
    this.#zone = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  }

  next(after: Date): Date | undefined {
    for (let from = after.getTime(); ;) {
      const offset = this.#offset(from);
      const shown = this.#cron.nextRun(new Date(from + offset));
      if (shown === null) return undefined;
      const found = shown.getTime() - offset;
      const change = this.#change(from, found, offset);
      if (change === undefined) return new Date(found);
      // The change itself may be a time of the line, and a reference is left out.
      if (this.#cron.match(new Date(change + this.#offset(change)))) return new Date(change);
      from = change;
    }
  }

  previous(count: number, until: Date): Date[] {
    const found: Date[] = [];
    // A reference is itself left out, and whole seconds are what a line has.
    let before = Math.floor(until.getTime() / SECOND_MS) * SECOND_MS + SECOND_MS;
    while (found.length < count) {
      const offset = this.#offset(before - 1);
      const [shown] = this.#cron.previousRuns(1, new Date(before + offset));
      if (shown === undefined) break;
      const tick = shown.getTime() - offset;
      const change = this.#change(tick, before - 1, this.#offset(tick));
      if (change === undefined) found.push(new Date((before = tick)));
      else before = this.#lastChange(change, before - 1, offset);
    }
    return found;
  }

  /** The first instant in (from, to] at which the offset is another; undefined where it stays. */
  #change(from: number, to: number, offset: number): number | undefined {
    for (let at = from; at < to; at += STEP_MS) {
      const end = Math.min(at + STEP_MS, to);
      if (this.#offset(end) !== offset) return this.#edge(at, end, offset);
    }
    return undefined;
  }

  /** The last one in (from, to], after which the offset is `offset`. */
  #lastChange(from: number, to: number, offset: number): number {
    let end = to;
    while (end - STEP_MS > from && this.#offset(end - STEP_MS) === offset) end -= STEP_MS;
    const start = Math.max(end - STEP_MS, from - 1);
    return this.#edge(start, end, this.#offset(start));
  }

  /** Where in (low, high] the offset stops being `offset`: zones change at whole seconds. */
  #edge(low: number, high: number, offset: number): number {
    let [before, after] = [low, high];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (this.#offset(middle) === offset) before = middle;
      else after = middle;
    }
    return after;
  }

  /** Milliseconds by which the zone is ahead of UTC. */
  #offset(at: number): number {
    const name = this.#zone.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value;
    const [, sign, hours, minutes, seconds] = OFFSET.exec(name ?? '') ?? [];
    const ms = Number(hours ?? 0) * HOUR_MS + Number(minutes ?? 0) * 60_000;
    return (sign === '-' ? -1 : 1) * (ms + Number(seconds ?? 0) * SECOND_MS);
  }
}

const OFFSET = /^GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/;
/** No zone changes its offset twice in so long. */
const STEP_MS = 6 * HOUR_MS;
