/** Statements about keys of the operator in the simulated swarm: cut networks, restarts, floods. */
import { describe, expect, test } from 'vitest';
import {
  issueHubCertificate,
  issueKeyStatement,
  issueRevocations,
  OperatorKey,
} from '../../../src/secure/index.ts';
import { encodeMessage, prefixOfNode, toHex } from '../../../src/wire/index.ts';
import type { SimHost } from '../../sim/host.ts';
import { World } from '../../sim/world.ts';
import { Peer } from '../peer.ts';

/** The same keys in each run. */
const keyOf = (name: string, swarmId?: Uint8Array): OperatorKey =>
  OperatorKey.create((n) => new Uint8Array(Buffer.alloc(n, name)), swarmId);
const first = keyOf('first');
const [b, c, d] = ['b', 'c', 'd'].map((name) => keyOf(name, first.swarmId)) as [
  ...[OperatorKey, OperatorKey, OperatorKey],
];
const about = (key: OperatorKey, number = 1) =>
  ({ key: toHex(key.publicKey), number, made: 1, name: 'k', stay: [] }) as const;
const add = (by: OperatorKey, key: OperatorKey, number?: number): Uint8Array =>
  issueKeyStatement(by, { ...about(key, number), verb: 'add' }).bytes;
const revoke = (by: OperatorKey, key: OperatorKey): Uint8Array =>
  issueKeyStatement(by, { ...about(key), verb: 'revoke' }).bytes;
const expel = (by: OperatorKey, host: SimHost): Uint8Array =>
  issueRevocations(by, [], { expelled: [host.nodeId] }, { day: 1, epoch: 1 }).bytes;

const worldOf = (seed: number, nodes: number): World =>
  new World({ seed, nodes, operatorKey: first.publicKey }).settle();

function install(host: SimHost, ...records: Uint8Array[]): void {
  host.do(() => void host.core!.install(host.now, { records, parts: [] }));
}

const counting = (host: SimHost): string[] =>
  host
    .core!.rolls()
    .operators!.keys.filter((one) => one.counts)
    .map(({ id }) => id);

function count(world: World, keys: readonly OperatorKey[], hosts = world.upHosts): void {
  const ids = keys.map(({ id }) => id).join();
  world.until(() => hosts.every((host) => counting(host).join() === ids));
}

const isOut = (host: SimHost, other: SimHost): boolean =>
  host.core!.rolls().lists.some(({ expelled }) => expelled.includes(prefixOfNode(other.nodeId)));

describe('keys of the operator', () => {
  test('spread, are kept over a restart, and come to who was away', () => {
    const world = worldOf(1, 6);
    const [one, away, other] = world.hosts as [SimHost, SimHost, SimHost];
    away.crash();
    install(one, add(first, b), add(b, c));
    world.run(5_000);
    install(other, revoke(c, first));
    count(world, [b, c]);
    away.start();
    count(world, [b, c]);
    // From the records alone: whose secrets were not written before it was killed.
    other.crash();
    other.statements = [];
    other.start();
    world.run(1);
    expect(counting(other)).toEqual([b.id, c.id]);
    expect(other.statements).toHaveLength(3);
  });

  test('of two sides of a cut network are the same again when it heals, and what they signed', () => {
    const world = worldOf(2, 8);
    const [left, right] = [world.hosts.slice(0, 4), world.hosts.slice(4)] as [SimHost[], SimHost[]];
    install(left[0]!, add(first, b, 1), add(first, c, 2));
    count(world, [first, b, c]);
    world.network.partition(left, right);
    world.run(40_000);
    // The thief of b is first here: it ends all others, and puts a host out.
    install(left[0]!, revoke(b, first), revoke(b, c), add(b, d), expel(b, left[1]!));
    world.until(() => left.every((host) => counting(host).join() === [b.id, d.id].join()));
    world.until(() => isOut(left[3]!, left[1]!));
    // On the other side a list of c goes on, and later the first key ends the thief.
    install(right[0]!, expel(c, left[2]!));
    install(right[0]!, revoke(first, b));
    count(world, [first, c], right);
    world.network.heal();
    count(world, [first, c]);
    const others = world.hosts.filter((host) => host !== left[2]);
    world.until(() => others.every((host) => isOut(host, left[2]!)));
    expect(world.hosts.some((host) => isOut(host, left[1]!))).toBe(false);
    const holds = world.hosts.map((host) => host.core!.rolls().operators!.statements.length);
    // Those of the thief, too: they say nothing any more.
    expect(new Set(holds)).toEqual(new Set([6]));
  });

  test('that are revoked take hubs and expulsions with them; a host that was out is taken up again', () => {
    const world = worldOf(3, 5);
    const [one, hub, out] = world.hosts as [SimHost, SimHost, SimHost];
    const period = { notBefore: 0, notAfter: 86_400 * 300 };
    const certificate = (by: OperatorKey) =>
      issueHubCertificate(by, { nodeId: hub.nodeId, ...period }, (n) => new Uint8Array(n)).bytes;
    install(one, add(first, b), certificate(b), expel(b, out));
    const isHub = (host: SimHost): boolean => host.core!.isHub(host.now, hub.nodeId);
    const others = world.hosts.filter((host) => host !== out);
    world.until(() => others.every((host) => isOut(host, out)));
    world.until(() => others.every((host) => host.core!.rolls().named.length === 1));
    install(one, revoke(first, b));
    count(world, [first], others);
    expect(others.map(isHub)).not.toContain(true);
    world.until(() =>
      others.every((host) => host.members().some((member) => member.nodeId === out.nodeId)),
    );
  });

  test('are ended by a senior one whatever numbers the thief gave to its lists', () => {
    const world = worldOf(5, 4);
    const [one, out, other] = world.hosts as [SimHost, SimHost, SimHost];
    // One list each of the last number; what the thief takes out of the table comes back with its end.
    const last = {
      number: 2 ** 40 - 1,
      hash: '0'.repeat(64),
      merges: [],
      bytes: new Uint8Array(0),
    };
    const before = { ...last, serials: new Map(), expelled: new Map() };
    const at = { day: 1, epoch: 1 };
    const lists = Array.from({ length: 64 }, (_, n) => {
      const serials = [n.toString(16).padStart(32, '0')];
      return issueRevocations(b, [before], { serials, expelled: [other.nodeId] }, at);
    });
    install(one, add(first, b), ...lists.map(({ bytes }) => bytes));
    const others = world.hosts.filter((host) => host !== out && host !== other);
    world.until(() => others.every((host) => isOut(host, other)));
    // Made of what this host knows, as the command makes it: it stands in place of eight of them.
    const inForce = others[0]!
      .core!.rolls()
      .lists.map((list) => lists.find(({ hash }) => hash === list.hash)!);
    const next = issueRevocations(first, inForce, { expelled: [out.nodeId] }, at);
    expect(next.number).toBe(2 ** 40);
    install(one, next.bytes, revoke(first, b));
    count(world, [first], others);
    world.until(() => others.every((host) => isOut(host, out)));
    for (const host of others) expect(host.core!.rolls().lists).toHaveLength(1);
    // The next one stands in place of that; shown again, it takes no place.
    const later = issueRevocations(first, [next], { serials: ['f'.repeat(32)] }, at);
    const latest = issueRevocations(first, [later], { serials: ['e'.repeat(32)] }, at);
    install(one, later.bytes);
    install(one, latest.bytes);
    world.until(() =>
      others.every((host) => host.core!.rolls().lists.some(({ hash }) => hash === latest.hash)),
    );
    install(one, next.bytes);
    world.run(5_000);
    for (const host of others) expect(host.core!.rolls().lists).toHaveLength(1);
  });

  test('are not changed by a member that floods statements, nor do these grow what it keeps', () => {
    const world = worldOf(4, 3);
    const [one] = world.hosts as [SimHost];
    install(one, add(first, b));
    count(world, [first, b]);
    install(one, revoke(first, b));
    count(world, [first]);
    const before = one.core!.rolls().operators!.statements;
    const peer = new Peer(world, one);
    // The member is the thief of b, too, and of as many keys as it likes.
    for (let at = 0; at < 60; at++) {
      const key = keyOf(`x${at}`, first.swarmId);
      for (const bytes of [add(b, key, at), revoke(b, key), add(key, key), revoke(key, first)]) {
        peer.says(encodeMessage({ t: 'record', bytes }));
      }
    }
    world.run(5_000);
    const after = one.core!.rolls().operators!;
    expect(after.keys.filter((key) => key.counts).map(({ id }) => id)).toEqual([first.id]);
    expect(after.statements.length).toBeLessThanOrEqual(before.length + 24);
    count(world, [first]);
  });
});
