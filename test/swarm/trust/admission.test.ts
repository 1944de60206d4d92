/** Admissions, rolls and rotations in the simulated swarm: what the operator signs, and who follows. */
import { describe, expect, test } from 'vitest';
import type { EpochHead, TokenRecord } from '../../../src/secure/types.ts';
import { attachSignature, decodeMessage, encodeMessage, fromHex } from '../../../src/wire/index.ts';
import { prefixOfNode, signingBytes } from '../../../src/wire/index.ts';
import { hashOf, simulatedAdmission, simulatedCrypto, simulatedEntry } from '../../sim/crypto.ts';
import { simulatedEpoch, simulatedList, simulatedToken } from '../../sim/crypto.ts';
import { FIRST_EPOCH, FIRST_TOKEN, SWARM_ID, type SimHost } from '../../sim/host.ts';
import { World } from '../../sim/world.ts';
import { Peer } from '../peer.ts';

interface Rotation {
  readonly head: EpochHead;
  readonly token: TokenRecord;
}

/** Installs an EPOCH for these hosts, and a token, at one host; `lists` go before it. */
function rotate(
  at: SimHost,
  hosts: readonly SimHost[],
  options: { epoch?: number; salt?: number; slots?: number; lists?: Uint8Array[] } = {},
): Rotation {
  const { epoch = 2, salt = 0, slots = 3000, lists = [] } = options;
  const ids = hosts.map((host) => host.nodeId);
  const { head, parts } = simulatedEpoch(SWARM_ID, epoch, ids, { parent: at.head.id, salt, slots });
  const token = simulatedToken(head.id, new Uint8Array(32).fill(100 + salt));
  const records = [...lists, head.bytes, token.bytes];
  at.do(() => at.core!.install(at.now, { records, parts }));
  return { head, token };
}

/** A host that a member of this epoch has let in by its token. */
function newcomer(world: World, { head, token }: Rotation, seeds: readonly SimHost[]): SimHost {
  const host = world.addHost();
  host.head = head;
  host.admittedBy = token;
  host.seeds = seeds.map((seed) => seed.address);
  host.start();
  return host;
}

function allIn(head: EpochHead, hosts: readonly SimHost[]): boolean {
  return hosts.every((host) => host.head.id === head.id);
}

function aliveNames(host: SimHost): string[] {
  return host
    .members()
    .filter((member) => member.state === 'alive')
    .map((member) => member.name);
}

/** An identity made up, with an admission by a token whose text its maker has. */
function invented(token: TokenRecord, name: string, seed: number): Uint8Array {
  const signKey = new Uint8Array(32).fill(seed);
  const entry = simulatedEntry(signKey);
  const signed = signingBytes({
    kind: 'member',
    swarm: SWARM_ID,
    node: fromHex(entry.nodeId),
    entry: entry.bytes,
    name,
    addresses: [],
    labels: {},
    version: '',
    hub: false,
    incarnation: 1,
    state: 'alive',
    bootId: new Uint8Array(16),
    prekey: undefined,
    admission: simulatedAdmission(SWARM_ID, token, entry.nodeId),
  });
  return attachSignature(signed, simulatedCrypto(signKey).sign(signed));
}

describe('a rotation', () => {
  test('takes along whom it names, in many parts, and leaves the others out', () => {
    const world = new World({ seed: 1, nodes: 7 }).settle();
    const [first, ...others] = world.hosts as [SimHost, ...SimHost[]];
    const out = others.at(-1)!;
    const stay = world.hosts.filter((host) => host !== out);
    const { head } = rotate(first, stay, { slots: 2 });
    expect(head.parts).toHaveLength(3);
    world.until(() => allIn(head, stay));
    world.run(10_000);
    const names = stay.map((host) => host.name);
    for (const host of stay) expect(aliveNames(host)).toEqual(names);
    // It stays named: nothing leaves an account by itself.
    expect(first.sees(out)).toBe('dead');
    expect(first.members().find((one) => one.name === out.name)?.admitted).toBe(false);
    expect(out.head.id).toBe(FIRST_EPOCH.head.id);
    world.until(() => out.core!.rolls().newest === 2);
    // It knows so over a restart, and still has the roll that it goes by.
    world.run(1_000);
    out.crash();
    out.start();
    expect(out.core!.rolls()).toMatchObject({ newest: 2, isWhole: true });
    expect(out.core!.rolls().head?.number).toBe(1);
  });

  test('reaches everybody though some neighbours withhold its parts', () => {
    const world = new World({ seed: 2, nodes: 10 }).settle();
    const relays = new Set(world.hosts.slice(4, 7));
    world.network.tamper = (from, message) =>
      relays.has(from) && decodeMessage(message)?.t === 'part' ? undefined : message;
    const { head } = rotate(world.hosts[0]!, world.hosts, { slots: 2 });
    world.until(() => allIn(head, world.hosts), 60_000);
  });

  test('takes along hosts that were away, and newcomers while it runs', () => {
    const world = new World({ seed: 3, nodes: 5 }).settle();
    const [first, , , away, late] = world.hosts as [SimHost, SimHost, SimHost, SimHost, SimHost];
    away.crash();
    late.crash();
    world.run(1_000);
    const second = rotate(first, world.hosts);
    world.run(30);
    const joiner = newcomer(world, second, [first]);
    world.run(5_000);
    const third = rotate(first, world.hosts, { epoch: 3, salt: 3 });
    world.until(() => allIn(third.head, [first, joiner]));
    away.start();
    late.start();
    world.until(() => allIn(third.head, world.hosts), 120_000);
    world.until(() => world.hosts.every((host) => aliveNames(host).length === 6), 120_000);
  });

  test('killed at any moment of its start, is on the disk whole or not at all', () => {
    let [whole, nothing] = [0, 0];
    for (let at = 0; at <= 20; at++) {
      const world = new World({ seed: 40 + at, nodes: 4 }).settle();
      const [first, , , out] = world.hosts as [SimHost, SimHost, SimHost, SimHost];
      const stay = world.hosts.slice(0, 3);
      const lists = [simulatedList(1, [out.nodeId])];
      const { head } = rotate(first, stay, { slots: 1, lists });
      world.run(at);
      first.crash();
      world.run(5_000);
      first.start();
      world.run(60_000);
      const isIn = allIn(head, stay);
      expect(isIn || stay.every((host) => host.head.id === FIRST_EPOCH.head.id)).toBe(true);
      for (const host of stay) {
        expect(aliveNames(host)).toEqual(isIn ? ['h0', 'h1', 'h2'] : ['h0', 'h1', 'h2', 'h3']);
        expect(host.core!.rolls().lists).toHaveLength(isIn ? 1 : 0);
      }
      if (isIn) whole++;
      else nothing++;
    }
    expect(whole).toBeGreaterThan(0);
    expect(nothing).toBeGreaterThan(0);
  });
});

describe('two rotations on two sides of a cut', () => {
  /** Six hosts in two halves that rotate for all six, and one more that joined on the second side. */
  function cut(secondWins: boolean) {
    const world = new World({ seed: 5, nodes: 6 }).settle();
    const [left, right] = [world.hosts.slice(0, 3), world.hosts.slice(3)];
    world.network.partition(left, right);
    const here = rotate(left[0]!, world.hosts.slice(0, 6));
    for (let salt = 1; ; salt++) {
      const ids = world.hosts.map((host) => host.nodeId);
      const { head } = simulatedEpoch(SWARM_ID, 2, ids, { parent: FIRST_EPOCH.head.id, salt });
      if (head.id > here.head.id !== secondWins) continue;
      const there = rotate(right[0]!, world.hosts.slice(0, 6), { salt });
      world.until(() => allIn(here.head, left) && allIn(there.head, right));
      const joined = newcomer(world, there, [right[0]!]);
      world.network.partition(left, [...right, joined]);
      world.until(() => right.every((host) => host.sees(joined) === 'alive'));
      return { world, left, right, here, there, joined };
    }
  }

  test('find together again under the greater EPOCH', () => {
    const { world, there, joined } = cut(true);
    world.network.heal();
    world.until(() => allIn(there.head, world.hosts), 300_000);
    world.until(() => world.hosts.every((host) => aliveNames(host).length === 7), 300_000);
    expect(joined.head.id).toBe(there.head.id);
  });

  test('name whom the greater one does not know, until the next takes it in', () => {
    const { world, right, here, joined } = cut(false);
    world.network.heal();
    const six = world.hosts.filter((host) => host !== joined);
    world.until(() => allIn(here.head, six), 300_000);
    world.until(() => six.every((host) => aliveNames(host).length === 6), 300_000);
    // Its epoch has the number of the one that won, and is another one all the same.
    world.until(() => joined.core!.rolls().isBehind, 300_000);
    expect(joined.core!.rolls()).toMatchObject({ newest: 2, head: { number: 2 } });
    for (const host of right) {
      expect(host.core!.rolls().isBehind).toBe(false);
      expect(host.sees(joined)).toBe('dead');
      const alarm = host.alarms.find(({ kind, over }) => kind === 'rotation_conflict' && !over);
      expect(alarm?.message).toContain(joined.name);
    }
    const third = rotate(right[0]!, world.hosts, { epoch: 3, salt: 9 });
    world.until(() => allIn(third.head, world.hosts), 300_000);
    world.until(() => world.hosts.every((host) => aliveNames(host).length === 7), 300_000);
    expect(right[0]!.alarms.at(-1)).toMatchObject({ kind: 'rotation_conflict', over: true });
  });
});

test('a list made without hearing another one takes back nothing, whatever its number', () => {
  const world = new World({ seed: 6, nodes: 6 }).settle();
  const [x, y] = world.hosts.slice(4) as [SimHost, SimHost];
  const [left, right] = [world.hosts.slice(0, 2), world.hosts.slice(2, 4)];
  world.network.partition(left, right, [x], [y]);
  const put = (host: SimHost, list: Uint8Array): void =>
    host.do(() => void host.core!.install(host.now, { records: [list], parts: [] }));
  put(left[0]!, simulatedList(7, [x.nodeId]));
  const seventh = simulatedList(7, []);
  put(right[0]!, seventh);
  put(right[0]!, simulatedList(8, [y.nodeId], [hashOf(seventh)]));
  world.run(1_000);
  world.network.heal();
  world.run(120_000);
  const stay = [...left, ...right];
  for (const host of stay) {
    expect(host.members().map(({ name }) => name)).toEqual(['h0', 'h1', 'h2', 'h3']);
    expect(host.core!.rolls().lists.map(({ number }) => number)).toEqual([7, 8]);
  }
  // The next one stands in place of both; a late copy of either changes nothing.
  const both = stay[0]!.core!.rolls().lists.map(({ hash }) => hash);
  put(stay[0]!, simulatedList(9, [x.nodeId, y.nodeId], both));
  world.run(5_000);
  put(stay[3]!, seventh);
  world.run(120_000);
  for (const host of stay) {
    expect(host.core!.rolls().lists.map(({ number }) => number)).toContain(9);
    expect(host.members().map(({ name }) => name)).toEqual(['h0', 'h1', 'h2', 'h3']);
  }
});

test('a token shown over-used to two halves differently is named everywhere, and goes with its rotation', () => {
  const world = new World({ seed: 7, nodes: 6 }).settle();
  const hosts = [...world.hosts];
  const token = simulatedToken(FIRST_EPOCH.head.id, new Uint8Array(32).fill(50), { uses: 2 });
  hosts[0]!.do(
    () => void hosts[0]!.core!.install(hosts[0]!.now, { records: [token.bytes], parts: [] }),
  );
  world.run(1_000);
  world.network.partition(hosts.slice(0, 3), hosts.slice(3));
  for (const [half, host] of [hosts[1]!, hosts[4]!].entries()) {
    const objects = Array.from({ length: 6 }, (_, at) =>
      invented(token, `sybil${half}${at}`, 60 + half * 10 + at),
    );
    new Peer(world, host).says(encodeMessage({ t: 'news', objects }));
  }
  world.run(2_000);
  world.network.heal();
  world.run(200_000);
  for (const host of hosts) {
    const seats = host.core!.rolls().tokens.find(({ tag }) => tag === token.tag)!.seats;
    // Two uses and a slack of two; each half keeps those that it saw first.
    expect(seats).toHaveLength(4);
    expect(host.alarms.filter(({ kind }) => kind === 'token_overused').length).toBeGreaterThan(0);
    expect(host.members().filter(({ name }) => name.startsWith('sybil'))).toHaveLength(4);
  }
  expect(new Set(hosts.map((host) => seatsOf(host, token))).size).toBe(2);
  // Tables differ, and yet nothing is sent for ever: digests pass over that token.
  const before = world.network.bytes;
  world.run(120_000);
  const quiet = world.network.bytes - before;
  world.run(120_000);
  expect(world.network.bytes - before - quiet).toBeLessThan(quiet * 1.5);
  const isTold = (host: SimHost) => host.openAlarms().some(({ kind }) => kind === 'token_overused');
  expect(hosts.every(isTold)).toBe(true);
  const { head } = rotate(hosts[0]!, hosts);
  world.until(() => allIn(head, hosts));
  world.run(120_000);
  for (const host of hosts) expect(aliveNames(host)).toEqual(hosts.map(({ name }) => name));
  // What came by it is out: the alarm has ended.
  expect(hosts.some(isTold)).toBe(false);
});

test('who shows the lists of years again fills no place of a new one', () => {
  const world = new World({ seed: 9, nodes: 4 }).settle();
  const [first, , out] = world.hosts as [SimHost, SimHost, SimHost];
  const put = (list: Uint8Array): void =>
    first.do(() => void first.core!.install(first.now, { records: [list], parts: [] }));
  // Each stands in place of the one before, and has all of it.
  const ids = Array.from({ length: 100 }, (_, at) => at.toString(16).padStart(64, 'a'));
  const lists: Uint8Array[] = [];
  for (const at of ids.keys()) {
    const merges = at === 0 ? [] : [hashOf(lists[at - 1]!)];
    lists.push(simulatedList(at + 1, ids.slice(0, at + 1), merges));
    put(lists[at]!);
    world.run(20);
  }
  const replayer = new Peer(world, first);
  for (const bytes of lists) replayer.says(encodeMessage({ t: 'record', bytes }));
  expect(first.core!.rolls().lists.map(({ number }) => number)).toEqual([100]);
  put(simulatedList(101, [...ids, out.nodeId], [hashOf(lists.at(-1)!)]));
  world.run(5_000);
  for (const host of world.hosts)
    if (host !== out) expect(host.members().map(({ name }) => name)).not.toContain(out.name);
});

describe('a host that one operator expels while another one rotates for it', () => {
  test('is an alarm until the next rotation, as it holds the key', () => {
    const world = new World({ seed: 10, nodes: 6 }).settle();
    const [left, right] = [world.hosts.slice(0, 3), world.hosts.slice(3)];
    const out = right[2]!;
    world.network.partition(left, right);
    const { head } = rotate(left[0]!, world.hosts);
    const records = [simulatedList(1, [out.nodeId])];
    right[0]!.do(() => void right[0]!.core!.install(right[0]!.now, { records, parts: [] }));
    world.run(1_000);
    world.network.heal();
    const stay = world.hosts.filter((host) => host !== out);
    const named = (host: SimHost) =>
      host.openAlarms().filter(({ kind }) => kind === 'expelled_without_rotation');
    world.until(() => allIn(head, stay) && stay.every((host) => named(host).length === 1), 300_000);
    for (const host of stay) {
      expect(named(host)[0]!.message).toContain(out.nodeId);
      expect(host.core!.rolls().exposed).toEqual([prefixOfNode(out.nodeId)]);
    }
    const next = rotate(stay[0]!, stay, { epoch: 3, salt: 3 });
    world.until(() => allIn(next.head, stay), 300_000);
    world.until(() => stay.every((host) => named(host).length === 0), 30_000);
    expect(stay[0]!.core!.rolls().exposed).toEqual([]);
  });

  test('is none where both go together', () => {
    const world = new World({ seed: 11, nodes: 5 }).settle();
    const stay = world.hosts.slice(0, 4);
    const lists = [simulatedList(1, [world.hosts[4]!.nodeId])];
    const { head } = rotate(stay[0]!, stay, { slots: 1, lists });
    world.until(() => allIn(head, stay));
    world.run(30_000);
    for (const host of stay)
      expect(host.alarms.map(({ kind }) => kind)).not.toContain('expelled_without_rotation');
  });
});

test('a host that joins is told of once at each other one, with its place, over restarts too', () => {
  const world = new World({ seed: 12, nodes: 3 }).settle();
  const [first, second] = world.hosts as [SimHost, SimHost];
  const token = simulatedToken(FIRST_EPOCH.head.id, new Uint8Array(32).fill(70), { uses: 5 });
  first.do(() => void first.core!.install(first.now, { records: [token.bytes], parts: [] }));
  world.run(1_000);
  const before = second.joined.length;
  const late = world.addHost();
  late.admittedBy = token;
  late.start();
  world.run(10_000);
  expect(second.joined.slice(before)).toEqual([`${late.name}, 1 of 5`]);
  for (const host of [second, late]) {
    host.crash();
    world.run(1_000);
    host.start();
    world.run(30_000);
  }
  expect(second.joined.slice(before)).toEqual([`${late.name}, 1 of 5`]);
});

test('nobody is let in by a token of an epoch that has ended since its handshake began', () => {
  const world = new World({ seed: 13, nodes: 2 }).settle();
  const [first] = world.hosts as [SimHost];
  const reserve = (token: TokenRecord) =>
    first.core!.reserveSeat(first.now, token, 'ab'.repeat(32));
  expect(reserve(FIRST_TOKEN)).toBeUndefined();
  const { head, token } = rotate(first, world.hosts);
  world.until(() => allIn(head, world.hosts));
  expect(reserve(FIRST_TOKEN)).toBe('unknown_token');
  expect(reserve(token)).toBeUndefined();
});

function seatsOf(host: SimHost, token: TokenRecord): string {
  return host
    .core!.rolls()
    .tokens.find(({ tag }) => tag === token.tag)!
    .seats.join();
}

test('who is admitted no more leaves the roll of every host', () => {
  const world = new World({ seed: 8, nodes: 3 }).settle();
  const { head } = rotate(world.hosts[0]!, world.hosts);
  world.until(() => allIn(head, world.hosts));
  for (const host of world.hosts) {
    const { roll } = host.core!.rolls();
    expect([...roll].sort()).toEqual(world.hosts.map((one) => prefixOfNode(one.nodeId)).sort());
  }
});
