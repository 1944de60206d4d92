import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Epochs } from '../../src/net/epochs.ts';
import { Identity, wayKeys, type NewEpoch, type SwarmSecrets } from '../../src/secure/index.ts';
import { silentLog } from '../../src/hub/log.ts';
import type { Alarm } from '../../src/swarm/index.ts';
import {
  createSwarm,
  meshed,
  newEpoch,
  random,
  startNode,
  stopAll,
  until,
  type TestNode,
  type TestSwarm,
} from './swarm-nodes.ts';

const NOW = Math.floor(Date.now() / 1000);
let swarm: TestSwarm;
let a: TestNode;
/** As the operator knew it; it has rotated since. */
let known: Identity;
let rotated: Identity;
beforeAll(async () => {
  swarm = await createSwarm();
});
beforeEach(async () => {
  known = Identity.create(random, NOW - 7200);
  rotated = Identity.parse(known.rotate(random, NOW).toBytes());
  a = await startNode('a', swarm.secrets);
});
afterEach(stopAll);

/** The operator's word of epoch 2, sealed to the keys that it knew. */
function second(...identities: readonly Identity[]): NewEpoch {
  return newEpoch(swarm.operator, identities, { epoch: 2, parent: swarm.head.id });
}

async function install(node: TestNode, { head, parts }: NewEpoch): Promise<void> {
  expect(await node.node.install({ records: [head.bytes], parts })).toBe(true);
}

async function areIn(epoch: NewEpoch, ...nodes: readonly TestNode[]): Promise<void> {
  await until(() => nodes.every(({ node }) => node.secrets.epochId === epoch.head.id));
}

test('a host that rotates its key between the signing of a new epoch and its coming goes over', async () => {
  const b = await startNode('b', swarm.secrets, { seeds: [a.address], identity: known });
  await meshed(a, b);
  const epoch = second(a.identity, known);
  b.node.setIdentity(rotated);
  await install(a, epoch);
  await areIn(epoch, a, b);
  await meshed(a, b);
  expect(b.node.secrets.epochKey).toEqual(a.node.secrets.epochKey);
  expect(b.alarms.filter(({ over }) => over === undefined)).toEqual([]);
});

test('one that rotated while it was away catches up under its new key', async () => {
  const epoch = second(a.identity, known);
  await install(a, epoch);
  await areIn(epoch, a);
  const b = await startNode('b', swarm.secrets, { seeds: [a.address], identity: rotated });
  await areIn(epoch, a, b);
  await meshed(a, b);
  expect(b.saved.map(({ epoch }) => epoch)).toEqual([2]);
});

test('without the older key it can open nothing, and says so', async () => {
  const b = await startNode('b', swarm.secrets, {
    seeds: [a.address],
    identity: rotated.forgetOld(NOW + 40 * 86_400),
  });
  await meshed(a, b);
  const closed = second(a.identity, known);
  await install(a, closed);
  await until(() => b.alarms.some(({ kind }) => kind === 'epoch_closed'));
  expect(b.node.secrets.epoch).toBe(1);
  // The next one is sealed to its present key: it is in again, and the alarm ends once.
  const following = { epoch: 3, parent: closed.head.id };
  const next = newEpoch(swarm.operator, [a.identity, rotated], following);
  await install(a, next);
  await areIn(next, b);
  await until(() => b.alarms.some(({ over }) => over === true));
  expect(b.alarms.map(({ kind, over }) => [kind, over])).toEqual([
    ['epoch_closed', undefined],
    ['epoch_closed', true],
  ]);
});

test('deleting old keys is no entry into the epoch that is closed to this host', async () => {
  const told: Alarm[] = [];
  const old = random(32);
  const ways = wayKeys(swarm.secrets.swarmId, old);
  const replaced = { epoch: 1, epochKey: old, ways, replacedAt: 0 };
  let secrets: SwarmSecrets = { ...swarm.secrets, previous: [replaced] };
  const epochs = new Epochs(
    {
      secrets: () => secrets,
      identity: () => known,
      wall: () => NOW * 1_000,
      save: async () => {},
      use: (next) => void (secrets = next),
      alarm: (alarm) => void told.push(alarm),
      log: silentLog,
    },
    [{ kind: 'epoch_closed', key: 'epoch' }],
  );
  const before = secrets;
  epochs.forgetOld();
  await epochs.stop();
  expect(secrets).not.toBe(before);
  expect(told).toEqual([]);
});

/** In order of ids: below all slots of an EPOCH there is no part in which one's own could be. */
function identityThat(isAbove: boolean, other: Identity): Identity {
  for (;;) {
    const identity = Identity.create(random, NOW);
    if (identity.nodeId > other.nodeId === isAbove) return identity;
  }
}

test.each([
  ['below', true],
  ['above', false],
])(
  'a host whose id lies %s those that stay is told that it is left out, with nobody to ask',
  async (_, isAbove) => {
    await install(a, second(identityThat(isAbove, a.identity)));
    await until(() => a.alarms.some(({ kind }) => kind === 'epoch_closed'));
    expect(a.node.rolls()).toMatchObject({ isBehind: true, head: { number: 1 } });
  },
);

test('whom a rotation leaves out loses its links, and stays named', async () => {
  const b = await startNode('b', swarm.secrets, { seeds: [a.address] });
  await meshed(a, b);
  await install(a, second(a.identity));
  await until(() => a.node.links().length === 0);
  await until(() => b.alarms.some(({ kind }) => kind === 'epoch_closed'));
  const left = a.node.members().find((one) => one.name === 'b');
  expect(left).toMatchObject({ state: 'dead', admitted: false });
  // It comes back as the host that it is, by a new token, once the operator has made one.
  expect(b.node.rolls().newest).toBe(2);
});

test('a dial from ahead takes the other along, under the key that both had', async () => {
  const epoch = second(a.identity, known);
  await install(a, epoch);
  await areIn(epoch, a);
  // It listens and dials nobody: only a, which is ahead, dials it.
  const b = await startNode('b', swarm.secrets, { identity: rotated });
  await a.node.join(b.address).catch(() => undefined);
  await areIn(epoch, b);
  await a.node.join(b.address);
  await meshed(a, b);
});

test('two rotations that did not know of each other: the greater EPOCH takes both', async () => {
  const b = await startNode('b', swarm.secrets, { identity: known });
  const [here, there] = [second(a.identity, known), second(a.identity, known)];
  await install(a, here);
  await install(b, there);
  await Promise.all([areIn(here, a), areIn(there, b)]);
  const greater = here.head.id > there.head.id ? here : there;
  const loser = greater === here ? b : a;
  await a.node.join(b.address).catch(() => undefined);
  await areIn(greater, a, b);
  await a.node.join(b.address);
  await meshed(a, b);
  expect(loser.alarms).toContainEqual(expect.objectContaining({ kind: 'rotation_conflict' }));
});

test('one without any key of before is told nothing but that', async () => {
  const other: SwarmSecrets = { ...swarm.secrets, epochKey: random(32) };
  const b = await startNode('b', other);
  await expect(b.node.join(a.address)).rejects.toMatchObject({ code: 'wrong_epoch' });
  expect(a.node.links()).toEqual([]);
});
