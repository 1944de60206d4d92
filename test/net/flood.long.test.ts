import { afterEach, expect, test } from 'vitest';
import { DEFAULT_NET_TUNING } from '../../src/net/index.ts';
import { stopAll } from './swarm-nodes.ts';
import { floodOf } from './strangers.ts';

afterEach(stopAll);

/** A minute by command: FLOOD_SECONDS=60. */
const SECONDS = Number(process.env['FLOOD_SECONDS'] ?? 10);

test('under a flood of strangers from 50 networks newcomers join and far members connect, all of them', async () => {
  const { unauthenticatedMax, admission } = DEFAULT_NET_TUNING;
  const memory = process.memoryUsage().rss;
  const flood = await floodOf({ seconds: SECONDS, perSecond: 800, members: 100 });
  console.log(
    `flood: ${flood.opened} connections; joins ${show(flood.joins)}, members ${show(flood.members)};`,
    `most unproven ${flood.mostUnproven}, most queued ${flood.mostQueued}`,
  );
  expect(flood.opened).toBeGreaterThan(SECONDS * 100);
  expect(flood.linkHeld).toBe(true);
  expect(flood.failed).toEqual([]);
  expect(flood.members).toHaveLength(100);
  expect(flood.joins.length).toBeGreaterThanOrEqual(Math.floor(SECONDS / 1.5));
  expect(flood.mostUnproven).toBeLessThanOrEqual(2 * unauthenticatedMax);
  expect(flood.mostQueued).toBeLessThanOrEqual(admission.queueMax);
  expect(process.memoryUsage().rss - memory).toBeLessThan(256 * 1024 * 1024);
}, 180_000);

function show(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted.at(Math.floor(sorted.length * share)) ?? 0).toFixed(0);
  return `${times.length}: p50 ${at(0.5)} ms, longest ${(sorted.at(-1) ?? 0).toFixed(0)} ms`;
}
