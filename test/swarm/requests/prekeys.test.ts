import { describe, expect, test } from 'vitest';
import {
  attachSignature,
  decodeMessage,
  decodeSigned,
  encodeMessage,
  fromHex,
  signingBytes,
  toHex,
  unpack,
  utf8,
} from '../../../src/wire/index.ts';
import type {
  MemberBody,
  RequestBody,
  RequestMessage,
  SignedBody,
} from '../../../src/wire/index.ts';
import { simulatedCrypto } from '../../sim/crypto.ts';
import type { Asked, SimHost } from '../../sim/host.ts';
import { World } from '../../sim/world.ts';
import { Peer } from '../peer.ts';

const HOUR = 3_600_000;
/** Days of an hour, and heartbeats so rare that days go by quickly. */
const TUNING = { prekeyMs: HOUR, heartbeatMs: 60_000, linkDeadMs: 300_000, digestMs: 600_000 };
/** Sealed for up to two days; then ten minutes of a request and five between clocks. */
const KEPT_MS = 2 * HOUR + 15 * 60_000;

function startWorld(seed: number, nodes = 3): World {
  return new World({ seed, nodes, tuning: TUNING }).settle();
}

/** What `by` asks of `target` alone. */
function askOne(by: SimHost, target: SimHost, body = utf8('select secret')): Asked {
  return by.ask({ targets: { kind: 'nodes', nodes: [target.nodeId] }, body });
}

function codeOf(asked: Asked): string | undefined {
  return asked.account!.hosts[0]!.code;
}

/** Each pair on a host's disk, the newest first. */
function kept(host: SimHost): { made: number; seed: string }[] {
  const pairs = unpack(host.disk.get('prekeys')!) as [number, Uint8Array][];
  return pairs.map(([made, seed]) => ({ made, seed: toHex(seed) }));
}

/** Calls `see` with each member record and request that any host sends; false drops the message. */
function overhear(world: World, see: (body: SignedBody, message: Uint8Array) => boolean | void) {
  world.network.tamper = (_from, message) => {
    const decoded = decodeMessage(message);
    const signed = decoded?.t === 'news' ? [...decoded.objects] : [];
    if (decoded?.t === 'request') signed.push(decoded.signed);
    const passes = signed.every((bytes) => see(decodeSigned(bytes).body, message) !== false);
    return passes ? message : undefined;
  };
}

describe('prekeys', () => {
  test('change within a day, are on disk before anybody sees them, and are deleted in time', () => {
    const world = new World({ seed: 201, nodes: 3, tuning: TUNING });
    const shown = new Set<number>();
    overhear(world, (body) => {
      if (body.kind !== 'member' || body.prekey === undefined) return;
      const owner = world.hosts.find((host) => host.nodeId === toHex(body.node))!;
      const { made } = body.prekey;
      if (owner === world.hosts[1]) shown.add(made);
      if (owner.now.wall < made + KEPT_MS) {
        expect(kept(owner).map((pair) => pair.made)).toContain(made);
      }
    });
    world.settle();
    const host = world.hosts[1]!;
    const seeds = new Set<string>();
    for (let minute = 0; minute < 5 * 60; minute += 10) {
      world.run(600_000);
      for (const { made, seed } of kept(host)) {
        seeds.add(seed);
        expect(host.now.wall - made).toBeLessThanOrEqual(KEPT_MS + 10_000);
      }
      expect(host.now.wall - kept(host)[0]!.made).toBeLessThanOrEqual(HOUR + 10_000);
      expect(kept(host).length).toBeLessThanOrEqual(4);
    }
    expect(shown.size).toBeGreaterThanOrEqual(5);
    expect(seeds.size).toBe(shown.size);
  });

  test.each([4, -4])('clocks %i minutes apart open every request, day after day', (minutes) => {
    const world = new World({ seed: 202, nodes: 2, tuning: TUNING });
    const [asker, target] = world.hosts as [SimHost, SimHost];
    target.skewMs = minutes * 60_000;
    world.settle();
    for (let i = 0; i < 60; i++) {
      expect(world.finish(askOne(asker, target))).toEqual({ h1: 'ok' });
      expect(world.finish(askOne(target, asker))).toEqual({ h0: 'ok' });
      world.run(5 * 60_000);
    }
  });

  test('one that changed while the request was on its way opens it', () => {
    const world = startWorld(203, 2);
    const [asker, target] = world.hosts as [SimHost, SimHost];
    const [before] = kept(target);
    // The earliest end of its day is here; the request waits as long as one may.
    world.run(before!.made + (5 * HOUR) / 6 - 1_000 - asker.now.wall);
    expect(kept(target)[0]).toEqual(before);
    let late: Uint8Array | undefined;
    overhear(world, ({ kind }, message) => {
      if (kind !== 'request') return true;
      late = message;
      return false;
    });
    const targets = { kind: 'nodes', nodes: [target.nodeId] } as const;
    const asked = asker.ask({ targets, timeoutMs: 600_000 });
    world.until(() => kept(target)[0]!.made > before!.made, 599_000);
    expect(target.runs).toEqual([]);
    new Peer(world, target).says(late!);
    expect(world.finish(asked)).toEqual({ h1: 'ok' });
  });

  test('outlive a restart: what is asked after it is sealed to them, and what was asked before is asked again', () => {
    const world = startWorld(204);
    const [asker, target] = world.hosts as [SimHost, SimHost];
    const before = kept(target);
    target.crash();
    const early = askOne(asker, target);
    world.run(50);
    target.start();
    expect(world.finish(early)).toEqual({ h1: 'refused' });
    expect(codeOf(early)).toBe('stale_key');
    expect(world.finish(askOne(asker, target))).toEqual({ h1: 'ok' });
    expect(kept(target)).toEqual(before);
  });

  test('of a host that was restored without them: refused, and asked again it answers', () => {
    const world = startWorld(205);
    const [asker, target] = world.hosts as [SimHost, SimHost];
    target.crash();
    target.disk.delete('prekeys');
    const asked = askOne(asker, target);
    world.run(50);
    target.start();
    expect(world.finish(asked)).toEqual({ h1: 'refused' });
    expect(codeOf(asked)).toBe('stale_key');
    expect(target.runs).toEqual([]);
    expect(world.finish(askOne(asker, target))).toEqual({ h1: 'ok' });
  });

  test('of a host restored from a backup of last week: made anew, the old ones deleted', () => {
    const world = startWorld(206);
    const [asker, target] = world.hosts as [SimHost, SimHost];
    const backup = new Map(target.disk);
    const old = kept(target);
    world.run(5 * HOUR);
    target.crash();
    for (const [key, bytes] of backup) target.disk.set(key, bytes);
    target.start();
    world.run(2_000);
    expect(kept(target)).toHaveLength(1);
    expect(kept(target)[0]!.seed).not.toBe(old[0]!.seed);
    expect(world.finish(askOne(asker, target))).toEqual({ h1: 'ok' });
  });

  test('a file of them that cannot be read is one that is not there', () => {
    const world = startWorld(207, 2);
    const [asker, target] = world.hosts as [SimHost, SimHost];
    for (const bytes of [utf8('garbage'), new Uint8Array(), Uint8Array.of(0x91, 0x91, 0x01)]) {
      target.crash();
      target.disk.set('prekeys', bytes);
      target.start();
      world.run(5_000);
      expect(kept(target)).toHaveLength(1);
      expect(world.finish(askOne(asker, target))).toEqual({ h1: 'ok' });
    }
  });

  test('a host whose newest one is two days old is not asked, nothing goes out in clear', () => {
    const world = startWorld(208);
    const [asker, away, here] = world.hosts as [SimHost, SimHost, SimHost];
    away.crash(true);
    world.run(2 * HOUR + 60_000);
    const bodies: RequestBody[] = [];
    overhear(world, (body) => void (body.kind === 'request' && bodies.push(body)));
    const nodes = [away.nodeId, here.nodeId];
    const asked = asker.ask({ targets: { kind: 'nodes', nodes }, body: utf8('select secret') });
    expect(world.finish(asked)).toEqual({ h1: 'unreachable', h2: 'ok' });
    expect(asked.account!.hosts[0]).toMatchObject({ code: 'no_key' });
    expect(asked.account!.hosts[0]!.message).toContain('two days');
    expect(bodies.map(({ targets }) => targets!.map(toHex))).toContainEqual([here.nodeId]);
    away.start();
    world.run(5_000);
    expect(world.finish(askOne(asker, away))).toEqual({ h1: 'ok' });
  });

  test('one of the future would be good for ever: its host is not asked', () => {
    const world = startWorld(209);
    const [asker, ahead] = world.hosts as [SimHost, SimHost];
    ahead.crash();
    ahead.disk.delete('prekeys');
    ahead.skewMs = 48 * HOUR;
    ahead.start();
    world.run(10_000);
    const asked = askOne(asker, ahead);
    expect(world.finish(asked)).toEqual({ h1: 'unreachable' });
    expect(codeOf(asked)).toBe('no_key');
  });

  test('a clock that jumps days ahead and back costs no more than the requests meanwhile', () => {
    const world = startWorld(209);
    const [asker, target] = world.hosts as [SimHost, SimHost];
    for (const jump of [10 * HOUR, -10 * HOUR]) {
      target.skewMs = jump;
      world.run(60_000);
      expect(world.finish(askOne(asker, target))['h1']).not.toBe('ok');
      expect(target.runs.length).toBe(jump > 0 ? 0 : 1);
      target.skewMs = 0;
      world.run(60_000);
      expect(world.finish(askOne(asker, target))).toEqual({ h1: 'ok' });
      expect(kept(target).every(({ made }) => made <= target.now.wall)).toBe(true);
    }
  });

  test('a disk that fails is an alarm once; the host is asked all the same', () => {
    const world = startWorld(210, 2);
    const [asker, target] = world.hosts as [SimHost, SimHost];
    target.failsToKeep.add('prekeys');
    world.run(3 * HOUR);
    const alarms = target.alarms.filter(({ kind }) => kind === 'persist_failed');
    expect(alarms.map(({ key }) => key)).toEqual(['prekeys']);
    expect(world.finish(askOne(asker, target))).toEqual({ h1: 'ok' });
    target.failsToKeep.clear();
    world.run(10_000);
    expect(target.now.wall - kept(target)[0]!.made).toBeLessThanOrEqual(HOUR);
    expect(target.now.wall - kept(target).at(-1)!.made).toBeLessThan(KEPT_MS);
  });

  test('one that no secret fits hides its host, and not the others', () => {
    const world = startWorld(211);
    const [asker, hostile, other] = world.hosts as [SimHost, SimHost, SimHost];
    let record: MemberBody | undefined;
    overhear(world, (body) => {
      if (body.kind === 'member' && toHex(body.node) === hostile.nodeId) record = body;
    });
    hostile.do(() => hostile.core!.describe(hostile.now, { labels: { a: 'b' } }));
    world.run(1_000);
    world.network.tamper = undefined;
    const publicKey = new Uint8Array(32);
    const body = {
      ...record!,
      incarnation: record!.incarnation + 1000,
      prekey: { made: asker.now.wall, publicKey },
    };
    const signed = signingBytes(body);
    const bytes = attachSignature(signed, simulatedCrypto(hostile.signKey).sign(signed));
    hostile.crash();
    new Peer(world, asker).says(encodeMessage({ t: 'news', objects: [bytes] }));
    const nodes = [hostile.nodeId, other.nodeId];
    const asked = asker.ask({ targets: { kind: 'nodes', nodes } });
    expect(world.finish(asked)).toEqual({ h1: 'unreachable', h2: 'ok' });
    expect(asked.account!.hosts[0]!.code).toBe('no_key');
  });
});

describe('a sealed body that a member has overheard', () => {
  /** A request of h0 to h1, as h2 holds it. */
  function held(seed: number): { world: World; request: RequestMessage; body: RequestBody } {
    const world = startWorld(seed);
    const [asker, target] = world.hosts as [SimHost, SimHost];
    let request: RequestMessage | undefined;
    world.network.tamper = (_from, message) => {
      const decoded = decodeMessage(message);
      if (decoded?.t === 'request') request = decoded;
      return message;
    };
    world.finish(askOne(asker, target));
    world.network.tamper = undefined;
    expect(target.runs).toHaveLength(1);
    return { world, request: request!, body: decodeSigned(request!.signed).body as RequestBody };
  }

  test('opens in no request of its own', () => {
    const { world, request, body } = held(221);
    const [, target, thief] = world.hosts as [SimHost, SimHost, SimHost];
    for (const id of [body.id, world.random.bytes(16)]) {
      const signed = signingBytes({ ...body, id, origin: fromHex(thief.nodeId) });
      const bytes = attachSignature(signed, simulatedCrypto(thief.signKey).sign(signed));
      new Peer(world, target).says(encodeMessage({ ...request, signed: bytes }));
      world.run(1_000);
    }
    expect(target.runs).toHaveLength(1);
  });

  test('is run once: replayed after a restart it is read by nobody, nor after two days', () => {
    const { world, request } = held(222);
    const target = world.hosts[1]!;
    target.crash();
    target.start();
    world.run(1_000);
    new Peer(world, target).says(encodeMessage({ ...request, ms: 600_000 }));
    world.run(100);
    expect(target.runs).toHaveLength(1);
    // The clock of this host is set back for the thief, who has the disk as it is now.
    world.run(3 * HOUR);
    target.crash();
    target.skewMs = -3 * HOUR;
    target.start();
    world.run(1_000);
    new Peer(world, target).says(encodeMessage({ ...request, ms: 600_000 }));
    world.run(1_000);
    expect(target.runs).toHaveLength(1);
  });
});
