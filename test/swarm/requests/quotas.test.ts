import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/wire/index.ts';
import { okOutcome, type Asked, type SimHost } from '../../sim/host.ts';
import { World } from '../../sim/world.ts';

/** What came of requests, how often. */
function tally(asked: readonly Asked[], name: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { account } of asked) {
    const host = account!.hosts.find((one) => one.name === name)!;
    const what = host.code ?? host.state;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}

/** What the first that was refused was told. */
function busyMessage(asked: readonly Asked[]): string | undefined {
  return asked.flatMap(({ account }) => account!.hosts).find(({ code }) => code === 'busy')
    ?.message;
}

describe('a member that asks too much', () => {
  test('is told busy above 32 runs at once, and nothing is run twice or lost', () => {
    const world = new World({ seed: 71, nodes: 3 }).settle();
    const [target, greedy, other] = world.hosts as [SimHost, SimHost, SimHost];
    target.runner = () => ({ outcome: okOutcome(utf8('x')), afterMs: 2_000 });
    const asked = Array.from({ length: 100 }, () => greedy.ask({ targets: to(target) }));
    const meanwhile = other.ask({ targets: to(target) });
    for (const one of asked) world.finish(one);
    expect(tally(asked, 'h0')).toEqual({ ok: 32, busy: 68 });
    expect(world.finish(meanwhile)).toEqual({ h0: 'ok' });
    expect(target.runs).toHaveLength(33);
    expect(busyMessage(asked)).toBe('this host is carrying out 32 requests of h1 already');
    expect(world.finish(greedy.ask({ targets: to(target) }))).toEqual({ h0: 'ok' });
  });

  test('leaves room for others where two of them fill all, and for what the host asks itself', () => {
    const world = new World({ seed: 75, nodes: 5 }).settle();
    const [target, ...askers] = world.hosts as [SimHost, SimHost, SimHost, SimHost, SimHost];
    target.runner = () => ({ outcome: okOutcome(utf8('x')), afterMs: 5_000 });
    const askMany = (asker: SimHost, count: number) =>
      Array.from({ length: count }, () => asker.ask({ targets: to(target) }));
    const [greedy, greedier] = askers.slice(0, 2).map((asker) => askMany(asker, 40));
    world.run(1_000);
    const [other, another] = askers.slice(2).map((asker) => askMany(asker, 5));
    const own = askMany(target, 40);
    for (const one of [greedy!, greedier!, other!, another!, own].flat()) world.finish(one);
    expect(tally(greedy!, 'h0')).toEqual({ ok: 32, busy: 8 });
    expect(tally(greedier!, 'h0')).toEqual({ ok: 32, busy: 8 });
    expect(tally(other!, 'h0')).toEqual({ ok: 4, busy: 1 });
    expect(tally(another!, 'h0')).toEqual({ ok: 4, busy: 1 });
    expect(tally(own, 'h0')).toEqual({ ok: 40 });
    expect(busyMessage(another!)).toMatch(
      /^this host is carrying out \d\d requests already, 4 of them of h4$/,
    );
  });

  test('has 512 requests under way and no more, and the others are served meanwhile', () => {
    const world = new World({ seed: 72, nodes: 3 }).settle();
    const [target, greedy, other] = world.hosts as [SimHost, SimHost, SimHost];
    greedy.runner = () => ({ outcome: okOutcome(utf8('')), afterMs: Infinity });
    for (let i = 0; i < 600; i++) greedy.ask({ timeoutMs: 60_000 });
    world.run(2_000);
    expect(target.core!.sizes()['live']).toBe(512);
    expect(world.finish(other.ask({ targets: to(target) }))).toEqual({ h0: 'ok' });
  });

  test('may ask as many after each other as it likes, however long each might take', () => {
    const world = new World({ seed: 73, nodes: 2 }).settle();
    const [asker, target] = world.hosts as [SimHost, SimHost];
    for (let i = 0; i < 600; i++) {
      const asked = asker.ask({ targets: to(target), timeoutMs: 600_000 });
      expect(world.finish(asked)).toEqual({ h1: 'ok' });
    }
    expect(target.runs).toHaveLength(600);
    expect(target.core!.sizes()['live']).toBeLessThanOrEqual(512);
  });

  test('does not fill the memory for bodies that others need', () => {
    const world = new World({ seed: 74, nodes: 3 }).settle();
    const [target, greedy, other] = world.hosts as [SimHost, SimHost, SimHost];
    const body = new Uint8Array(128 * 1024);
    for (let i = 0; i < 300; i++) {
      greedy.ask({ body, timeoutMs: 600_000 });
      world.run(100);
    }
    expect(target.core!.sizes()['liveBytes']).toBeGreaterThan(7 * 1024 * 1024);
    // A third of a quarter for certain, and a quarter of what is open in a swarm without a hub.
    const most = (32 / 4 / 3 + (32 * 3) / 4 / 4) * 1024 * 1024;
    expect(target.core!.sizes()['liveBytes']).toBeLessThanOrEqual(most);
    const alarm = target.alarms.find(({ kind }) => kind === 'share_full')!;
    expect(alarm.key).toBe(`${greedy.nodeId} bodies`);
    expect(alarm.message).toContain(`"${greedy.name}"`);
    const asked = other.ask({ targets: to(target), body });
    expect(world.finish(asked)).toEqual({ h0: 'ok' });
  });
});

function to(...hosts: readonly SimHost[]) {
  return { kind: 'nodes', nodes: hosts.map(({ nodeId }) => nodeId) } as const;
}
