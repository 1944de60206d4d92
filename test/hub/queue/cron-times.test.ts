/** Cron lines over both changes of daylight saving, in zones that change by an hour and by half of one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cronTimes } from '../../../src/hub/queue/cron-times.ts';

const BERLIN = 'Europe/Berlin';

/** The next ones after an instant, as `MM-DD HH:MM` in UTC. */
function next(line: string, zone: string, after: string, count: number): string[] {
  const times = cronTimes(line, zone);
  const found: Date[] = [];
  for (let at = new Date(after); found.length < count; found.push(at)) at = times.next(at)!;
  return found.map(short);
}

function short(at: Date): string {
  return at.toISOString().slice(5, 16).replace('T', ' ');
}

describe('where the clock goes back', () => {
  it('what runs several times in an hour runs in both of the hours that are one by name', () => {
    expect(next('*/30 * * * *', BERLIN, '2026-10-24T23:45:00Z', 7)).toEqual([
      '10-25 00:00',
      '10-25 00:30',
      '10-25 01:00',
      '10-25 01:30',
      '10-25 02:00',
      '10-25 02:30',
      '10-25 03:00',
    ]);
    expect(next('15,45 2 * * *', BERLIN, '2026-10-24T20:00:00Z', 5)).toEqual([
      '10-25 00:15',
      '10-25 00:45',
      '10-25 01:15',
      '10-25 01:45',
      '10-26 01:15',
    ]);
  });

  it('what runs every hour runs every hour', () => {
    const hours = ['10-24 23:00', '10-25 00:00', '10-25 01:00', '10-25 02:00', '10-25 03:00'];
    expect(next('0 * * * *', BERLIN, '2026-10-24T22:30:00Z', 5)).toEqual(hours);
    expect(next('@hourly', BERLIN, '2026-10-24T22:30:00Z', 5)).toEqual(hours);
  });

  it('what names a time of the day runs once', () => {
    expect(next('30 2 * * *', BERLIN, '2026-10-24T20:00:00Z', 2)).toEqual([
      '10-25 00:30',
      '10-26 01:30',
    ]);
  });

  it('by half an hour it is the same', () => {
    // At 15:00 UTC from 02:00 to 01:30.
    expect(next('*/20 * * * *', 'Australia/Lord_Howe', '2026-04-04T14:10:00Z', 5)).toEqual([
      '04-04 14:20',
      '04-04 14:40',
      '04-04 15:10',
      '04-04 15:30',
      '04-04 15:50',
    ]);
  });
});

describe('where the clock goes forward', () => {
  it('what runs several times in an hour goes on', () => {
    expect(next('*/30 * * * *', BERLIN, '2026-03-29T00:10:00Z', 4)).toEqual([
      '03-29 00:30',
      '03-29 01:00',
      '03-29 01:30',
      '03-29 02:00',
    ]);
    expect(next('0 * * * *', BERLIN, '2026-03-29T00:10:00Z', 2)).toEqual([
      '03-29 01:00',
      '03-29 02:00',
    ]);
  });

  it('what names a time of the day that is left out runs after the gap', () => {
    expect(next('30 2 * * *', BERLIN, '2026-03-28T20:00:00Z', 2)).toEqual([
      '03-29 01:30',
      '03-30 00:30',
    ]);
    // In the repeated kind there is nothing to run at.
    expect(next('15,45 2 * * *', BERLIN, '2026-03-28T20:00:00Z', 1)).toEqual(['03-30 00:15']);
  });
});

it('looks back as it looks ahead, whatever the line, the zone and the time', () => {
  const lines = ['*/7 * * * *', '0 * * * *', '10,50 1-3 * * *', '*/20 * * * * *', '5 * 25 3,10 *'];
  const zones = [BERLIN, 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC'];
  const year = { min: Date.UTC(2026, 0), max: Date.UTC(2027, 0) };
  // Most instants near a change.
  const near = [Date.UTC(2026, 2, 29, 1), Date.UTC(2026, 9, 25, 1), Date.UTC(2026, 3, 4, 15)];
  const instant = fc.oneof(
    fc.integer(year),
    fc.tuple(fc.constantFrom(...near), fc.integer({ min: -9e6, max: 9e6 })).map(([t, d]) => t + d),
  );
  fc.assert(
    fc.property(fc.constantFrom(...lines), fc.constantFrom(...zones), instant, (line, zone, at) => {
      const times = cronTimes(line, zone);
      const ahead: Date[] = [];
      for (let from = new Date(at); ahead.length < 6; ahead.push(from)) from = times.next(from)!;
      const back = times.previous(6, ahead.at(-1)!).reverse();
      expect(back).toEqual(ahead);
      // Each shows a time of the line on the wall.
      const shown = new Intl.DateTimeFormat('en-US', { timeZone: zone, minute: 'numeric' });
      if (line === '0 * * * *') for (const tick of ahead) expect(shown.format(tick)).toBe('0');
    }),
    { numRuns: 300 },
  );
});

it('says what it cannot read, also of zones', () => {
  expect(() => cronTimes('every day', 'UTC')).toThrow();
  expect(() => cronTimes('0 4 * * *', 'Mars/Olympus')).toThrow();
  expect(() => cronTimes('*/5 * * * *', 'Mars/Olympus')).toThrow();
});
