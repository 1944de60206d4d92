/** What one member's messages make others compute, send and dial: bounded by its own share of that. */
import { describe, expect, test } from 'vitest';
import {
  attachSignature,
  concat,
  decodeMessage,
  encodeMessage,
  fromHex,
  signingBytes,
  utf8,
} from '../../src/wire/index.ts';
import type { SignedBody } from '../../src/wire/index.ts';
import {
  simulatedAdmission,
  simulatedCrypto,
  simulatedEntry,
  simulatedToken,
} from '../sim/crypto.ts';
import { SWARM_ID } from '../sim/host.ts';
import type { SimHost } from '../sim/host.ts';
import { World } from '../sim/world.ts';
import { Peer } from './peer.ts';

const NOBODY = new Uint8Array(32).fill(0xee);

function sign(by: SimHost, body: SignedBody): Uint8Array {
  const signed = signingBytes(body);
  return attachSignature(signed, simulatedCrypto(by.signKey).sign(signed));
}

function request(by: SimHost, hops: number): Uint8Array {
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
    targets: [NOBODY],
    certificate: new Uint8Array(0),
    expected: sha256(body),
    bodyHash: sha256(body),
  });
  return encodeMessage({ t: 'request', signed, body, hops, ms: 600_000 });
}

function cancel(by: SimHost, hops: number): Uint8Array {
  const [id, origin] = [by.random.bytes(16), fromHex(by.nodeId)];
  const signed = sign(by, { kind: 'cancel', swarm: SWARM_ID, id, origin });
  return encodeMessage({ t: 'flood', signed, hops });
}

/** Milliseconds for which a host did not read a link, each time. */
function holds(world: World): number[] {
  const told: number[] = [];
  world.network.hold = (_host, _link, ms) => void told.push(ms);
  return told;
}

/** Messages of a kind that others are sent by a host from now on. */
function sentBy(world: World, host: SimHost, kind: string): { count: number } {
  const sent = { count: 0 };
  world.network.tamper = (from, message) => {
    if (from === host && decodeMessage(message)?.t === kind) sent.count++;
    return message;
  };
  return sent;
}

describe('ids that a member makes up, each with a link that waits for its admission', () => {
  const unknown = simulatedToken('f'.repeat(32), new Uint8Array(32).fill(9));
  const nobody = (host: SimHost, link: number): void => {
    const entry = simulatedEntry(host.random.bytes(32));
    const { nodeId } = entry;
    const admission = simulatedAdmission(SWARM_ID, unknown, nodeId);
    const peer = { nodeId, bootId: host.random.bytes(16), entry, admission };
    host.do(() => host.core!.handleLinkUp(host.now, link, peer, { initiator: false }));
  };
  const says = (host: SimHost, link: number, bytes: Uint8Array): void =>
    host.do(() => host.core!.handleMessage(host.now, link, bytes));

  test('are so many and keep so much, and no more', () => {
    const world = new World({ seed: 431, nodes: 3 }).settle();
    const [host, other] = world.hosts as [SimHost, SimHost];
    const junk = encodeMessage({ t: 'news', objects: [new Uint8Array(200 * 1024)] });
    for (let link = 1_000_000; link < 1_000_600; link++) nobody(host, link);
    expect(host.core!.sizes()['waiting']).toBe(256);
    let most = 0;
    for (let link = 2_000_000; link < 2_000_100; link++) {
      nobody(host, link);
      for (let n = 0; n < 4; n++) says(host, link, junk);
      most = Math.max(most, host.core!.sizes()['waitingBytes']!);
    }
    expect(most).toBeGreaterThan(15 * 1024 * 1024);
    expect(most).toBeLessThanOrEqual(16 * 1024 * 1024);
    world.run(20_000);
    expect(host.core!.sizes()).toMatchObject({ waiting: 0, waitingBytes: 0, links: 2 });
    expect(other.core!.sizes()['links']).toBe(2);
  });

  test('are read as seldom as a member that asks too much', () => {
    const world = new World({ seed: 432, nodes: 3 }).settle();
    const [host] = world.hosts as [SimHost];
    const told = holds(world);
    const record = encodeMessage({ t: 'record', bytes: new Uint8Array(100 * 1024) });
    for (let link = 1_000_000; link < 1_000_100; link++) {
      nobody(host, link);
      for (let n = 0; n < 20; n++) says(host, link, record);
    }
    // Each has 10 ms of its own, all of them half a second: 2,000 such messages are 2.3 s.
    expect(told.length).toBeGreaterThan(500);
    expect(told.length).toBeLessThan(1_600);
  });
});

describe('records of ids that a member makes up', () => {
  const record = (by: SimHost, tag: string): Uint8Array => {
    const key = by.random.bytes(32);
    const entry = simulatedEntry(key);
    const body: SignedBody = {
      ...{ kind: 'member', swarm: SWARM_ID, node: fromHex(entry.nodeId), entry: entry.bytes },
      ...{ name: 'x', addresses: [], labels: {}, version: '', hub: false, incarnation: 1 },
      ...{ bootId: by.random.bytes(16), state: 'alive', prekey: undefined },
      admission: concat(fromHex(tag), by.random.bytes(64)),
    };
    const signed = signingBytes(body);
    return attachSignature(signed, simulatedCrypto(key).sign(signed));
  };

  test('cost the link that says them, each as a signature that is none', () => {
    const world = new World({ seed: 433, nodes: 3 }).settle();
    const peer = new Peer(world, world.hosts[0]!);
    const { tag } = world.hosts[0]!.core!.rolls().tokens[0]!;
    const told = holds(world);
    const hostile = world.hosts.at(-1)!;
    // 400 of them are 48 ms, once there is nothing left that may be done at once.
    for (let n = 0; n < 10; n++) {
      const objects = Array.from({ length: 400 }, () => record(hostile, tag));
      peer.says(encodeMessage({ t: 'news', objects }));
    }
    expect(told.length).toBeGreaterThan(6);
    expect(peer.isUp).toBe(true);
  });
});

describe('what is beyond the share of a member', () => {
  test('is work for its own link, which is read more seldom', () => {
    const world = new World({ seed: 421, nodes: 3 }).settle();
    const peer = new Peer(world, world.hosts[0]!);
    const told = holds(world);
    const hostile = world.hosts.at(-1)!;
    for (let n = 0; n < 4_000; n++) peer.says(request(hostile, 0));
    expect(told.length).toBeGreaterThan(100);
    expect(peer.isUp).toBe(true);
  });

  test('is no blame for who relays it', () => {
    const world = new World({ seed: 422, nodes: 3 }).settle();
    const peer = new Peer(world, world.hosts[0]!);
    const told = holds(world);
    for (let n = 0; n < 1_500; n++) peer.says(request(world.hosts[1]!, 0));
    expect(told).toEqual([]);
  });

  test('is passed on by nobody: requests that it floods, and withdrawals of what never was', () => {
    const world = new World({ seed: 423, nodes: 4 }).settle();
    const [host] = world.hosts as [SimHost];
    const peer = new Peer(world, host);
    const hostile = world.hosts.at(-1)!;
    // To three others each.
    const requests = sentBy(world, host, 'request');
    for (let n = 0; n < 900; n++) peer.says(request(hostile, 5));
    expect(requests.count).toBe(3 * 200);
    const floods = sentBy(world, host, 'flood');
    for (let n = 0; n < 900; n++) peer.says(cancel(hostile, 5));
    expect(floods.count).toBe(3 * 40);
  });
});

test('addresses at which a member was never met are dialled seldom in the end', () => {
  const world = new World({ seed: 425, nodes: 2 }).settle();
  const [host] = world.hosts as [SimHost];
  const relay = new Peer(world, host);
  const hostile = world.addHost();
  const victims = Array.from({ length: 8 }, (_, n) => `victim${n}:443`);
  const dials = { count: 0 };
  world.network.dial = (from, address, _node, done) => {
    if (from === host && victims.includes(address)) dials.count++;
    world.after(100, () => done(false));
  };
  const startedAt = Math.floor(host.now.wall / 1000);
  // It says over a friend that it is there, again and again, and at these addresses.
  for (let second = 0; second < 3_600; second += 5) {
    relay.says(encodeMessage({ t: 'heartbeat' }));
    if (second % 60 === 0) relay.says(record(hostile, victims, startedAt + second));
    world.run(5_000);
  }
  expect(host.sees(hostile)).not.toBe('dead');
  expect(host.core!.sizes()['links']).toBe(2);
  // Two a minute go on where nothing ends it; some more are seeds that are looked for.
  expect(dials.count).toBeLessThan(100);
});

/** News of itself. */
function record(by: SimHost, addresses: readonly string[], incarnation: number): Uint8Array {
  const signed = sign(by, {
    kind: 'member',
    swarm: SWARM_ID,
    node: fromHex(by.nodeId),
    entry: simulatedEntry(by.signKey).bytes,
    name: 'claims',
    addresses,
    labels: {},
    version: '',
    hub: false,
    incarnation,
    bootId: new Uint8Array(16),
    state: 'alive',
    prekey: undefined,
    admission: by.admission,
  });
  return encodeMessage({ t: 'news', objects: [signed] });
}
