import { describe, expect, test } from 'vitest';
import { Rates } from '../../../src/swarm/engine/rates.ts';
import { Shares } from '../../../src/swarm/engine/shares.ts';
import { Random } from '../../sim/random.ts';

function sharers(members: number, ...hubs: string[]) {
  return { members, hubs: hubs.length, isHub: (node: string) => hubs.includes(node) };
}

/** Takes one by one as long as it fits. */
function fill(shares: Shares, owner: string): number {
  let count = 0;
  for (; shares.fits(owner); count++) shares.take(owner);
  return count;
}

describe('shares of a total', () => {
  test.each([
    [5, 13_107 + 32_768],
    [100, 655 + 16_384],
    [10_000, 6 + 16_384],
  ])('of %i members and a hub leave a member at most %i of 262,144', (members, most) => {
    const shares = new Shares(262_144, sharers(members, 'hub'));
    expect(shares.most('m')).toBe(most);
    expect(fill(shares, 'm')).toBe(most);
    // A quarter, and half of what is open, whatever the member took.
    expect(fill(shares, 'hub')).toBe(65_536 + 65_536);
  });

  test('leave each what is certain to it, whatever all others take', () => {
    const shares = new Shares(4_096, sharers(100));
    const taken = Array.from({ length: 99 }, (_, at) => fill(shares, `m${at}`));
    expect(taken.slice(0, 8).every((one) => one === 10 + 384)).toBe(true);
    expect(taken.slice(8).every((one) => one === 10)).toBe(true);
    expect(fill(shares, 'last')).toBe(10);
    expect(shares.size).toBeLessThanOrEqual(4_096);
  });

  test('are whole again when all is given back, also where members came and went meanwhile', () => {
    const random = new Random(7);
    const now = { members: 3, hubs: 0, isHub: (node: string) => node === 'm1' && now.hubs > 0 };
    const shares = new Shares(1_000, now);
    const owners = ['m1', 'm2', 'm3', 'm4'];
    for (let step = 0; step < 5_000; step++) {
      if (random.hits(0.05)) Object.assign(now, { members: random.between(1, 40) });
      if (random.hits(0.05)) now.hubs = 1 - now.hubs;
      const [owner, amount] = [random.pick(owners), random.between(1, 60)];
      if (random.hits(0.6) && shares.fits(owner, amount)) shares.take(owner, amount);
      else if (shares.used(owner) > 0) shares.give(owner, Math.min(amount, shares.used(owner)));
    }
    for (const owner of owners) shares.give(owner, shares.used(owner));
    expect(shares.size).toBe(0);
    Object.assign(now, { members: 4, hubs: 0 });
    expect(owners.map((owner) => fill(shares, owner))).toEqual([249, 249, 249, 249]);
  });
});

test('a rate lets a burst pass, then so many a second, and keeps nothing of who is quiet', () => {
  const context = { now: { mono: 0, wall: 0 } };
  const rates = new Rates(context, () => ({ perSecond: 2, burst: 5 }));
  const taken = (): number =>
    Array.from({ length: 10 }, () => rates.take('a')).filter(Boolean).length;
  expect(taken()).toBe(5);
  context.now = { mono: 1_000, wall: 0 };
  expect(taken()).toBe(2);
  expect(rates.take('b')).toBe(true);
  expect(rates.charge('b', 8)).toBe(2_000);
  context.now = { mono: 6_000, wall: 0 };
  rates.sweep();
  expect(rates.size).toBe(0);
});
