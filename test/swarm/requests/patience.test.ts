import { describe, expect, test } from 'vitest';
import { waitsUntil } from '../../../src/swarm/requests/patience.ts';
import type { Standing } from '../../../src/swarm/requests/patience.ts';
import { okOutcome } from '../../sim/host.ts';
import type { Asked, SimHost } from '../../sim/host.ts';
import { World } from '../../sim/world.ts';
import { chain, cut } from './chain.ts';

const GRACES = { relinkGraceMs: 3_000, unreachableGraceMs: 1_000 };
/** Alive, never linked, silent; asked at 100. */
const STRANGER: Standing = {
  hopeless: false,
  linked: false,
  relayed: false,
  state: 'alive',
  spoke: false,
  since: 100,
};

describe('how long a host is waited for', () => {
  test.each<[string, Partial<Standing>, number]>([
    ['linked', { linked: true }, Infinity],
    ['linked, whatever the table says', { linked: true, state: 'dead' }, Infinity],
    ['heard of over others', { spoke: true }, Infinity],
    ['heard of over others, and doubted', { spoke: true, state: 'suspect' }, Infinity],
    ['heard of, and dead since', { spoke: true, state: 'dead' }, 0],
    ['dead', { state: 'dead' }, 0],
    ['dead in a mesh', { state: 'dead', relayed: true }, 0],
    ['alive in a mesh, no link meant', { relayed: true }, Infinity],
    ['alive without the link that is meant', {}, 3_100],
    ['suspect', { state: 'suspect' }, 1_100],
    ['suspect in a mesh', { state: 'suspect', relayed: true }, 1_100],
    ['gone from the table', { state: undefined }, 1_100],
    ['hopeless', { hopeless: true, linked: true, spoke: true }, 0],
  ])('%s', (_what, known, until) => {
    expect(waitsUntil({ ...STRANGER, ...known }, GRACES)).toBe(until);
  });
});

const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(5);
const of = (asked: Asked, name: string) => asked.account!.hosts.find((one) => one.name === name)!;

describe('a host that is reached over another one', () => {
  test.each([1_000, 2_900, 3_100, 6_000, 25_000, 70_000])(
    'is waited for as a linked one is: %i ms of work',
    (afterMs) => {
      const { world, outer, far } = chain(60);
      far.runner = () => ({ outcome: okOutcome(bytes(3)), afterMs });
      const asked = outer.ask({ timeoutMs: 90_000 });
      expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'ok', h2: 'ok' });
      expect(of(asked, 'h2').over).toBe('h1');
      expect(of(asked, 'h1').over).toBeUndefined();
      expect([far.runs.length, far.cancels.length]).toEqual([1, 0]);
    },
  );

  test('by name, for an action as for a query, and its answer of 3 MiB comes whole', () => {
    const { world, outer, far } = chain(61);
    far.runner = () => ({ outcome: okOutcome(bytes(3 << 20)), afterMs: 8_000 });
    for (const kind of ['query', 'action', 'fetch']) {
      const asked = outer.ask({
        kind,
        targets: { kind: 'nodes', nodes: [far.nodeId] },
        timeoutMs: 30_000,
      });
      expect(world.finish(asked)).toEqual({ h2: 'ok' });
      // toEqual looks at each byte by itself, for minutes
      expect(Buffer.compare(asked.answers[0]!.payload, bytes(3 << 20))).toBe(0);
    }
    expect(far.runs).toHaveLength(3);
  });

  test('ends at the deadline where it says no more, and the account says over whom', () => {
    const { world, outer, middle, far } = chain(62);
    far.runner = () => ({ outcome: okOutcome(bytes(3)), afterMs: Infinity });
    const asked = outer.ask({ timeoutMs: 20_000 });
    world.run(10_000);
    // from now on it hears and says nothing, and nobody has noticed by the deadline
    far.freeze(12_000);
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'ok', h2: 'timeout' });
    expect(of(asked, 'h2').message).toBe(
      'the host said over "h1" that it works on it, and did not finish in time',
    );
    expect(middle.runs).toHaveLength(1);
  });

  test('is told when the request is withdrawn', () => {
    const { world, outer, far } = chain(63);
    far.runner = () => ({ outcome: okOutcome(bytes(3)), afterMs: Infinity });
    const asked = outer.ask({ timeoutMs: 60_000 });
    world.run(10_000);
    expect(asked.account).toBeUndefined();
    outer.do(() => outer.core!.cancelRequest(outer.now, asked.id));
    world.run(1_000);
    expect(far.cancels).toHaveLength(1);
    expect(of(asked, 'h2').code).toBe('cancelled');
  });

  test('that dies at work is unreachable once it is dead, long before the deadline', () => {
    const { world, outer, far } = chain(64);
    far.runner = () => ({ outcome: okOutcome(bytes(3)), afterMs: Infinity });
    const asked = outer.ask({ timeoutMs: 300_000 });
    world.run(10_000);
    far.crash();
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'ok', h2: 'unreachable' });
    expect(of(asked, 'h2').message).toMatch(/^no link to this host \(dead since 2026-01-01T/);
  });

  test('is waited for when the link over which it said so is lost: it says so again', () => {
    const world = new World({ seed: 65, nodes: 4 }).settle();
    const [asker, , , target] = world.hosts as [SimHost, SimHost, SimHost, SimHost];
    target.runner = () => ({ outcome: okOutcome(bytes(3)), afterMs: 15_000 });
    const asked = asker.ask({ timeoutMs: 30_000 });
    // its ACCEPTED is on the way at 2 s, and lost with the link
    world.network.tamper = (from, message, to) =>
      from === target && to === asker ? undefined : message;
    world.run(2_500);
    cut(world, asker, target);
    expect(world.finish(asked)['h3']).toBe('ok');
    expect(of(asked, 'h3').over).toMatch(/^h[12]$/);
    expect(target.runs).toHaveLength(1);
  });
});

describe('a host that is dead', () => {
  test('is in the account at once', () => {
    const world = new World({ seed: 66, nodes: 4 }).settle();
    world.hosts[3]!.crash();
    world.run(60_000);
    for (const host of world.hosts)
      host.runner = () => ({ outcome: okOutcome(bytes(3)), afterMs: 0 });
    const [asker, , , dead] = world.hosts as [SimHost, SimHost, SimHost, SimHost];
    const asked = asker.ask({ timeoutMs: 30_000 });
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'ok', h2: 'ok', h3: 'unreachable' });
    // two ways through the network and no more: nobody waited for anything
    expect(asked.endedAt! - asked.startedAt).toBeLessThanOrEqual(
      2 * world.network.knobs.delayMaxMs,
    );
    const named = asker.ask({ targets: { kind: 'nodes', nodes: [dead.nodeId] } });
    expect(world.finish(named)).toEqual({ h3: 'unreachable' });
    expect(named.endedAt).toBe(named.startedAt);
    expect(of(named, 'h3').message).toMatch(
      /^no link to this host \(dead since 2026-01-01T00:00:\d/,
    );
  });

  test('that comes back in that moment answers or is named, and the next question has its answer', () => {
    const seen = new Set<string>();
    // Whether its link or the last of the others' answers comes first is the network's: both do.
    for (let seed = 60; seed < 80; seed++) {
      const world = new World({ seed, nodes: 4 }).settle();
      world.hosts[3]!.crash();
      world.run(60_000);
      world.hosts[3]!.start();
      const asked = world.hosts[0]!.ask({ timeoutMs: 30_000 });
      const state = world.finish(asked)['h3']!;
      seen.add(state);
      if (state !== 'ok') expect(of(asked, 'h3').message).toContain('dead since');
      world.run(2_000);
      expect(world.finish(world.hosts[0]!.ask())['h3']).toBe('ok');
    }
    expect([...seen].sort()).toEqual(['ok', 'unreachable']);
  });

  test('that comes back while others are still at work answers after all', () => {
    const world = new World({ seed: 68, nodes: 4 }).settle();
    world.hosts[3]!.crash();
    world.run(60_000);
    world.hosts[1]!.runner = () => ({ outcome: okOutcome(bytes(3)), afterMs: 4_000 });
    const asked = world.hosts[0]!.ask({ timeoutMs: 30_000 });
    world.run(500);
    world.hosts[3]!.start();
    expect(Object.values(world.finish(asked))).toEqual(['ok', 'ok', 'ok', 'ok']);
  });
});
