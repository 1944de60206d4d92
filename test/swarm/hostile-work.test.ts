/** What one member's messages make others compute, send and dial: bounded by its own share of that. */
import { describe, expect, test } from 'vitest';
import {
  attachSignature,
  decodeMessage,
  encodeMessage,
  fromHex,
  signingBytes,
  utf8,
} from '../../src/wire/index.ts';
import type { SignedBody } from '../../src/wire/index.ts';
import { simulatedCrypto, simulatedEntry } from '../sim/crypto.ts';
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
