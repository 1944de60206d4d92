/**
 * A member that turns hostile and invents others: it has all that members have (epoch key, join key,
 * TOKEN) and an admission of its own, and not the token's text.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deriveTokenKeys, Identity, issueToken, signAdmission } from '../../src/secure/index.ts';
import { createJoinToken, type TokenRecord } from '../../src/secure/index.ts';
import { attachSignature, encodeMessage, fromHex, signingBytes } from '../../src/wire/index.ts';
import { RawMember } from '../net/raw-member.ts';
import {
  createSwarm,
  meshed,
  newToken,
  random,
  startNode,
  stopAll,
  until,
  type TestNode,
  type TestSwarm,
} from '../net/swarm-nodes.ts';

/** A busy machine is not what these tests are about. */
const PATIENT = { firstMessageMs: 30_000, handshakeMs: 60_000 };
let swarm: TestSwarm;
let a: TestNode;
const raws: RawMember[] = [];
beforeEach(async () => {
  swarm = await createSwarm(2);
  a = await startNode('a', swarm.secrets, { tuning: PATIENT });
});
afterEach(async () => {
  for (const raw of raws.splice(0)) raw.socket.destroy();
  await stopAll();
});

/** Linked, and seen as a member. */
async function hostile(identity = RawMember.identity()): Promise<RawMember> {
  const raw = await RawMember.connect(a.node.address, swarm.secrets, identity);
  raws.push(raw);
  raw.drain();
  await until(() => a.node.links().some((link) => link.nodeId === identity.nodeId));
  return raw;
}

/** What an identity would say of itself; signed by it, and true but for what it shows. */
function record(identity: Identity, admission: Uint8Array, name = 'invented'): Uint8Array {
  const signed = signingBytes({
    kind: 'member',
    swarm: swarm.secrets.swarmId,
    node: fromHex(identity.nodeId),
    entry: identity.newest.bytes,
    name,
    addresses: [],
    labels: {},
    version: '',
    hub: false,
    incarnation: 1,
    bootId: random(16),
    state: 'alive',
    prekey: undefined,
    admission,
  });
  return attachSignature(signed, identity.sign(signed));
}

/** Resolves when all that was sent before has been read. */
async function heard(raw: RawMember): Promise<void> {
  const link = () => a.node.links().find((one) => one.address.endsWith(`:${raw.socket.localPort}`));
  const before = link()!.bytesIn;
  const marker = encodeMessage({ t: 'heartbeat' });
  raw.send(marker);
  await until(() => (link()?.bytesIn ?? Infinity) > before);
}

async function refused(admissionOf: (identity: Identity) => Uint8Array): Promise<void> {
  const raw = await hostile();
  const invented = Array.from({ length: 200 }, () => RawMember.identity());
  for (let at = 0; at < invented.length; at += 20) {
    const objects = invented.slice(at, at + 20).map((one) => record(one, admissionOf(one)));
    raw.send(encodeMessage({ t: 'news', objects }));
  }
  for (const one of invented) {
    raw.send(encodeMessage({ t: 'keys', entries: [one.newest.bytes] }));
  }
  await heard(raw);
  expect(a.node.members().map(({ name }) => name)).toEqual(['a']);
  for (const one of invented) expect(a.node.keyList(one.nodeId).entries).toEqual([]);
  expect(raw.socket.destroyed).toBe(false);
}

describe('records and key lists of identities that a member made up', () => {
  test('without an admission', () => refused(() => new Uint8Array(0)));

  test('with an admission that is no signature', () => {
    const tag = swarm.tokenKeys.tag;
    return refused(() => new Uint8Array([...tag, ...random(64)]));
  });

  test('with the admission of the member itself', () => {
    const own = signAdmission(swarm.tokenKeys.seed, swarm.secrets.swarmId, 'ab'.repeat(32));
    return refused(() => own);
  });

  test('with one of a token that the operator did not sign', async () => {
    const { secret } = createJoinToken({ swarmId: swarm.secrets.swarmId, random });
    const { seed } = await deriveTokenKeys(secret, swarm.secrets.swarmId);
    await refused(({ nodeId }) => signAdmission(seed, swarm.secrets.swarmId, nodeId));
  });

  test('with one of a token of another epoch', async () => {
    const { secret } = createJoinToken({ swarmId: swarm.secrets.swarmId, random });
    const keys = await deriveTokenKeys(secret, swarm.secrets.swarmId);
    const before = { ...swarm.head, id: `${'0'.repeat(15)}1${'0'.repeat(16)}` };
    const token = newToken(swarm.operator, before, keys, 100);
    await a.node.install({ records: [token.bytes], parts: [] });
    await refused(({ nodeId }) => signAdmission(keys.seed, swarm.secrets.swarmId, nodeId));
  });
});

test('an identity made up with what members hold is not let in by an honest host, 3 times of 3', async () => {
  const { joining, ...stranger } = swarm.stranger;
  for (let time = 0; time < 3; time++) {
    const stolen = { ...stranger, joining: { ...joining!, seed: random(32) } };
    const fake = await startNode('fake', stolen, { tuning: PATIENT });
    await expect(fake.node.join(a.address)).rejects.toMatchObject({ code: 'wrong_secret' });
    expect(fake.saved).toEqual([]);
    expect(a.node.keyList(fake.identity.nodeId).entries).toEqual([]);
  }
  expect(a.node.members()).toHaveLength(1);
  // It is no stranger who guesses: somebody holds what members hold.
  const alarms = a.alarms.filter(({ kind }) => kind === 'wrong_secret');
  expect(alarms).toHaveLength(3);
  for (const { message } of alarms) expect(message).toContain('holds what members hold');
  const honest = await startNode('honest', swarm.stranger);
  await honest.node.join(a.address);
  await meshed(a, honest);
});

test('an outsider that was given the epoch key gets no link', async () => {
  const identity = RawMember.identity();
  const outside = { ...swarm.secrets, admission: new Uint8Array(0) };
  const raw = await RawMember.connect(a.node.address, outside, identity);
  raws.push(raw);
  raw.drain();
  await raw.closed();
  expect(a.node.members()).toHaveLength(1);
  expect(a.node.keyList(identity.nodeId).entries).toEqual([]);
});

describe("somebody with a token's text", () => {
  const admissionOf = ({ nodeId }: Identity): Uint8Array =>
    signAdmission(swarm.tokenKeys.seed, swarm.secrets.swarmId, nodeId);

  test('brings as many as the token may and the slack, and is told of', async () => {
    const raw = await hostile();
    const many = Array.from({ length: 20 }, () => RawMember.identity());
    const objects = many.map((one, at) => record(one, admissionOf(one), `sybil${at}`));
    raw.send(encodeMessage({ t: 'news', objects }));
    await until(() => a.alarms.some(({ kind }) => kind === 'token_overused'));
    await heard(raw);
    // Two uses, a slack of two, one seat of which the hostile member has itself.
    await until(() => a.node.members().length === 4);
    expect(a.node.rolls().tokens[0]!.seats).toHaveLength(4);
    expect(a.alarms.find(({ kind }) => kind === 'token_overused')).toMatchObject({
      key: swarm.tokenRecord.tag,
      message: expect.stringContaining('may bring 2 hosts') as string,
    });
    const late = await startNode('late', swarm.stranger);
    await expect(late.node.join(a.address)).rejects.toMatchObject({ code: 'token_used_up' });
  });

  test('does not open an ended token again with an older version of it', async () => {
    const ended: TokenRecord = issueToken(swarm.operator, {
      ...swarm.tokenRecord,
      version: 2,
      state: 'ended',
    });
    await a.node.install({ records: [ended.bytes], parts: [] });
    const raw = await hostile();
    raw.send(encodeMessage({ t: 'record', bytes: swarm.tokenRecord.bytes }));
    await heard(raw);
    expect(a.node.rolls().tokens).toMatchObject([{ version: 2, state: 'ended' }]);
    const late = await startNode('late', swarm.stranger);
    await expect(late.node.join(a.address)).rejects.toMatchObject({ code: 'token_ended' });
  });

  test('and a member whose clock is before the token was made lets nobody in', async () => {
    const clock = { now: () => ({ mono: performance.now(), wall: 1_000_000 }) };
    const old = await startNode('old', swarm.secrets, { clock });
    const late = await startNode('late', swarm.stranger);
    await expect(late.node.join(old.address)).rejects.toMatchObject({ code: 'wrong_clock' });
  });
});

test('seats are remembered over a restart, those of hosts that are gone too', async () => {
  const raw = await hostile();
  await until(() => a.node.rolls().tokens[0]!.seats.length === 1);
  raw.socket.destroy();
  await a.node.stop();
  const again = await startNode('a', swarm.secrets, { kept: a.store, identity: a.identity });
  expect(again.node.rolls().tokens[0]!.seats).toHaveLength(1);
});
