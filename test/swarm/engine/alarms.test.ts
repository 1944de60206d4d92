/** Alarms end when their cause has gone, each with an event that says so. */
import { describe, expect, test } from 'vitest';
import { packRecords, type AlarmKind } from '../../../src/swarm/index.ts';
import { attachSignature, fromHex, pack, signingBytes } from '../../../src/wire/index.ts';
import {
  simulatedAdmission,
  simulatedCrypto,
  simulatedEntry,
  simulatedEpoch,
  simulatedList,
} from '../../sim/crypto.ts';
import { FIRST_TOKEN, SWARM_ID } from '../../sim/host.ts';
import type { SimHost } from '../../sim/host.ts';
import { World } from '../../sim/world.ts';

/** Expelled here is without the rotation that goes with it, which is an alarm of its own. */
function open(host: SimHost): string[] {
  return host
    .openAlarms()
    .filter(({ kind }) => kind !== 'expelled_without_rotation')
    .map(({ kind, key }) => `${kind} ${key}`)
    .sort();
}

function forget(by: SimHost, node: SimHost): void {
  by.do(() => by.core!.forget(by.now, node.nodeId));
}

function expel(by: SimHost, node: SimHost): void {
  expelId(by, node.nodeId);
}

function expelId(by: SimHost, node: string): void {
  const records = [simulatedList(1, [node])];
  by.do(() => void by.core!.install(by.now, { records, parts: [] }));
}

function rename(host: SimHost, name: string): void {
  host.do(() => host.core!.describe(host.now, { name }));
}

/** Ways in which one of two hosts is not in the way any more. */
const ENDS: Readonly<Record<string, (world: World, twin: SimHost) => void>> = {
  leaves: (_, twin) => twin.leave(),
  'is forgotten': (world, twin) => {
    twin.crash();
    world.until(() => world.hosts[0]!.sees(twin) === 'dead');
    forget(world.hosts[0]!, twin);
  },
  'is expelled': (world, twin) => expel(world.hosts[0]!, twin),
};

/** Three hosts, and a fourth that calls itself h1 as well. */
function worldWithTwin(seed: number): { world: World; twin: SimHost; watcher: SimHost } {
  const world = new World({ seed, nodes: 3 }).settle();
  const twin = world.addHost();
  Object.assign(twin, { name: 'h1' });
  twin.start();
  world.run(10_000);
  return { world, twin, watcher: world.hosts[0]! };
}

describe('two hosts of one name', () => {
  test.each(Object.keys(ENDS))('the alarm ends when one %s', (way) => {
    const { world, twin, watcher } = worldWithTwin(1);
    expect(open(watcher)).toEqual(['name_reused h1']);
    // It stays as long as both are there, dead or alive.
    world.hosts[1]!.crash();
    world.run(120_000);
    expect(open(watcher)).toEqual(['name_reused h1']);
    ENDS[way]!(world, twin);
    world.run(10_000);
    expect(open(watcher)).toEqual([]);
  });

  test('the alarm ends when one is renamed, and comes back with the name', () => {
    const { world, twin, watcher } = worldWithTwin(2);
    rename(twin, 'h3');
    world.run(10_000);
    expect(open(watcher)).toEqual([]);
    rename(twin, 'h2');
    world.run(10_000);
    expect(open(watcher)).toEqual(['name_reused h2']);
  });

  test('the alarm comes again when the one that left comes back', () => {
    const { world, twin, watcher } = worldWithTwin(3);
    twin.leave();
    world.run(10_000);
    expect(open(watcher)).toEqual([]);
    twin.start();
    world.run(10_000);
    expect(open(watcher)).toEqual(['name_reused h1']);
  });

  test('an alarm of the last run ends as well', () => {
    const { world, twin, watcher } = worldWithTwin(4);
    watcher.crash();
    twin.leave();
    world.run(10_000);
    expect(open(watcher)).toEqual(['name_reused h1']);
    watcher.start();
    world.run(20_000);
    expect(open(watcher)).toEqual([]);
  });

  test('an end is told once', () => {
    const { world, twin, watcher } = worldWithTwin(5);
    twin.leave();
    world.run(60_000);
    expect(watcher.alarms.filter(({ over }) => over === true)).toHaveLength(1);
  });
});

describe('two hosts at one address', () => {
  /** h2 says that it is where h1 is. */
  function shared(seed: number): { world: World; watcher: SimHost; twin: SimHost } {
    const world = new World({ seed, nodes: 3 }).settle();
    const [watcher, known, twin] = world.hosts as [SimHost, SimHost, SimHost];
    const addresses = [known.address, twin.address];
    twin.do(() => twin.core!.describe(twin.now, { addresses }));
    world.run(10_000);
    expect(open(watcher)).toEqual(['address_reused h1:7000']);
    return { world, watcher, twin };
  }

  test.each(Object.keys(ENDS))('the alarm ends when one %s', (way) => {
    const { world, watcher, twin } = shared(11);
    ENDS[way]!(world, twin);
    world.run(10_000);
    expect(open(watcher)).toEqual([]);
  });

  test('the alarm ends when one moves', () => {
    const { world, watcher, twin } = shared(12);
    twin.do(() => twin.core!.describe(twin.now, { addresses: [twin.address] }));
    world.run(10_000);
    expect(open(watcher)).toEqual([]);
  });
});

describe('what concerns one member', () => {
  const KINDS: readonly AlarmKind[] = ['clone', 'old_key', 'probe_conflict', 'seals_full'];

  test.each(Object.keys(ENDS))('ends when it %s', (way) => {
    const world = new World({ seed: 21, nodes: 4 }).settle();
    const [watcher, , subject] = world.hosts as [SimHost, SimHost, SimHost];
    // Of the last run: what raises each has tests of its own.
    const key = subject.nodeId;
    for (const kind of KINDS) watcher.alarms.push({ kind, key, message: '', at: 0 });
    watcher.crash();
    watcher.start();
    world.run(60_000);
    expect(open(watcher)).toEqual(KINDS.map((kind) => `${kind} ${key}`));
    ENDS[way]!(world, subject);
    world.run(10_000);
    expect(open(watcher)).toEqual([]);
  });

  test('a fork ends with the expulsion, not by leaving', () => {
    const world = new World({ seed: 22, nodes: 3 }).settle();
    const [watcher, , subject] = world.hosts as [SimHost, SimHost, SimHost];
    watcher.alarms.push({ kind: 'fork', key: subject.nodeId, message: '', at: 0 });
    watcher.crash();
    watcher.start();
    subject.leave();
    world.run(60_000);
    expect(open(watcher)).toEqual([`fork ${subject.nodeId}`]);
    expel(watcher, subject);
    world.run(10_000);
    expect(open(watcher)).toEqual([]);
  });

  test('clones that take turns are an alarm until both are gone', () => {
    const world = new World({ seed: 23, nodes: 4 }).settle();
    const [original, clone] = [world.hosts[2]!, world.addHost()];
    Object.assign(clone, { signKey: original.signKey, nodeId: original.nodeId });
    clone.start();
    world.run(120_000);
    const watcher = world.hosts.find((host) => open(host).includes(`clone ${original.nodeId}`))!;
    const other = world.hosts.find((host) => host !== watcher && host.nodeId !== original.nodeId)!;
    for (const host of [original, clone]) host.crash();
    world.until(() => other.sees(original) === 'dead' && watcher.sees(original) === 'dead');
    forget(other, original);
    // Somebody else's word: it must have been dead here for long, too.
    world.run(11 * 60_000);
    expect(open(watcher)).not.toContain(`clone ${original.nodeId}`);
  });
});

describe('what is wrong with this host', () => {
  test('a full table is an alarm until there is room', () => {
    const world = new World({ seed: 31, nodes: 1 });
    const [host] = world.hosts as [SimHost];
    const strangers = Array.from({ length: 16_384 }, (_, at) => stranger(world, at));
    host.disk.set('members', pack(strangers.map(({ record }) => [record, 0])));
    const roll = [host.nodeId, ...strangers.map(({ nodeId }) => nodeId)];
    const { head, parts } = simulatedEpoch(SWARM_ID, 2, roll);
    const kept = parts.map((bytes, number) => ({ epoch: head.id, number, bytes }));
    host.disk.set('records', packRecords({ records: [head.bytes], parts: kept }));
    host.head = head;
    host.start();
    world.run(10_000);
    expect(open(host)).toEqual(['members full']);
    const gone = strangers[0]!.nodeId;
    expelId(host, gone);
    world.run(10_000);
    expect(open(host)).toEqual([]);
  });

  test('a table that could not be kept is an alarm until it can', () => {
    const world = new World({ seed: 32, nodes: 2 }).settle();
    const [host] = world.hosts as [SimHost];
    host.failsToKeep.add('members');
    const late = world.addHost();
    late.start();
    world.run(10_000);
    expect(open(host)).toEqual(['persist_failed members']);
    host.failsToKeep.clear();
    late.leave();
    world.run(10_000);
    expect(open(host)).toEqual([]);
  });

  test('a record that could not be read is an alarm until the next start', () => {
    const world = new World({ seed: 33, nodes: 2 }).settle();
    const [host] = world.hosts as [SimHost];
    host.crash();
    host.disk.set('members', pack([[new Uint8Array(40), 0]]));
    host.start();
    world.run(10_000);
    expect(open(host)).toEqual(['state members']);
    host.crash();
    host.start();
    world.run(10_000);
    expect(open(host)).toEqual([]);
  });
});

/** A member's record that was kept from the last run. */
function stranger(world: World, at: number): { nodeId: string; record: Uint8Array } {
  const signKey = world.random.bytes(32);
  const entry = simulatedEntry(signKey);
  const said = signingBytes({
    kind: 'member',
    swarm: SWARM_ID,
    node: fromHex(entry.nodeId),
    entry: entry.bytes,
    name: `s${at}`,
    addresses: [],
    labels: {},
    version: '',
    hub: false,
    incarnation: 1,
    bootId: world.random.bytes(16),
    state: 'alive',
    prekey: undefined,
    admission: simulatedAdmission(SWARM_ID, FIRST_TOKEN, entry.nodeId),
  });
  const record = attachSignature(said, simulatedCrypto(signKey).sign(said));
  return { nodeId: entry.nodeId, record };
}
