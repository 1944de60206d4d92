/** What nodes remember of audit chains. */
import { describe, expect, test } from 'vitest';
import {
  CHAINS_MAX,
  CHAINS_PER_HUB_MAX,
  MARKS_MAX,
  NEWEST_MAX,
} from '../../../src/swarm/audit/seal-memory.ts';
import { World } from '../../sim/world.ts';
import type { SimHost } from '../../sim/host.ts';

const CHAIN = '0'.repeat(31) + '1';

/** A settled swarm whose first host is a hub. */
function swarm(seed: number, nodes: number): World {
  const world = new World({ seed, nodes });
  world.hosts[0]!.hub = true;
  return world.settle();
}

function seal(by: SimHost, number: number, chain = CHAIN, body = number): Uint8Array {
  const hash = body.toString(16).padStart(64, '0');
  return by.core!.signSeal(by.now, { chain, number, hash, at: by.now.wall }).head;
}

function spread(by: SimHost, head: Uint8Array): void {
  by.do(() => by.core!.spreadSeal(by.now, head));
}

const numbers = (host: SimHost): number[] => host.core!.seals().map((one) => one.number);
const kinds = (host: SimHost): string[] => host.alarms.map((alarm) => alarm.kind);

describe('seals', () => {
  test('are remembered by every node, over a restart, and by one that comes later', () => {
    const world = swarm(1, 4);
    const [hub, other] = world.hosts as [SimHost, SimHost];
    for (const number of [1, 2, 3]) spread(hub, seal(hub, number));
    world.run(3_000);
    for (const host of world.hosts) expect(numbers(host)).toEqual([1, 2, 3]);

    other.crash();
    spread(hub, seal(hub, 4));
    world.run(3_000);
    other.start();
    expect(numbers(other)).toEqual([1, 2, 3]);
    const late = world.addHost();
    late.start();
    world.run(10_000);
    for (const host of [other, late]) expect(numbers(host)).toEqual([1, 2, 3, 4]);
  });

  test('fetched from a neighbour come all, also more than one message holds', () => {
    const world = swarm(2, 2);
    const [hub] = world.hosts as [SimHost];
    for (let number = 1; number <= 400; number++) spread(hub, seal(hub, number));
    const late = world.addHost();
    late.seeds = [world.hosts[1]!.address];
    late.start();
    world.run(10_000);
    expect(numbers(late)).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
  });

  test('of another content for a number that is known raise an alarm and change nothing', () => {
    const world = swarm(3, 3);
    const [hub, other] = world.hosts as [SimHost, SimHost];
    for (const number of [1, 2]) spread(hub, seal(hub, number));
    world.run(1_000);
    const before = other.core!.seals();
    spread(other, seal(hub, 2, CHAIN, 77));
    expect(other.core!.seals()).toEqual(before);
    expect(kinds(other)).toContain('seal_fork');
  });

  test('are taken of hubs only, with a signature that holds, and never into the past', () => {
    const world = swarm(4, 3);
    const [hub, other] = world.hosts as [SimHost, SimHost];
    spread(other, seal(other, 1));
    const forged = seal(hub, 5).slice();
    forged[forged.length - 1]! ^= 1;
    spread(other, forged);
    expect(numbers(other)).toEqual([]);
    spread(other, seal(hub, 5));
    spread(other, seal(hub, 4));
    expect(numbers(other)).toEqual([5]);
    world.run(1_000);
    expect(kinds(hub)).toEqual([]);
  });

  test('leap no further than a month of them, so that what follows still has a number', () => {
    const world = swarm(6, 2);
    const [hub, other] = world.hosts as [SimHost, SimHost];
    for (const number of [1, 100_001, 200_002, 100_002]) spread(hub, seal(hub, number));
    world.run(1_000);
    expect(numbers(other)).toEqual([1, 100_001, 100_002]);
    expect(kinds(hub)).toEqual(['seal_fault']);
  });

  test('take bounded room whatever a hub signs, and those that were first stay', () => {
    const world = swarm(5, 2);
    const [hub, other] = world.hosts as [SimHost, SimHost];
    for (let chain = 1; chain <= CHAINS_PER_HUB_MAX + 3; chain++)
      spread(hub, seal(hub, 1, chain.toString(16).padStart(32, '0')));
    world.run(1_000);
    expect(other.core!.seals()).toHaveLength(CHAINS_PER_HUB_MAX);
    expect(kinds(hub)).toContain('seals_full');
    expect(CHAINS_PER_HUB_MAX).toBeLessThan(CHAINS_MAX);

    // numbers far apart, so that each would be a mark
    const most = NEWEST_MAX + MARKS_MAX;
    for (let number = 1; number <= most + 500; number++)
      hub.core!.spreadSeal(hub.now, seal(hub, number * 100 + 1));
    const kept = numbers(hub).filter((number) => number > 1);
    expect(kept.length).toBeLessThanOrEqual(most);
    expect(kept.length).toBeGreaterThan(NEWEST_MAX);
    expect(numbers(hub)[0]).toBe(1);
    expect(kept.at(-1)).toBe((most + 500) * 100 + 1);
  });
});
