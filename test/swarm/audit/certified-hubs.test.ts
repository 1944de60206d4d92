/** What only a hub does is taken of hubs that the operator certified, not of who says that it is one. */
import { describe, expect, test } from 'vitest';
import { World } from '../../sim/world.ts';
import { simulatedHub } from '../../sim/crypto.ts';
import type { SimHost } from '../../sim/host.ts';

const CHAIN = '0'.repeat(31) + '1';

function pretending(seed: number): { world: World; hub: SimHost; other: SimHost } {
  const world = new World({ seed, nodes: 3 });
  const [hub, other] = world.hosts as [SimHost, SimHost];
  hub.hub = true;
  hub.certified = false;
  world.settle(15_000);
  return { world, hub, other };
}

function showSeal(to: SimHost, by: SimHost, number: number): boolean {
  const hash = number.toString(16).padStart(64, '0');
  const { head } = by.core!.signSeal(by.now, { chain: CHAIN, number, hash, at: by.now.wall });
  let taken = false;
  to.do(() => void (taken = to.core!.spreadSeal(to.now, head)));
  return taken;
}

function certify(world: World, hub: SimHost, at: SimHost): void {
  at.do(() => at.core!.install(at.now, { records: [simulatedHub(hub.nodeId)], parts: [] }));
  world.run(2_000);
}

describe('a host that says that it is a hub', () => {
  test('is none without the certificate: its seals fill nobody', () => {
    const { hub, other } = pretending(501);
    expect(other.core!.isHub(other.now, hub.nodeId)).toBe(false);
    expect(showSeal(other, hub, 1)).toBe(false);
    expect(showSeal(hub, hub, 1)).toBe(false);
    expect(other.core!.seals()).toEqual([]);
  });

  test('says so itself, with the command, until it has one from anywhere', () => {
    const { world, hub, other } = pretending(502);
    const [alarm] = hub.alarms.filter(({ kind }) => kind === 'hub_certificate');
    expect(alarm!.message).toContain('`swarmplane operator grant h0 --role hub`');
    world.run(60_000);
    expect(hub.alarms.filter(({ kind }) => kind === 'hub_certificate')).toHaveLength(1);
    certify(world, hub, other);
    expect(hub.core!.hubProblem(hub.now)).toBeUndefined();
    world.run(15_000);
    expect(hub.openAlarms().map(({ kind }) => kind)).not.toContain('hub_certificate');
    expect(other.core!.hubProblem(other.now)).toBeUndefined();
  });

  test('with the certificate is one at every host, over restarts, and at one that comes later', () => {
    const { world, hub, other } = pretending(503);
    certify(world, hub, other);
    other.crash();
    other.start();
    const late = world.addHost();
    late.start();
    world.run(10_000);
    for (const host of world.hosts) expect(host.core!.isHub(host.now, hub.nodeId)).toBe(true);
    expect(showSeal(late, hub, 1)).toBe(true);
    expect(late.core!.isHub(late.now, other.nodeId)).toBe(false);
  });
});
