/** What one hostile member can do to others by saying that they are gone, with what numbers it likes. */
import { describe, expect, test } from 'vitest';
import { attachSignature, encodeMessage, fromHex, signingBytes } from '../../../src/wire/index.ts';
import type { SignedBody } from '../../../src/wire/index.ts';
import { simulatedCrypto, simulatedList } from '../../sim/crypto.ts';
import { SWARM_ID } from '../../sim/host.ts';
import type { SimHost } from '../../sim/host.ts';
import { World } from '../../sim/world.ts';
import { Peer } from '../peer.ts';

function sign(by: SimHost, body: SignedBody): Uint8Array {
  const signed = signingBytes(body);
  return attachSignature(signed, simulatedCrypto(by.signKey).sign(signed));
}

function said(kind: 'accuse' | 'forget', by: SimHost, of: SimHost, at: SimHost): Uint8Array {
  const { incarnation } = at.members().find((member) => member.nodeId === of.nodeId)!;
  const [node, swarm] = [fromHex(of.nodeId), SWARM_ID];
  return sign(by, { kind, swarm, node, incarnation, by: fromHex(by.nodeId) });
}

/** `hostile` says it to `host`, over a link that stays. */
function tell(peer: Peer, ...objects: Uint8Array[]): void {
  peer.says(encodeMessage({ t: 'news', objects }));
}

describe('an accusation', () => {
  test('does not count at who has a link to the accused, however many accuse', () => {
    const world = new World({ seed: 81, nodes: 6 }).settle();
    const [accused, hears, ...hostile] = world.hosts as [SimHost, SimHost, ...SimHost[]];
    const peer = new Peer(world, hears);
    // Nothing goes out, so nothing is refuted.
    world.network.tamper = (from, message) => (from === hears ? undefined : message);
    for (const by of hostile.slice(0, 3)) tell(peer, said('accuse', by, accused, hears));
    expect(hears.sees(accused)).toBe('alive');
    // The link is what holds it alive.
    world.network.partition([accused], [hears]);
    world.network.resetBetween(accused, hears);
    world.run(100);
    expect(hears.sees(accused)).toBe('dead');
  });

  test('counts from its receipt where there is no link: suspect first, dead after its time', () => {
    const world = new World({ seed: 82, nodes: 5 }).settle();
    const [accused, hears, hostile] = world.hosts as [SimHost, SimHost, SimHost];
    world.network.partition([accused], [hears]);
    world.network.resetBetween(accused, hears);
    world.run(100);
    const peer = new Peer(world, hears);
    tell(peer, said('accuse', hostile, accused, hears));
    const heardAt = world.now;
    expect(hears.sees(accused)).toBe('suspect');
    world.until(() => hears.sees(accused) !== 'suspect');
    expect(world.now - heardAt).toBeGreaterThan(5_000);
  });

  test('that is refuted again and again costs its maker its credit, and is an alarm that names it', () => {
    const world = new World({ seed: 83, nodes: 4 }).settle();
    const [accused, hears, hostile] = world.hosts as [SimHost, SimHost, SimHost];
    const peer = new Peer(world, hears);
    const before = hears.members().find(({ nodeId }) => nodeId === accused.nodeId)!.incarnation;
    for (let time = 0; time < 20; time++) {
      tell(peer, said('accuse', hostile, accused, hears));
      world.run(2_000);
      expect(hears.sees(accused)).toBe('alive');
    }
    const { incarnation } = hears.members().find(({ nodeId }) => nodeId === accused.nodeId)!;
    // Eight of twenty were passed on, and no step was larger than one or the clock's.
    expect(incarnation - before).toBeLessThanOrEqual(40);
    expect(hears.alarms.find(({ kind }) => kind === 'false_accuser')).toMatchObject({
      key: hostile.nodeId,
      message: expect.stringContaining(`"${hostile.name}"`) as string,
    });
    world.run(11 * 60_000);
    expect(hears.openAlarms().map(({ kind }) => kind)).not.toContain('false_accuser');
  });

  test('comes 64 times from one member, then once a second', () => {
    const world = new World({ seed: 84, nodes: 100, tuning: { digestMs: 3_600_000 } });
    const [hears, hostile, ...others] = world.hosts as [SimHost, SimHost, ...SimHost[]];
    for (const host of others) host.seeds = [];
    world.settle(1_000);
    const peer = new Peer(world, hears);
    // They are told of to this host alone, which has no link to them.
    for (const host of others) tell(peer, recordOf(host));
    // Seats are on the disk first.
    world.run(100);
    expect(hears.members()).toHaveLength(100);
    const accusations = others.map((host) => said('accuse', hostile, host, host));
    tell(peer, ...accusations);
    const suspects = hears.members().filter(({ state }) => state === 'suspect');
    expect(suspects).toHaveLength(64);
    world.run(5_000);
    tell(peer, ...accusations);
    expect(hears.members().filter(({ state }) => state === 'suspect')).toHaveLength(69);
  });
});

/** The record that a host which is alone says of itself. */
function recordOf(host: SimHost): Uint8Array {
  const { incarnation } = host.members()[0]!;
  const entry = host.members()[0]!.entry.bytes;
  return sign(host, {
    kind: 'member',
    swarm: SWARM_ID,
    node: fromHex(host.nodeId),
    entry,
    name: host.name,
    addresses: [],
    labels: {},
    version: '',
    hub: false,
    incarnation,
    bootId: host.bootId,
    state: 'alive',
    prekey: undefined,
    admission: host.admission,
  });
}

describe('a FORGET of another', () => {
  test('of a host that has just died leaves it in every account', () => {
    const world = new World({ seed: 85, nodes: 4 }).settle();
    const [gone, hears, hostile] = world.hosts as [SimHost, SimHost, SimHost];
    gone.crash();
    world.until(() => hears.sees(gone) === 'dead');
    tell(new Peer(world, hears), said('forget', hostile, gone, hears));
    world.run(9 * 60_000);
    expect(world.finish(hears.ask())).toHaveProperty(gone.name, 'unreachable');
    world.run(2 * 60_000);
    expect(hears.sees(gone)).toBeUndefined();
  });

  test('of a host that is there is denied, and changes nothing', () => {
    const world = new World({ seed: 86, nodes: 4 }).settle();
    const [there, hears, hostile] = world.hosts as [SimHost, SimHost, SimHost];
    const before = there.members().find(({ self }) => self)!.incarnation;
    for (const host of [there, hears]) {
      tell(new Peer(world, host), said('forget', hostile, there, hears));
      world.run(1_000);
      expect(hears.sees(there)).toBe('alive');
    }
    expect(there.members().find(({ self }) => self)!.incarnation).toBeGreaterThan(before);
  });

  test('goes with who said it when that one is expelled', () => {
    const world = new World({ seed: 87, nodes: 4 }).settle();
    const [gone, hears, hostile] = world.hosts as [SimHost, SimHost, SimHost];
    gone.crash();
    world.until(() => hears.sees(gone) === 'dead');
    hostile.do(() => hostile.core!.forget(hostile.now, gone.nodeId));
    world.run(11 * 60_000);
    expect(hears.sees(gone)).toBeUndefined();
    const records = [simulatedList(1, [hostile.nodeId])];
    hears.do(() => void hears.core!.install(hears.now, { records, parts: [] }));
    world.run(1_000);
    expect(hears.sees(gone)).toBe('dead');
  });
});
