/** One member that asks, withdraws, answers and asks for too much: what it fills is its own share. */
import { describe, expect, test } from 'vitest';
import {
  attachSignature,
  decodeMessage,
  decodeSigned,
  encodeMessage,
  fromHex,
  signingBytes,
  utf8,
} from '../../src/wire/index.ts';
import type { RequestMessage, SignedBody } from '../../src/wire/index.ts';
import { simulatedCrypto, simulatedList } from '../sim/crypto.ts';
import { okOutcome, SWARM_ID } from '../sim/host.ts';
import type { SimHost } from '../sim/host.ts';
import { World } from '../sim/world.ts';
import { ReplayCache } from '../../src/swarm/requests/replay-cache.ts';
import { Peer } from './peer.ts';

const NOBODY = new Uint8Array(32).fill(0xee);

function sign(by: SimHost, body: SignedBody): Uint8Array {
  const signed = signingBytes(body);
  return attachSignature(signed, simulatedCrypto(by.signKey).sign(signed));
}

function cancel(by: SimHost, id: Uint8Array): Uint8Array {
  const signed = sign(by, { kind: 'cancel', swarm: SWARM_ID, id, origin: fromHex(by.nodeId) });
  return encodeMessage({ t: 'flood', signed, hops: 0 });
}

/** A REQ of somebody, to all or to a host that is not there. */
function request(by: SimHost, more: Partial<RequestMessage> = {}, toAll = false): Uint8Array {
  const { sha256, x25519KeyPair } = simulatedCrypto(by.signKey);
  const body = utf8('select 1');
  const signed = sign(by, {
    kind: 'request',
    version: 1,
    swarm: SWARM_ID,
    epoch: 1,
    id: by.random.bytes(16),
    origin: fromHex(by.nodeId),
    keyVersion: 0,
    what: 'query',
    replyKey: x25519KeyPair(by.random.bytes(32)).publicKey,
    issued: by.now.wall,
    expires: by.now.wall + 600_000,
    targets: toAll ? undefined : [NOBODY],
    certificate: new Uint8Array(0),
    expected: sha256(body),
    bodyHash: sha256(body),
  });
  return encodeMessage({ t: 'request', signed, body, hops: 0, ms: 600_000, ...more });
}

function sizes(host: SimHost): Readonly<Record<string, number>> {
  return host.core!.sizes();
}

function expel(by: SimHost, out: SimHost): void {
  const records = [simulatedList(1, [out.nodeId])];
  by.do(() => void by.core!.install(by.now, { records, parts: [] }));
}

function alarmOf(host: SimHost, key: string) {
  return host.openAlarms().find((one) => one.kind === 'share_full' && one.key === key);
}

test('the replay memory of one member in a hundred is full at its share, and nobody else’s is', () => {
  const context = {
    now: { mono: 0, wall: 0 },
    nodeId: 'self',
    tuning: { clockSkewMaxMs: 300_000 },
  };
  const sharers = { members: 100, hubs: 0, isHub: () => false };
  const cache = new ReplayCache(context, sharers);
  const id = (n: number): string => n.toString(16).padStart(32, '0');
  const most = 655 + 24_576;
  for (let n = 0; n < most; n++) expect(cache.add('hostile', id(n), 10_000)).toBe(true);
  expect(cache.add('hostile', id(most), 10_000)).toBe(false);
  expect([cache.has('hostile', id(0)), cache.has('other', id(0))]).toEqual([true, false]);
  for (const origin of ['other', 'self']) expect(cache.add(origin, id(0), 10_000)).toBe(true);
  context.now.mono = 10_000 + 600_000 - 1;
  cache.sweep();
  expect(cache.has('hostile', id(0))).toBe(true);
  context.now.mono += 30_001;
  cache.sweep();
  expect(cache.size).toBe(0);
  expect(cache.add('hostile', id(most), 10_000)).toBe(true);
});

describe('a hostile member', () => {
  test('that withdraws 66,000 requests that never were holds up nobody', () => {
    const world = new World({ seed: 401, nodes: 5 }).settle();
    const [asker, hostile] = world.hosts as [SimHost, SimHost];
    const hosts = [...world.hosts];
    const quiet = hosts.map((host) => sizes(host)['seen']);
    for (const host of hosts) {
      if (host === hostile) continue;
      const peer = new Peer(world, host);
      for (let n = 0; n < 16_500; n++) peer.says(cancel(hostile, hostile.random.bytes(16)));
      expect(sizes(host)['cancels']).toBe(32);
    }
    expect(hosts.map((host) => sizes(host)['seen'])).toEqual(quiet);
    const asked = asker.ask();
    const states = world.finish(asked);
    for (const host of hosts) expect(states[host.name]).toBe('ok');
    expect(alarmOf(asker, `${hostile.nodeId} cancels`)?.message).toContain(`"${hostile.name}"`);
    world.run(40_000);
    expect(sizes(asker)['cancels']).toBe(0);
  });

  test('whose CANCEL overtakes its REQ is not served, as before', () => {
    const world = new World({ seed: 402, nodes: 3 }).settle();
    const [host, by] = world.hosts as [SimHost, SimHost];
    const peer = new Peer(world, host);
    const message = request(by, {}, true);
    const { signed } = decode(message);
    const { id } = decodeSigned(signed).body as { id: Uint8Array };
    peer.says(cancel(by, id));
    peer.says(message);
    world.run(1_000);
    expect(host.runs).toEqual([]);
  });

  test('that asks without end is told busy and why; others are served, and expelling empties the books', () => {
    const world = new World({ seed: 403, nodes: 5 }).settle();
    const [host, hostile, other] = world.hosts as [SimHost, SimHost, SimHost];
    const before = sizes(host);
    const peer = new Peer(world, host);
    for (let n = 0; n < 3_000; n++) peer.says(request(hostile));
    expect(sizes(host)['seen']! - before['seen']!).toBe(1_000);
    expect(alarmOf(host, `${hostile.nodeId} rate`)?.message).toContain('it came over');
    const asked = hostile.ask({ targets: { kind: 'nodes', nodes: [host.nodeId] } });
    world.finish(asked);
    expect(asked.account!.hosts[0]).toMatchObject({
      state: 'refused',
      code: 'busy',
      message: expect.stringContaining('the share of "h1"') as string,
    });
    expect(world.finish(other.ask())[host.name]).toBe('ok');
    expect(world.finish(host.ask())[other.name]).toBe('ok');
    expel(host, hostile);
    world.run(10_000);
    expect(sizes(host)['live']).toBeLessThanOrEqual(2);
    expect(sizes(host)['seen']! - before['seen']!).toBeLessThanOrEqual(2);
    expect(alarmOf(host, `${hostile.nodeId} rate`)).toBeUndefined();
  });

  test('that answers thirty requests for ever keeps two answers’ room, others answer whole', () => {
    const world = new World({ seed: 404, nodes: 4 }).settle();
    const [asker, hostile] = world.hosts as [SimHost, SimHost];
    const large = new Uint8Array(4 * 1024 * 1024);
    for (const host of world.hosts)
      host.runner = () => ({
        outcome: okOutcome(host === hostile ? large : utf8('x')),
        afterMs: 1,
      });
    world.network.tamper = (from, message, to) =>
      from === hostile && to === asker && isFinal(message) ? undefined : message;
    const asked = Array.from({ length: 30 }, () => asker.ask({ timeoutMs: 9_000 }));
    world.run(5_000);
    expect(sizes(asker)['openingBytes']).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(alarmOf(asker, `${hostile.nodeId} opening`)).toBeDefined();
    for (const one of asked) {
      const states = world.finish(one);
      expect(['partial', 'timeout', 'refused']).toContain(states[hostile.name]);
      expect(states[world.hosts[2]!.name]).toBe('ok');
    }
    expect(sizes(asker)['openingBytes']).toBe(0);
  });

  test('that goes by a thousand names is sixteen alarms', () => {
    const world = new World({ seed: 405, nodes: 4 }).settle();
    const [host, hostile] = world.hosts as [SimHost, SimHost];
    const names = world.hosts.slice(2).map(({ name }) => name);
    for (let n = 0; n < 100; n++) {
      const name = n % 2 === 0 ? names[0]! : names[1]!;
      hostile.do(() => hostile.core!.describe(hostile.now, { name, addresses: [`h${n}:1`] }));
      world.run(100);
    }
    const own = host.openAlarms().length;
    expect(own).toBeLessThanOrEqual(16);
    expect(sizes(host)['alarms']).toBe(own);
  });
});

describe('a link', () => {
  /** What a host did not read for how long, in the order in which it was told so. */
  function holds(world: World, host: SimHost): number[] {
    const told: number[] = [];
    const hold = world.network.hold.bind(world.network);
    world.network.hold = (by, link, ms) => {
      if (by === host) told.push(ms);
      hold(by, link, ms);
    };
    return told;
  }

  test('on which work is asked without end is read ever more seldom, and its member is named', () => {
    const world = new World({ seed: 406, nodes: 4 }).settle();
    const [host] = world.hosts as [SimHost];
    const peer = new Peer(world, host);
    const told = holds(world, host);
    const node = fromHex(world.hosts[1]!.nodeId);
    const want = encodeMessage({ t: 'want', node });
    let sent = 0;
    for (; told.length === 0; sent++) peer.says(want);
    // 50 ms of work at once: what it asks for is sent so often, and no more often.
    expect(sent).toBeLessThan(1_000);
    for (let n = 0; n < 5_000; n++) peer.says(want);
    expect(told.at(-1)).toBeGreaterThan(1_000);
    expect(peer.isUp).toBe(true);
    const full = host.openAlarms().find(({ kind }) => kind === 'share_full');
    expect(full?.key).toMatch(/ link$/);
    expect(sizes(host)['workers']).toBeGreaterThan(0);
  });

  test('of honest hosts is never held back, whatever they ask', () => {
    const world = new World({ seed: 407, nodes: 8 });
    const told = world.hosts.map((host) => holds(world, host));
    world.settle();
    for (let n = 0; n < 50; n++) {
      const asked = world.hosts[n % 8]!.ask();
      world.finish(asked);
    }
    world.run(300_000);
    expect(told.flat()).toEqual([]);
  });

  test('is closed for signatures that no honest host hands on, and not for others', () => {
    const world = new World({ seed: 408, nodes: 4 }).settle();
    const [host, member] = world.hosts as [SimHost, SimHost];
    const peer = new Peer(world, host);
    const broken = (message: Uint8Array): Uint8Array => {
      const decoded = decodeMessage(message) as RequestMessage;
      const signed = decoded.signed.slice();
      signed[signed.length - 1]! ^= 1;
      return encodeMessage({ ...decoded, signed });
    };
    // A relay may know a later key of who withdraws: that is no blame.
    for (let n = 0; n < 10; n++) peer.says(broken(cancel(member, member.random.bytes(16))));
    expect(peer.isUp).toBe(true);
    for (let n = 0; n < 2; n++) peer.says(broken(request(member)));
    expect(peer.isUp).toBe(true);
    peer.says(broken(request(member)));
    expect(peer.isUp).toBe(false);
  });
});

test('records of one member are taken up eight at once, then one in ten seconds, the newest at last', () => {
  const world = new World({ seed: 409, nodes: 3 }).settle();
  const [host, restless] = world.hosts as [SimHost, SimHost];
  const before = host.memberEvents.length;
  for (let n = 0; n < 60; n++) {
    restless.do(() => restless.core!.describe(restless.now, { labels: { at: String(n) } }));
    world.run(20);
  }
  expect(host.memberEvents.length - before).toBeLessThanOrEqual(8);
  expect(alarmOf(host, `${restless.nodeId} records`)).toBeDefined();
  const newest = restless.members().find(({ self }) => self)!.incarnation;
  world.until(
    () => host.members().find(({ nodeId }) => nodeId === restless.nodeId)!.incarnation === newest,
    300_000,
  );
});

function decode(message: Uint8Array): RequestMessage {
  return decodeMessage(message) as RequestMessage;
}

function isFinal(message: Uint8Array): boolean {
  const decoded = decodeMessage(message);
  return decoded?.t === 'reply' && decoded.final;
}
