/**
 * Several keys of the operator on real sockets: one that was lost, one that was stolen, hosts that were
 * away meanwhile, and a member that forges what keys say.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createJoinToken,
  deriveTokenKeys,
  Identity,
  issueHubCertificate,
  issueKeyStatement,
  issueRevocations,
  issueToken,
  OperatorKey,
  type NewEpoch,
} from '../../src/secure/index.ts';
import { encodeMessage, toHex } from '../../src/wire/index.ts';
import { RawMember } from './raw-member.ts';
import {
  createSwarm,
  meshed,
  newEpoch,
  newToken,
  random,
  startNode,
  stopAll,
  until,
  type TestNode,
  type TestSwarm,
} from './swarm-nodes.ts';

const NOW = Math.floor(Date.now() / 1000);
const IDENTITIES = Array.from({ length: 3 }, () => Identity.create(random, NOW - 7200));
const OUT = 'ee'.repeat(32);
let swarm: TestSwarm;
let second: OperatorKey;
let third: OperatorKey;
beforeEach(async () => {
  swarm = await createSwarm();
  second = OperatorKey.create(random, swarm.operator.swarmId);
  third = OperatorKey.create(random, swarm.operator.swarmId);
});
afterEach(stopAll);

const add = (by: OperatorKey, key: OperatorKey, number = 1): Uint8Array =>
  issueKeyStatement(by, {
    ...{ verb: 'add', key: toHex(key.publicKey), number, made: NOW, name: 'k', stay: [] },
  }).bytes;
const revoke = (by: OperatorKey, key: OperatorKey): Uint8Array =>
  issueKeyStatement(by, {
    ...{ verb: 'revoke', key: toHex(key.publicKey), number: 0, made: NOW, name: '', stay: [] },
  }).bytes;
const expel = (by: OperatorKey, node = OUT): Uint8Array =>
  issueRevocations(by, [], { expelled: [node] }, { day: 20_000, epoch: 1 }).bytes;

const start = (at: number, seeds: readonly TestNode[] = [], kept?: TestNode): Promise<TestNode> =>
  startNode('abc'[at]!, kept?.node.secrets ?? swarm.secrets, {
    identity: IDENTITIES[at]!,
    seeds: seeds.map(({ address }) => address),
    ...(kept && { kept: kept.store }),
  });

const install = (at: TestNode, ...records: Uint8Array[]): Promise<boolean> =>
  at.node.install({ records, parts: [] });

async function rotate(
  at: TestNode,
  by: OperatorKey,
  epoch: number,
  ...before: Uint8Array[]
): Promise<NewEpoch> {
  const parent = at.node.secrets.epochId!;
  const made = newEpoch(by, IDENTITIES, { epoch, parent });
  const records = [...before, made.head.bytes];
  expect(await at.node.install({ records, parts: made.parts })).toBe(true);
  return made;
}

const counting = ({ node }: TestNode): string[] =>
  (node.rolls().operators?.keys ?? []).filter(({ counts }) => counts).map(({ id }) => id);

const count = (keys: readonly OperatorKey[], ...nodes: TestNode[]): Promise<void> => {
  const ids = keys.map(({ id }) => id);
  return until(() => nodes.every((one) => counting(one).join() === ids.join()));
};

const areIn = ({ head }: NewEpoch, ...nodes: TestNode[]): Promise<void> =>
  until(() => nodes.every(({ node }) => node.secrets.epochId === head.id));

test('the first key is lost: the second one rotates, expels, lets hosts in, and revokes it', async () => {
  const a = await start(0);
  const b = await start(1, [a]);
  await meshed(a, b);
  expect(await install(a, add(swarm.operator, second))).toBe(true);
  expect(await install(a, expel(swarm.operator))).toBe(true);
  await count([swarm.operator, second], a, b);

  // What the second one signs in place of it goes before the word that ends the first one.
  const lists = a.node.revocations.map(({ hash, number }) => ({ hash, number }));
  const again = issueRevocations(
    second,
    lists.map((one) => ({ ...one, merges: [], serials: new Map(), expelled: NAMED, bytes: NONE })),
    {},
    { day: 20_000, epoch: 1 },
  );
  const token1 = issueToken(second, { ...swarm.tokenRecord, version: 2 });
  const instead = [again.bytes, token1.bytes, revoke(second, swarm.operator)];
  expect(await install(a, ...instead)).toBe(true);
  await count([second], a, b);
  for (const { node } of [a, b]) {
    expect(node.revocations.map(({ hash }) => hash)).toEqual([again.hash]);
    expect(node.rolls().isVoid).toBe(true);
    // Who came by its token stays by the word of the other key.
    expect(node.rolls().tokens.map(({ version }) => version)).toEqual([2]);
  }
  await until(() => b.alarms.some(({ kind }) => kind === 'epoch_of_revoked_key'));
  expect(await install(a, expel(swarm.operator, 'dd'.repeat(32)))).toBe(false);
  await meshed(a, b);
  const early = await startNode('early', swarm.stranger);
  await expect(early.node.join(a.address)).rejects.toMatchObject({ code: 'unknown_token' });

  const epoch = await rotate(a, second, 2);
  await areIn(epoch, a, b);
  await meshed(a, b);
  expect([a, b].map(({ node }) => node.rolls().isVoid)).toEqual([false, false]);
  await until(() => b.alarms.some(({ kind, over }) => kind === 'epoch_of_revoked_key' && over));

  // A host that joins pins the first key by its token, and learns of the others.
  const { swarmId } = swarm.secrets;
  const keys = await deriveTokenKeys(createJoinToken({ swarmId, random }).secret, swarmId);
  const token = newToken(second, epoch.head, keys, 5);
  expect(await install(a, token.bytes)).toBe(true);
  const { joinKey, seed, tag } = keys;
  const c = await startNode('c', { swarmId, epoch: 0, joining: { joinKey, seed, tag } });
  await c.node.join(a.address);
  await meshed(a, b, c);
  await count([second], a, b, c);
  expect(c.saved[0]!.operators).toHaveLength(2);
  await until(() => c.node.revocations.length === 1);
});

test('a host that was away since before a key was added follows what that key signed', async () => {
  const [a, b] = [await start(0), await start(1)];
  await install(a, add(swarm.operator, second));
  await install(a, add(second, third));
  await install(a, revoke(second, swarm.operator));
  const epoch = await rotate(a, third, 2, revoke(third, second));
  await count([third], a);
  // It dials, and is dialled: both are caught up under the key of the epoch that they have in common.
  const away = await start(2, [a]);
  await areIn(epoch, a, away);
  await a.node.join(b.address).catch(() => undefined);
  await areIn(epoch, b);
  await meshed(a, away);
  await count([third], a, b, away);
});

test('a host that is started anew keeps the keys, the lists and a roll whose key was revoked', async () => {
  const a = await start(0);
  const b = await start(1, [a]);
  await meshed(a, b);
  await install(a, add(swarm.operator, second));
  await install(a, expel(second));
  await install(a, revoke(second, swarm.operator));
  await count([second], a, b);
  await Promise.all([a.node.stop(), b.node.stop()]);
  // One from its secrets, one whose secrets were not written before it was killed.
  const again = await start(0, [], a);
  const old = await startNode('b', swarm.secrets, {
    ...{ identity: b.identity, kept: b.store, seeds: [again.address] },
  });
  await count([second], again, old);
  for (const { node } of [again, old]) {
    expect(node.rolls()).toMatchObject({ isVoid: true, isWhole: true });
    expect(node.revocations).toHaveLength(1);
  }
  await until(() => old.saved.some(({ operators }) => operators?.length === 2));
  const epoch = await rotate(again, second, 2);
  await areIn(epoch, again, old);
  await meshed(again, old);
});

test('the thief of a key races the word of a senior one, with higher epochs and lists of its own', async () => {
  const a = await start(0);
  await install(a, add(swarm.operator, second));
  const b = await start(1, [a]);
  await meshed(a, b);
  await count([swarm.operator, second], a, b);
  await b.node.stop();

  // At b the thief is first: it puts the first key out, adds one of its own, rotates far ahead, and is a hub.
  const alone = await start(1, [], b);
  await install(alone, add(second, third), revoke(second, swarm.operator), expel(second));
  await install(alone, hub(third, IDENTITIES[2]!.nodeId));
  const stolen = await rotate(alone, third, 900);
  await areIn(stolen, alone);
  expect(alone.node.isHub(IDENTITIES[2]!.nodeId)).toBe(true);

  // At a the owner is.
  await install(a, revoke(swarm.operator, second));
  const epoch = await rotate(a, swarm.operator, 2);
  await areIn(epoch, a);
  await a.node.join(alone.address).catch(() => undefined);
  await areIn(epoch, a, alone);
  await a.node.join(alone.address).catch(() => undefined);
  await meshed(a, alone);
  await count([swarm.operator], a, alone);
  expect(alone.node.revocations).toEqual([]);
  expect(alone.node.isHub(IDENTITIES[2]!.nodeId)).toBe(false);
  // What the thief goes on to sign is taken nowhere, nor what it said before, said again.
  const more = newEpoch(second, IDENTITIES, { epoch: 901, parent: stolen.head.id });
  expect(await a.node.install({ records: [more.head.bytes], parts: more.parts })).toBe(false);
  for (const one of [revoke(second, swarm.operator), add(second, third), expel(third)]) {
    await install(a, one);
  }
  await count([swarm.operator], a, alone);
  expect(a.node.revocations).toEqual([]);
  expect(a.node.secrets.epochId).toBe(epoch.head.id);
});

test('no number uses up the numbers of epochs', async () => {
  const a = await start(0);
  const most = newEpoch(swarm.operator, IDENTITIES, { epoch: 2 ** 40, parent: swarm.head.id });
  expect(await a.node.install({ records: [most.head.bytes], parts: most.parts })).toBe(true);
  expect(a.node.secrets.epoch).toBe(1);
  await areIn(await rotate(a, swarm.operator, 2), a);
});

test('a member that forges statements, or shows old ones again, changes nothing', async () => {
  const a = await start(0);
  await install(a, add(swarm.operator, second));
  await install(a, revoke(swarm.operator, second));
  await count([swarm.operator], a);
  const identity = RawMember.identity();
  const raw = await RawMember.connect(a.node.address, swarm.secrets, identity);
  raw.drain();
  await until(() => a.node.links().some(({ nodeId }) => nodeId === identity.nodeId));
  const own = OperatorKey.create(random, swarm.operator.swarmId);
  const forged = [
    add(own, own),
    revoke(own, swarm.operator),
    add(swarm.operator, own).map((byte, at) => (at === 90 ? byte ^ 1 : byte)),
    // Of the revoked key, and of keys that it has added.
    ...[add(second, own), revoke(second, swarm.operator), expel(second), expel(own)],
    ...[hub(second, identity.nodeId), add(swarm.operator, second), add(second, second)],
  ];
  for (const bytes of forged) raw.send(encodeMessage({ t: 'record', bytes }));
  const before = a.node.links()[0]!.bytesIn;
  raw.send(encodeMessage({ t: 'heartbeat' }));
  await until(() => (a.node.links()[0]?.bytesIn ?? Infinity) > before);
  // What the revoked key says is kept, a little of it, and says nothing; of others nothing is kept.
  const listed = [swarm.operator, second].map(({ publicKey }) => toHex(publicKey));
  const { statements } = a.node.rolls().operators!;
  expect(statements.every(({ signer }) => listed.includes(signer))).toBe(true);
  expect(statements.length).toBeLessThanOrEqual(5);
  expect(counting(a)).toEqual([swarm.operator.id]);
  expect(a.node.revocations).toEqual([]);
  expect(a.node.isHub(identity.nodeId)).toBe(false);
  raw.socket.destroy();
});

const NONE = new Uint8Array(0);
const NAMED = new Map([[OUT.slice(0, 32), { day: 20_000, epoch: 1 }]]);

function hub(by: OperatorKey, nodeId: string): Uint8Array {
  const period = { notBefore: NOW - 60, notAfter: NOW + 3600 };
  return issueHubCertificate(by, { nodeId, ...period }, random).bytes;
}
