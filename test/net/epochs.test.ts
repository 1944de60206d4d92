import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Epochs } from '../../src/net/epochs.ts';
import { createEpochRecord, Identity, type SwarmSecrets } from '../../src/secure/index.ts';
import { silentLog } from '../../src/hub/log.ts';
import type { Alarm } from '../../src/swarm/index.ts';
import {
  createSwarm,
  meshed,
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
function newEpoch(): Uint8Array {
  return createEpochRecord(swarm.operator, {
    ...{ epoch: 2, epochKey: random(32), joinKey: random(32), nowSeconds: NOW, random },
    members: [a.identity.newest, known.newest],
  });
}

async function bothIn(b: TestNode): Promise<void> {
  await until(() => [a, b].every(({ node }) => node.secrets.epoch === 2));
  expect(b.node.secrets.epochKey).toEqual(a.node.secrets.epochKey);
  await meshed(a, b);
}

test('a host that rotates its key between the signing of a new epoch and its coming goes over', async () => {
  const b = await startNode('b', swarm.secrets, { seeds: [a.address], identity: known });
  await meshed(a, b);
  const record = newEpoch();
  b.node.setIdentity(rotated);
  expect(a.node.publish(record)).toBe(true);
  await bothIn(b);
  expect(b.alarms).toEqual([]);
});

test('one that rotated while it was away catches up under its new key', async () => {
  a.node.publish(newEpoch());
  await until(() => a.node.secrets.epoch === 2);
  const b = await startNode('b', swarm.secrets, { seeds: [a.address], identity: rotated });
  await bothIn(b);
  expect(b.saved.map(({ epoch }) => epoch)).toEqual([2]);
});

test('without the older key it can open nothing, and says so', async () => {
  const b = await startNode('b', swarm.secrets, {
    ...{ seeds: [a.address], identity: rotated.forgetOld(NOW + 40 * 86_400) },
  });
  await meshed(a, b);
  a.node.publish(newEpoch());
  await until(() => b.alarms.some(({ kind }) => kind === 'epoch_closed'));
  expect(b.node.secrets.epoch).toBe(1);
  // The next one is sealed to its present key: it is in again, and the alarm ends once.
  const next = createEpochRecord(swarm.operator, {
    ...{ epoch: 3, epochKey: random(32), joinKey: random(32), nowSeconds: NOW + 1, random },
    members: [a.identity.newest, rotated.newest],
  });
  a.node.publish(next);
  await until(() => b.node.secrets.epoch === 3);
  await until(() => b.alarms.some(({ over }) => over === true));
  expect(b.alarms.map(({ kind, over }) => [kind, over])).toEqual([
    ['epoch_closed', undefined],
    ['epoch_closed', true],
  ]);
});

test('deleting old keys is no entry into the epoch that is closed to this host', async () => {
  const told: Alarm[] = [];
  const replaced = { epoch: 1, epochKey: random(32), replacedAt: 0 };
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
