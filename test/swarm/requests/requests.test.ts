import { describe, expect, test } from 'vitest';
import { decodeMessage, fromUtf8, utf8 } from '../../../src/wire/index.ts';
import { SwarmError } from '../../../src/swarm/index.ts';
import { okOutcome } from '../../sim/host.ts';
import type { Asked, SimHost } from '../../sim/host.ts';
import { World } from '../../sim/world.ts';

function outcomeOf(asked: Asked, name: string) {
  return asked.account!.hosts.find((host) => host.name === name)!;
}

function payloadOf(asked: Asked, name: string): Uint8Array {
  return asked.answers.find((answer) => answer.outcome.name === name)!.payload;
}

function tookMs(asked: Asked): number {
  return asked.endedAt! - asked.startedAt;
}

function named(...hosts: readonly SimHost[]) {
  return { targets: { kind: 'nodes', nodes: hosts.map(({ nodeId }) => nodeId) } } as const;
}

/** How many messages of each kind hosts send from now on. */
function countKinds(world: World): Map<string, number> {
  const kinds = new Map<string, number>();
  world.network.tamper = (_from, message) => {
    const kind = decodeMessage(message)!.t;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    return message;
  };
  return kinds;
}

describe('asking', () => {
  test('every host answers once, the asker among them', () => {
    const world = new World({ seed: 31, nodes: 5 }).settle();
    const asked = world.hosts[2]!.ask();
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'ok', h2: 'ok', h3: 'ok', h4: 'ok' });
    expect(asked.answers).toHaveLength(5);
    expect(fromUtf8(payloadOf(asked, 'h3'))).toBe('h3');
    for (const host of world.hosts) expect(host.runs).toHaveLength(1);
  });

  test('only hosts that are named run it, and a name that is unknown is accounted for', () => {
    const world = new World({ seed: 32, nodes: 4 }).settle();
    const unknown = 'ab'.repeat(32);
    const nodes = [world.hosts[1]!.nodeId, unknown, world.hosts[1]!.nodeId];
    const asked = world.hosts[0]!.ask({ targets: { kind: 'nodes', nodes } });
    expect(world.finish(asked)).toEqual({ h1: 'ok', [unknown.slice(0, 12)]: 'unreachable' });
    expect(outcomeOf(asked, unknown.slice(0, 12)).code).toBe('unknown');
    expect(world.hosts.map((host) => host.runs.length)).toEqual([0, 1, 0, 0]);
  });

  test('hosts that are named and linked are asked directly, and nobody else hears of it', () => {
    const world = new World({ seed: 34, nodes: 5 }).settle();
    const [asker, target] = world.hosts as [SimHost, SimHost];
    // slow enough for ACCEPTED and two beacons, large enough to be pulled
    target.runner = () => ({ outcome: okOutcome(utf8('slow')), afterMs: 8_000 });
    const kinds = countKinds(world);
    const asked = asker.ask({ ...named(target), body: new Uint8Array(60_000), timeoutMs: 20_000 });
    expect(world.finish(asked)).toEqual({ h1: 'ok' });
    const of = ['request', 'pull', 'flood', 'accepted', 'reply'].map((kind) => kinds.get(kind));
    expect(of).toEqual([2, 1, 2, 1, 1]);
    expect(world.hosts.map((host) => host.core!.sizes()['seen'])).toEqual([1, 1, 0, 0, 0]);
  });

  test('where every host that lives is linked, each hears a question once', () => {
    const world = new World({ seed: 38, nodes: 6 }).settle();
    world.hosts[5]!.crash();
    world.run(60_000);
    const kinds = countKinds(world);
    const asked = world.hosts[0]!.ask();
    const answered = { h0: 'ok', h1: 'ok', h2: 'ok', h3: 'ok', h4: 'ok', h5: 'unreachable' };
    expect(world.finish(asked)).toEqual(answered);
    expect(kinds.get('request')).toBe(4);
  });

  test('a host that loses its link to the asker is reached by one that was asked itself', () => {
    const world = new World({ seed: 39, nodes: 3 }).settle();
    const [asker, target] = world.hosts as [SimHost, SimHost];
    const asked = asker.ask();
    const reaches = world.network.reaches.bind(world.network);
    world.network.reaches = (a, b) =>
      !([a, b].includes(asker) && [a, b].includes(target)) && reaches(a, b);
    world.network.resetBetween(asker, target);
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'ok', h2: 'ok' });
    for (const host of world.hosts) expect(host.runs).toHaveLength(1);
  });

  test('a named host without a link to the asker is reached by way of the others', () => {
    const world = new World({ seed: 35, nodes: 4 }).settle();
    const [asker, target] = world.hosts as [SimHost, SimHost];
    target.runner = () => ({ outcome: okOutcome(utf8('x')), afterMs: 400 });
    const early = asker.ask(named(target));
    const reaches = world.network.reaches.bind(world.network);
    // the network between the two is gone for a while, and so is their link
    let cut = true;
    world.network.reaches = (a, b) =>
      !(cut && [a, b].includes(asker) && [a, b].includes(target)) && reaches(a, b);
    world.network.resetBetween(asker, target);
    world.run(200);
    const late = asker.ask(named(target));
    world.run(1_000);
    expect(target.runs).toHaveLength(2);
    cut = false;
    expect([world.finish(early), world.finish(late)]).toEqual([{ h1: 'ok' }, { h1: 'ok' }]);
    expect(target.runs).toHaveLength(2);
  });

  test('a named host whose request got lost on the way is asked once more', () => {
    const world = new World({ seed: 36, nodes: 4 }).settle();
    const [asker, target] = world.hosts as [SimHost, SimHost];
    let lost = 0;
    world.network.tamper = (from, message) => {
      if (from !== asker || decodeMessage(message)?.t !== 'request' || lost > 0) return message;
      lost++;
      return undefined;
    };
    const asked = asker.ask({ ...named(target), timeoutMs: 15_000 });
    expect(world.finish(asked)).toEqual({ h1: 'ok' });
    expect([lost, target.runs.length]).toEqual([1, 1]);
  });

  test('a named host that hears the asker no more is asked by way of the others', () => {
    const world = new World({ seed: 37, nodes: 4 }).settle();
    const [asker, target] = world.hosts as [SimHost, SimHost];
    // half of the link is dead, which heartbeats find out later than this
    world.network.tamper = (from, message, to) =>
      from === asker && to === target ? undefined : message;
    const asked = asker.ask({ ...named(target), timeoutMs: 10_000 });
    expect(world.finish(asked)).toEqual({ h1: 'ok' });
    expect(target.runs).toHaveLength(1);
  });

  test('a lonely host answers itself', () => {
    const world = new World({ seed: 33, nodes: 1 }).settle();
    expect(world.finish(world.hosts[0]!.ask())).toEqual({ h0: 'ok' });
  });

  test('a request too large to travel along is pulled, and answers of many chunks come whole', () => {
    const world = new World({ seed: 34, nodes: 6 }).settle();
    const body = world.random.bytes(100_000);
    const rows = world.random.bytes(1_000_000);
    for (const host of world.hosts) host.runner = () => ({ outcome: okOutcome(rows), afterMs: 1 });
    const asked = world.hosts[5]!.ask({ body });
    expect(Object.values(world.finish(asked)).every((state) => state === 'ok')).toBe(true);
    expect(Buffer.compare(world.hosts[0]!.runs[0]!.request.body, body)).toBe(0);
    expect(Buffer.compare(payloadOf(asked, 'h0'), rows)).toBe(0);
  });

  test('errors and refusals come with code and message, and no rows', () => {
    const world = new World({ seed: 35, nodes: 3 }).settle();
    const failed = { ...okOutcome(utf8('x')), status: 'error', code: 'no_such_table' } as const;
    world.hosts[1]!.runner = () => ({
      outcome: { ...failed, message: 'no table "x"' },
      afterMs: 5,
    });
    world.hosts[2]!.runner = () => ({ outcome: { ...failed, status: 'refused' }, afterMs: 5 });
    const asked = world.hosts[0]!.ask();
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'error', h2: 'refused' });
    expect(outcomeOf(asked, 'h1')).toMatchObject({
      code: 'no_such_table',
      message: 'no table "x"',
    });
    expect(payloadOf(asked, 'h1')).toHaveLength(0);
  });

  test('an answer above 4 MiB is an error of that host', () => {
    const world = new World({ seed: 36, nodes: 2 }).settle();
    const payload = new Uint8Array(4 * 1024 * 1024 + 1);
    world.hosts[1]!.runner = () => ({ outcome: okOutcome(payload), afterMs: 1 });
    const asked = world.hosts[0]!.ask();
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'error' });
    expect(outcomeOf(asked, 'h1').code).toBe('answer_too_large');
  });

  test('what cannot be asked is refused before anything is sent', () => {
    const world = new World({ seed: 37, nodes: 2 }).settle();
    const [host] = world.hosts as [SimHost];
    const many = Array.from({ length: 65 }, (_, i) => i.toString(16).padStart(64, '0'));
    expect(() => host.ask({ targets: { kind: 'nodes', nodes: many } })).toThrow(SwarmError);
    expect(() => host.ask({ targets: { kind: 'nodes', nodes: ['web1'] } })).toThrow('"web1"');
    expect(() => host.ask({ body: new Uint8Array(200_000) })).toThrow('200000 bytes');
    expect(() => host.ask({ timeoutMs: Number.NaN })).toThrow('NaN');
  });
});

describe('hosts that cannot be reached', () => {
  test('a dead host costs about a second, not the timeout', () => {
    const world = new World({ seed: 41, nodes: 4 }).settle();
    world.hosts[3]!.crash();
    world.run(60_000);
    const asked = world.hosts[0]!.ask({ timeoutMs: 30_000 });
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'ok', h2: 'ok', h3: 'unreachable' });
    expect(tookMs(asked)).toBeLessThan(1_500);
  });

  test('a host that dies while it works is unreachable soon after', () => {
    const world = new World({ seed: 42, nodes: 4 }).settle();
    world.hosts[3]!.runner = () => ({ outcome: okOutcome(utf8('')), afterMs: Infinity });
    const asked = world.hosts[0]!.ask({ timeoutMs: 30_000 });
    world.run(500);
    world.hosts[3]!.crash();
    expect(world.finish(asked)['h3']).toBe('unreachable');
    expect(tookMs(asked)).toBeLessThan(5_000);
    expect(outcomeOf(asked, 'h3').message).toContain('reset');
  });

  test('a host whose link was just reset is waited for and answers', () => {
    const world = new World({ seed: 43, nodes: 4 }).settle();
    world.network.resetSome(1);
    world.run(30);
    const asked = world.hosts[0]!.ask();
    expect(Object.values(world.finish(asked))).toEqual(['ok', 'ok', 'ok', 'ok']);
  });

  test('an answer that is lost with its link comes again along the next one', () => {
    const world = new World({ seed: 44, nodes: 4 }).settle();
    for (const host of world.hosts)
      host.runner = () => ({ outcome: okOutcome(utf8('x')), afterMs: 300 });
    const asked = world.hosts[0]!.ask();
    world.run(300);
    world.network.resetSome(1);
    expect(Object.values(world.finish(asked))).toEqual(['ok', 'ok', 'ok', 'ok']);
    for (const host of world.hosts) expect(host.runs).toHaveLength(1);
  });

  test('a host that restarts in time answers after all', () => {
    const world = new World({ seed: 45, nodes: 4 }).settle();
    world.hosts[1]!.runner = () => ({ outcome: okOutcome(utf8('slow')), afterMs: 4_000 });
    world.hosts[3]!.crash();
    const asked = world.hosts[0]!.ask({ timeoutMs: 20_000 });
    world.run(1_500);
    world.hosts[3]!.start();
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'ok', h2: 'ok', h3: 'ok' });
  });

  test('an asker without any link gets its own answer and soon the account of the rest', () => {
    const world = new World({ seed: 46, nodes: 3 }).settle();
    world.network.partition([world.hosts[0]!], world.hosts.slice(1));
    world.run(40_000);
    const asked = world.hosts[0]!.ask({ timeoutMs: 60_000 });
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'unreachable', h2: 'unreachable' });
    expect(tookMs(asked)).toBeLessThan(4_000);
  });
});

describe('time', () => {
  test('a host that never finishes says that it ran out of time', () => {
    const world = new World({ seed: 51, nodes: 3 }).settle();
    world.hosts[2]!.runner = () => ({ outcome: okOutcome(utf8('')), afterMs: Infinity });
    const asked = world.hosts[0]!.ask({ timeoutMs: 5_000 });
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'ok', h2: 'expired' });
    expect(tookMs(asked)).toBeLessThanOrEqual(5_000);
    expect(world.hosts[2]!.cancels).toHaveLength(1);
  });

  test('a linked host that is silent ends as timeout, at the deadline', () => {
    const world = new World({ seed: 52, nodes: 3 }).settle();
    world.hosts[2]!.freeze(8_000);
    const asked = world.hosts[0]!.ask({ timeoutMs: 4_000 });
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'ok', h2: 'timeout' });
    expect(tookMs(asked)).toBe(4_000);
  });

  test('a host whose clock is off by more than five minutes refuses and says so', () => {
    const world = new World({ seed: 53, nodes: 3 });
    world.hosts[1]!.skewMs = 10 * 60_000;
    world.hosts[2]!.skewMs = -10 * 60_000;
    world.settle();
    const asked = world.hosts[0]!.ask();
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'refused', h2: 'refused' });
    expect(outcomeOf(asked, 'h1')).toMatchObject({
      code: 'clock_ahead',
      message: expect.stringMatching(/^clock: this host is at least 59\d s ahead of the asker;/),
    });
    expect(outcomeOf(asked, 'h2').code).toBe('clock_behind');
    expect(world.hosts[1]!.runs).toEqual([]);
  });

  test('a withdrawn request gives its account at once and ends the work of the others', () => {
    const world = new World({ seed: 54, nodes: 3 }).settle();
    for (const host of world.hosts)
      host.runner = () => ({ outcome: okOutcome(utf8('')), afterMs: Infinity });
    const [host] = world.hosts as [SimHost];
    const asked = host.ask({ timeoutMs: 60_000 });
    world.run(1_000);
    host.do(() => host.core!.cancelRequest(host.now, asked.id));
    expect(asked.account!.hosts.map((it) => it.code)).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
    ]);
    world.run(1_000);
    for (const each of world.hosts) expect(each.cancels).toHaveLength(1);
  });

  test('a member that joined after the question is unexpected when it answers', () => {
    const world = new World({ seed: 55, nodes: 3 }).settle();
    world.hosts[1]!.runner = () => ({ outcome: okOutcome(utf8('slow')), afterMs: 6_000 });
    const asked = world.hosts[0]!.ask();
    const late = world.addHost();
    late.start();
    world.finish(asked);
    expect(asked.account!.hosts).toHaveLength(3);
    expect(asked.account!.unexpected.map((host) => host.name)).toEqual(['h3']);
  });
});
