import { describe, expect, test } from 'vitest';
import { attachSignature, encodeMessage, fromHex, signingBytes } from '../../../src/wire/index.ts';
import { simulatedCrypto, simulatedList } from '../../sim/crypto.ts';
import { SWARM_ID } from '../../sim/host.ts';
import { World } from '../../sim/world.ts';
import type { SimHost } from '../../sim/host.ts';
import { Peer } from '../peer.ts';

function states(host: SimHost): Record<string, string> {
  return Object.fromEntries(host.members().map((member) => [member.name, member.state]));
}

/** Counts links that come up at `to` from `from`, from now on. */
function countLinks(from: SimHost, to: SimHost): () => number {
  const core = to.core!;
  const up = core.handleLinkUp.bind(core);
  let count = 0;
  core.handleLinkUp = (now, id, peer, info) => {
    if (peer.nodeId === from.nodeId && !info.initiator) count++;
    up(now, id, peer, info);
  };
  return () => count;
}

describe('joining', () => {
  test('hosts that know one seed become a full mesh of one link a pair', () => {
    const world = new World({ seed: 1, nodes: 6 }).settle();
    for (const host of world.hosts) {
      expect(host.members().map((member) => member.name)).toEqual([
        'h0',
        'h1',
        'h2',
        'h3',
        'h4',
        'h5',
      ]);
      expect(host.members().filter((member) => member.linked)).toHaveLength(5);
      expect(host.core!.sizes()['links']).toBe(5);
    }
  });

  test('a newcomer is in every table within seconds', () => {
    const world = new World({ seed: 2, nodes: 5 }).settle();
    const late = world.addHost();
    late.start();
    world.run(3_000);
    for (const host of world.hosts) expect(host.sees(late)).toBe('alive');
    expect(late.members()).toHaveLength(6);
  });

  test('a host that is its own seed finds out and stays quiet', () => {
    const world = new World({ seed: 3, nodes: 1 });
    world.hosts[0]!.seeds = [world.hosts[0]!.address];
    world.settle();
    expect(world.hosts[0]!.alarms).toEqual([]);
    expect(world.hosts[0]!.core!.sizes()['links']).toBe(0);
  });
});

describe('loss and return', () => {
  test('three accusers make a crashed host dead at once, and it stays so', () => {
    const world = new World({ seed: 4, nodes: 5 }).settle();
    world.hosts[4]!.crash();
    world.run(5_000);
    for (const host of world.upHosts) expect(host.sees(world.hosts[4]!)).toBe('dead');
    world.run(300_000);
    for (const host of world.upHosts) expect(host.sees(world.hosts[4]!)).toBe('dead');
  });

  test('a host that goes silent without a reset is found out by its heartbeats', () => {
    const world = new World({ seed: 5, nodes: 5 }).settle();
    world.hosts[4]!.crash(true);
    world.run(10_000);
    expect(world.hosts[0]!.sees(world.hosts[4]!)).toBe('alive');
    world.run(20_000);
    for (const host of world.upHosts) expect(host.sees(world.hosts[4]!)).toBe('dead');
  });

  test('with a single witness a suspect becomes dead only after its time', () => {
    const world = new World({ seed: 6, nodes: 2 }).settle();
    world.hosts[1]!.crash();
    world.until(() => world.hosts[0]!.sees(world.hosts[1]!) === 'suspect', 5_000);
    const suspectedAt = world.now;
    world.until(() => world.hosts[0]!.sees(world.hosts[1]!) === 'dead', 60_000);
    expect(world.now - suspectedAt).toBeGreaterThan(5_000);
  });

  test('what a host says of others goes with it when it is expelled', () => {
    const world = new World({ seed: 70, nodes: 3 }).settle();
    const [accused, hears, out] = world.hosts as [SimHost, SimHost, SimHost];
    world.network.partition([accused], [hears], [out]);
    world.network.resetBetween(accused, hears);
    world.run(100);
    const { incarnation } = hears.members().find((member) => member.name === accused.name)!;
    const said = signingBytes({
      kind: 'accuse',
      swarm: SWARM_ID,
      node: fromHex(accused.nodeId),
      incarnation,
      by: fromHex(out.nodeId),
    });
    const signed = attachSignature(said, simulatedCrypto(out.signKey).sign(said));
    new Peer(world, hears).says(encodeMessage({ t: 'news', objects: [signed] }));
    expect(hears.sees(accused)).toBe('suspect');
    // The accused does not know its accuser any more when it hears of it: it has nothing to refute.
    const records = [simulatedList(1, [out.nodeId])];
    accused.do(() => accused.core!.install(accused.now, { records, parts: [] }));
    world.network.heal();
    world.run(30_000);
    expect(hears.members().map(({ name }) => name)).not.toContain(out.name);
    expect(hears.sees(accused)).toBe('alive');
  });

  test('a restarted host comes back alive with a higher incarnation', () => {
    const world = new World({ seed: 7, nodes: 4 }).settle();
    const [watcher, host] = [world.hosts[0]!, world.hosts[3]!];
    const before = watcher.members().find((member) => member.name === 'h3')!.incarnation;
    host.crash();
    world.until(() => watcher.sees(host) === 'dead');
    host.start();
    world.until(() => watcher.sees(host) === 'alive', 10_000);
    const after = () => watcher.members().find((member) => member.name === 'h3')!;
    world.until(() => after().incarnation > before, 1_000);
    expect(watcher.alarms).toEqual([]);
  });

  test('a host whose clock went back still comes back with a higher incarnation', () => {
    const world = new World({ seed: 8, nodes: 4 }).settle();
    const [watcher, host] = [world.hosts[0]!, world.hosts[3]!];
    host.crash();
    world.until(() => watcher.sees(host) === 'dead');
    host.skewMs = -86_400_000;
    host.start();
    world.until(() => watcher.sees(host) === 'alive', 10_000);
  });

  test('links that are reset while both ends live bring no death', () => {
    const world = new World({ seed: 9, nodes: 8 }).settle();
    for (let i = 0; i < 10; i++) {
      world.network.resetSome(0.3);
      world.run(3_000);
    }
    for (const host of world.hosts) {
      expect(Object.values(states(host)).every((state) => state === 'alive')).toBe(true);
      expect(host.members().filter((member) => member.linked)).toHaveLength(7);
      expect(host.memberEvents.some(({ member }) => member.state === 'dead')).toBe(false);
    }
  });

  test('a process that stood still for ten seconds does not take its peers for dead', () => {
    const world = new World({ seed: 10, nodes: 5 }).settle();
    const host = world.hosts[2]!;
    host.freeze(10_000);
    world.run(14_000);
    for (const other of world.hosts) expect(host.sees(other)).toBe('alive');
    expect(host.memberEvents.some(({ member }) => member.state !== 'alive')).toBe(false);
  });

  test('a suspended laptop closes its links on waking and is alive again', () => {
    const world = new World({ seed: 11, nodes: 4 }).settle();
    const host = world.hosts[1]!;
    host.skewMs += 60_000;
    world.run(20_000);
    expect(host.members().filter((member) => member.linked)).toHaveLength(3);
    for (const other of world.hosts) expect(other.sees(host)).toBe('alive');
  });
});

describe('partition', () => {
  test('both ends of a new link know at once what the other knows, without a digest', () => {
    const world = new World({ seed: 70, nodes: 4, tuning: { digestMs: 3_600_000 } }).settle();
    const [h0, h1, h2, h3] = world.hosts as [SimHost, SimHost, SimHost, SimHost];
    h1.crash();
    world.network.partition([h0, h2], [h1, h3]);
    world.run(60_000);
    const links = countLinks(h1, h3);
    h1.start();
    world.run(2_000);
    expect(states(h3)).toEqual({ h0: 'dead', h1: 'alive', h2: 'dead', h3: 'alive' });
    // What it hears counts from then on: nobody's clock tells it how long they have been gone.
    expect(states(h1)).toEqual({ h0: 'suspect', h1: 'alive', h2: 'suspect', h3: 'alive' });
    world.run(13_000);
    expect(states(h1)).toEqual(states(h3));
    // Alone, it dials members as well as addresses: one of the two reasons is enough.
    expect(links()).toBe(1);
  });

  test('suspects refute after a partition heals', () => {
    const world = new World({ seed: 12, nodes: 6 }).settle();
    const [left, right] = [world.hosts.slice(0, 3), world.hosts.slice(3)];
    world.network.partition(left, right);
    world.run(60_000);
    expect(left[0]!.sees(right[0]!)).toBe('dead');
    expect(right[0]!.sees(left[0]!)).toBe('dead');
    expect(left[0]!.sees(left[1]!)).toBe('alive');
    world.network.heal();
    world.run(270_000);
    for (const host of world.hosts) {
      for (const other of world.hosts) expect(host.sees(other)).toBe('alive');
      expect(host.members().filter((member) => member.linked)).toHaveLength(5);
    }
  });

  test('a swarm that was cut from its seed heals by addresses it has seen', () => {
    const world = new World({ seed: 13, nodes: 4 }).settle();
    const alone = world.hosts[3]!;
    alone.seeds = [];
    world.network.partition([alone], world.hosts.slice(0, 3));
    world.run(3_600_000);
    world.network.heal();
    world.run(270_000);
    for (const host of world.hosts) expect(host.sees(alone)).toBe('alive');
  });
});

/** What others say is to be forgotten must have been dead for so long. */
const FORGET_MS = 10 * 60_000;

describe('leaving and forgetting', () => {
  test('a host that leaves is left everywhere, not dead, and is not expected', () => {
    const world = new World({ seed: 14, nodes: 4 }).settle();
    world.hosts[2]!.leave();
    world.run(30_000);
    for (const host of world.upHosts) expect(host.sees(world.hosts[2]!)).toBe('left');
    expect(Object.keys(world.finish(world.hosts[0]!.ask()))).toEqual(['h0', 'h1', 'h3']);
  });

  test('a host that only stops is not left: it is expected, and unreachable', () => {
    const world = new World({ seed: 15, nodes: 4 }).settle();
    world.hosts[2]!.crash();
    world.run(30_000);
    expect(world.finish(world.hosts[0]!.ask())['h2']).toBe('unreachable');
  });

  test('a host that left comes back when it is started again', () => {
    const world = new World({ seed: 16, nodes: 3 }).settle();
    world.hosts[2]!.leave();
    world.run(5_000);
    world.hosts[2]!.start();
    world.run(5_000);
    for (const host of world.hosts) expect(host.sees(world.hosts[2]!)).toBe('alive');
  });

  test('a forgotten host is gone from every table and account, also after restarts', () => {
    const world = new World({ seed: 17, nodes: 4 }).settle();
    const gone = world.hosts[3]!;
    gone.crash();
    world.run(10_000);
    expect(world.hosts[0]!.core!.forget(world.hosts[0]!.now, gone.nodeId)).toBe(true);
    world.hosts[0]!.do(() => undefined);
    world.run(5_000);
    expect(world.hosts[0]!.sees(gone)).toBeUndefined();
    // The others take it for gone when they have not seen it for long themselves.
    for (const host of world.hosts.slice(1, 3)) expect(host.sees(gone)).toBe('dead');
    world.run(FORGET_MS);
    world.hosts[1]!.crash();
    world.run(1_000);
    world.hosts[1]!.start();
    world.run(5_000);
    for (const host of world.upHosts) expect(host.sees(gone)).toBeUndefined();
    expect(Object.keys(world.finish(world.hosts[1]!.ask()))).toEqual(['h0', 'h1', 'h2']);
  });

  test('a forgotten host that shows up under its own signature is alive again', () => {
    const world = new World({ seed: 18, nodes: 4 }).settle();
    const back = world.hosts[3]!;
    back.crash();
    world.run(10_000);
    world.hosts[0]!.do(() => world.hosts[0]!.core!.forget(world.hosts[0]!.now, back.nodeId));
    world.run(5_000);
    back.start();
    world.run(5_000);
    for (const host of world.hosts) expect(host.sees(back)).toBe('alive');
  });

  test('who is out is told by name and state, over restarts too, and named hosts end with the reason', () => {
    const world = new World({ seed: 71, nodes: 5 }).settle();
    const [asker, left, forgotten, expelled] = world.hosts as [SimHost, SimHost, SimHost, SimHost];
    left.leave();
    forgotten.crash();
    world.until(() => asker.sees(forgotten) === 'dead');
    asker.do(() => asker.core!.forget(asker.now, forgotten.nodeId));
    const records = [simulatedList(1, [expelled.nodeId])];
    asker.do(() => void asker.core!.install(asker.now, { records, parts: [] }));
    // What the operator signed is on the disk before it counts.
    world.run(20);
    const told = asker.memberEvents.map(({ member }) => `${member.name} ${member.state}`);
    expect(told).toEqual(expect.arrayContaining(['h2 forgotten', 'h3 expelled']));
    world.run(FORGET_MS);
    for (const host of [asker, world.hosts[4]!]) {
      world.run(10_000);
      expect(host.sees(left)).toBe('left');
      const departed = host.core!.departed().map(({ name, state }) => `${name} ${state}`);
      expect(departed).toEqual(['h2 forgotten', 'h3 expelled']);
      host.crash();
      world.run(1_000);
      host.start();
      world.run(10_000);
      expect(host.core!.departed().map(({ name, state }) => `${name} ${state}`)).toEqual(departed);
    }
    const nodes = [left, forgotten, expelled].map(({ nodeId }) => nodeId);
    const asked = asker.ask({ targets: { kind: 'nodes', nodes } });
    world.finish(asked);
    expect(asked.account!.hosts.map(({ state, code }) => `${state} ${code}`).sort()).toEqual([
      'unreachable expelled',
      'unreachable forgotten',
      'unreachable left',
    ]);
    forgotten.start();
    world.run(10_000);
    expect(asker.core!.departed().map(({ name }) => name)).toEqual(['h3']);
  });

  test('forgetting an unknown node or oneself is refused', () => {
    const world = new World({ seed: 19, nodes: 2 }).settle();
    const [host] = world.hosts as [SimHost];
    expect(host.core!.forget(host.now, 'ab'.repeat(32))).toBe(false);
    expect(host.core!.forget(host.now, host.nodeId)).toBe(false);
  });

  test('a member dead for over thirty days is not expected any more', () => {
    const world = new World({ seed: 20, nodes: 3, tuning: { deadExpectedMs: 60_000 } }).settle();
    world.hosts[2]!.crash();
    world.run(30_000);
    expect(world.finish(world.hosts[0]!.ask())).toHaveProperty('h2', 'unreachable');
    world.run(45_000);
    expect(world.finish(world.hosts[0]!.ask())).not.toHaveProperty('h2');
  });
});

describe('alarms', () => {
  test('a clone of a host raises an alarm', () => {
    const world = new World({ seed: 21, nodes: 4 }).settle();
    const [original, clone] = [world.hosts[2]!, world.addHost()];
    Object.assign(clone, { signKey: original.signKey, nodeId: original.nodeId });
    clone.start();
    world.run(120_000);
    const kinds = world.hosts.flatMap((host) => host.alarms.map((alarm) => alarm.kind));
    expect(kinds).toContain('clone');
  });

  test('a new node under a known name raises an alarm that names both', () => {
    const world = new World({ seed: 22, nodes: 3 }).settle();
    const twin = world.addHost();
    Object.assign(twin, { name: 'h1' });
    twin.start();
    world.run(5_000);
    const alarm = world.hosts[0]!.alarms.find((it) => it.kind === 'name_reused');
    expect(alarm?.message).toContain(twin.nodeId.slice(0, 12));
    expect(alarm?.message).toContain(world.hosts[1]!.nodeId.slice(0, 12));
  });
});
