import { describe, expect, test } from 'vitest';
import type { SimHost } from '../../sim/host.ts';
import { World } from '../../sim/world.ts';

/** A second host that runs on a copy of another one's state folder. */
function copyOf(world: World, original: SimHost): SimHost {
  const copy = world.addHost();
  Object.assign(copy, { signKey: original.signKey, nodeId: original.nodeId });
  for (const [key, bytes] of original.disk) copy.disk.set(key, bytes);
  copy.start();
  return copy;
}

/** Connections that come up from now on. */
function countDials(world: World): { count: number } {
  const seen = { count: 0 };
  const dial = world.network.dial.bind(world.network);
  world.network.dial = (from, address, nodeId, done) =>
    dial(from, address, nodeId, (ok) => {
      if (ok) seen.count++;
      done(ok);
    });
  return seen;
}

const frozen = (host: SimHost): string[] =>
  host.alarms.filter((one) => one.message.includes('both are frozen')).map((one) => one.key);

describe('two copies of one state folder', () => {
  test.each([70, 71, 72])('bring no storm, and are frozen after ten turns (seed %i)', (seed) => {
    const world = new World({ seed, nodes: 4 }).settle();
    const original = world.hosts[3]!;
    const dials = countDials(world);
    const copy = copyOf(world, original);
    world.run(120_000);
    const others = world.hosts.slice(0, 3);
    for (const host of others) {
      expect(frozen(host)).toContain(original.nodeId);
      expect(host.alarms.at(-1)!.message).toContain('`swarmplane identity reset`');
      expect(host.sees(original)).toBe('dead');
    }
    // in each of two minutes 75 a second were 9,000
    expect(dials.count).toBeLessThan(400);
    const before = dials.count;
    world.run(600_000);
    // two copies that ask at three members, each every 15 to 45 s
    expect(dials.count - before).toBeLessThan((2 * 3 * 600) / 10);
    for (const one of [original, copy])
      expect(one.alarms.map((alarm) => alarm.message).join()).toContain('identity reset');
    // the others have each other all the while
    const asked = others[0]!.ask();
    expect(world.finish(asked)).toMatchObject({ h0: 'ok', h1: 'ok', h2: 'ok' });
  });

  test('when one of them is gone the other is taken back, and the alarm ends', () => {
    const world = new World({ seed: 73, nodes: 4 }).settle();
    const original = world.hosts[3]!;
    const copy = copyOf(world, original);
    world.run(120_000);
    copy.crash();
    world.run(7 * 60_000);
    for (const host of world.hosts.slice(0, 3)) {
      expect(host.sees(original)).toBe('alive');
      expect(host.alarms.some((one) => one.over && one.kind === 'clone')).toBe(true);
    }
    const asked = world.hosts[0]!.ask();
    expect(Object.values(world.finish(asked))).toEqual(['ok', 'ok', 'ok', 'ok']);
  });

  test('a host alone with two copies does not dial its seed as fast as it can', () => {
    const world = new World({ seed: 74, nodes: 2 }).settle();
    const dials = countDials(world);
    copyOf(world, world.hosts[1]!);
    world.run(120_000);
    expect(frozen(world.hosts[0]!)).toContain(world.hosts[1]!.nodeId);
    expect(dials.count).toBeLessThan(200);
  });
});

test('a host that restarts twenty times in a minute is no copy', () => {
  const world = new World({ seed: 75, nodes: 4 }).settle();
  for (let i = 0; i < 20; i++) {
    world.hosts[3]!.crash();
    world.hosts[3]!.start();
    world.run(3_000);
  }
  world.run(60_000);
  expect(world.hosts.flatMap(frozen)).toEqual([]);
  expect(world.hosts[0]!.sees(world.hosts[3]!)).toBe('alive');
});

test('a link that is closed as soon as it is up is dialled ever more slowly, and at once after one that lasted', () => {
  const world = new World({ seed: 76, nodes: 2 }).settle();
  const [one, other] = world.hosts as [SimHost, SimHost];
  const dials = countDials(world);
  let closing = true;
  const send = world.network.send.bind(world.network);
  world.network.send = (from, link, message) => {
    send(from, link, message);
    if (closing) world.network.resetBetween(one, other);
  };
  world.network.resetBetween(one, other);
  world.run(300_000);
  expect(dials.count).toBeLessThan(60);
  closing = false;
  world.run(150_000);
  const settled = dials.count;
  expect(one.sees(other)).toBe('alive');
  world.network.resetBetween(one, other);
  world.run(1_000);
  expect(dials.count - settled).toBeGreaterThan(0);
});
