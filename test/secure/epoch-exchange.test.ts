import { describe, expect, test } from 'vitest';
import {
  createEpoch,
  encodeMessage,
  issueKeyStatement,
  OperatorKey,
  type Identity,
  KIND,
  MemberHandshake,
  SecureError,
  wayKeys,
  type MemberHandshakeOptions,
  type SwarmSecrets,
} from '../../src/secure/index.ts';
import { toHex } from '../../src/wire/index.ts';
import { codeOf, flip, operator, party, secrets, seededRandom, T0 } from './fixture.ts';

const alice = party('alice');
const bob = party('bob');
const members = [alice, bob].map(({ identity }) => ({
  entry: identity.newest,
  nameTag: new Uint8Array(8),
}));

/** Epoch 4, made from that of the fixture. */
const epochKey = seededRandom('epoch 4')(32);
const { head, parts } = createEpoch(operator, {
  epoch: 4,
  parent: secrets.epochId,
  epochKey,
  nowSeconds: T0,
  members,
  random: seededRandom('epoch 4 parts'),
});
const ahead: SwarmSecrets = {
  ...secrets,
  epoch: 4,
  epochKey,
  epochId: head.id,
  head: head.bytes,
  previous: [
    {
      epoch: 3,
      epochKey: secrets.epochKey!,
      replacedAt: T0,
      ways: wayKeys(secrets.swarmId, secrets.epochKey!),
    },
  ],
};
const readPart = (number: number): Uint8Array | undefined => parts[number];

/** A second key of the operator, and the first one's word that it is none any more. */
const second = OperatorKey.create(seededRandom('second key'), operator.swarmId);
const of = { key: toHex(second.publicKey), number: 1, made: T0, name: 'daily', stay: [] };
const added = issueKeyStatement(operator, { ...of, verb: 'add' });
const ended = issueKeyStatement(operator, { ...of, verb: 'revoke' });
const self = { ...of, key: toHex(operator.publicKey) };
const revokedFirst = issueKeyStatement(operator, { ...self, verb: 'revoke' });

/** Another way on from the epoch of the fixture, for one host and alice. */
function epochBy(by: OperatorKey, number: number, identity: Identity) {
  const key = seededRandom(`epoch ${number}`)(32);
  const made = createEpoch(by, {
    ...{ epoch: number, parent: secrets.epochId, epochKey: key, nowSeconds: T0 },
    members: [alice.identity, ...(identity === alice.identity ? [] : [identity])].map((one) => ({
      entry: one.newest,
      nameTag: new Uint8Array(8),
    })),
    random: seededRandom(`parts ${number}`),
  });
  const id = { epoch: number, epochKey: key, epochId: made.head.id, head: made.head.bytes };
  return { ...made, secrets: { ...ahead, ...id } };
}

type Change = Partial<MemberHandshakeOptions>;
const initiator = (change: Change = {}): MemberHandshake =>
  new MemberHandshake({ ...alice, secrets, readPart, ...change, role: 'initiator' });
const responder = (change: Change = {}): MemberHandshake =>
  new MemberHandshake({ ...bob, secrets: ahead, readPart, ...change, role: 'responder' });

function errorOf(work: () => unknown): SecureError {
  try {
    work();
  } catch (error) {
    if (error instanceof SecureError) return error;
    throw error;
  }
  throw new Error('no error');
}

describe('two members in different epochs', () => {
  test('the initiator that is behind gets head and part, and nothing else', () => {
    const [a, b] = [initiator(), responder()];
    const shown = b.handle(a.start()).send!;
    expect(shown[5]).toBe(KIND.epoch);
    const ask = a.handle(shown);
    expect(ask.expectsPart).toBe(true);
    const answered = errorOf(() => b.handle(ask.send!));
    expect(answered.code).toBe('wrong_epoch');
    const caught = errorOf(() => a.handle(answered.reply!));
    expect(caught.catchUp?.head.id).toBe(head.id);
    expect(caught.catchUp?.part).toEqual({ number: 0, bytes: parts[0] });
  });

  test('the initiator that is ahead is refused, tries the key of before, and takes the other along', () => {
    const behind = (): MemberHandshake => responder({ secrets });
    const refused = errorOf(() => behind().handle(initiator({ secrets: ahead }).start()));
    const a = initiator({ secrets: ahead });
    a.start();
    expect(errorOf(() => a.handle(refused.reply!))).toMatchObject({ fromPeer: true });
    const [again, b] = [initiator({ secrets: ahead, under: 0 }), behind()];
    const theirs = b.handle(again.start()).send!;
    const ours = again.handle(theirs).send!;
    const ask = b.handle(ours);
    expect(ask.expectsPart).toBe(true);
    const part = errorOf(() => again.handle(ask.send!)).reply!;
    expect(errorOf(() => b.handle(part)).catchUp?.head.id).toBe(head.id);
  });

  test('under an earlier key M2 is neither said nor taken', async () => {
    // Whoever was expelled holds that key: an identity shown under it would be shown to that one.
    const a = initiator({ secrets: ahead, under: 0 });
    const b = responder({ secrets });
    expect(b.handle(a.start()).send![5]).toBe(KIND.epoch);
    const m1 = initiator().start();
    const m2 = responder({ secrets }).handle(m1).send!;
    expect(m2[5]).toBe(KIND.m2);
    expect(await codeOf(() => a.handle(m2))).toBe('malformed');
  });

  test('a captured M1 gets the head, and no part', async () => {
    const captured = initiator().start();
    const b = responder();
    b.handle(captured);
    // A listener knows everything that was said, and no key.
    const a = initiator();
    const ask = a.handle(responder().handle(a.start()).send!).send!;
    expect(await codeOf(() => b.handle(ask))).toBe('wrong_epoch');
    const c = responder();
    c.handle(captured);
    expect(errorOf(() => c.handle(ask)).reply).toBeUndefined();
    for (const bit of [6 * 8, 39 * 8, 50 * 8]) {
      const [x, y] = [initiator(), responder()];
      const good = x.handle(y.handle(x.start()).send!).send!;
      expect(errorOf(() => y.handle(flip(good, bit))).reply).toBeUndefined();
    }
  });

  test('a head that the operator did not sign, or a part that is another, is refused', async () => {
    const a = initiator();
    const shown = responder().handle(a.start()).send!;
    expect(await codeOf(() => a.handle(flip(shown, 8 * 200)))).toBe('bad_record');
    const [b, c] = [initiator(), responder()];
    const ask = b.handle(c.handle(b.start()).send!).send!;
    const part = errorOf(() => c.handle(ask)).reply!;
    expect(await codeOf(() => b.handle(flip(part, 8 * 60)))).toBe('bad_seal');
  });

  test('a host with too much to do, or without that part, says busy', async () => {
    const a = initiator();
    const b = responder({ readPart: () => undefined });
    const ask = a.handle(b.handle(a.start()).send!).send!;
    const told = errorOf(() => b.handle(ask));
    expect(told.code).toBe('busy');
    expect(await codeOf(() => a.handle(told.reply!))).toBe('busy');
  });

  test('a key that the host which was away does not know comes with the EPOCH that it made', () => {
    const made = epochBy(second, 4, bob.identity);
    const knowing = { ...made.secrets, operators: [added.bytes] };
    for (const [first, other] of [
      [initiator(), responder({ secrets: knowing, readPart: (n) => made.parts[n] })],
    ] as const) {
      const ask = first.handle(other.handle(first.start()).send!);
      const answered = errorOf(() => other.handle(ask.send!));
      const { catchUp } = errorOf(() => first.handle(answered.reply!));
      expect(catchUp).toMatchObject({ head: { id: made.head.id }, part: { number: 0 } });
      expect(catchUp!.operators).toEqual([added.bytes]);
    }
    // Without the statement it is some other key's, which stands below all.
    const silent = responder({ secrets: made.secrets });
    const a = initiator();
    const again = a.handle(silent.handle(a.start()).send!);
    expect(again.send![5]).toBe(KIND.epoch);
  });

  test('an EPOCH of a revoked key stands below all others, whichever side knows of that', () => {
    const thief = epochBy(second, 900, alice.identity);
    const stolen = { ...thief.secrets, operators: [added.bytes] };
    const owner = { ...ahead, operators: [added.bytes, ended.bytes] };
    // The thief's side dials, under the key of the epoch that both were in.
    const [a, b] = [initiator({ secrets: stolen, under: 0 }), responder({ secrets: owner })];
    const ask = a.handle(b.handle(a.start()).send!);
    expect(ask.send![5]).toBe(KIND.partAsk);
    const caught = errorOf(() => a.handle(errorOf(() => b.handle(ask.send!)).reply!)).catchUp!;
    expect(caught.head.id).toBe(head.id);
    expect(new Set(caught.operators)).toEqual(new Set([added.bytes, ended.bytes]));
    // The owner's side dials: shown the higher number it shows its own in turn, once.
    const [c, d] = [initiator({ secrets: owner, under: 0 }), responder({ secrets: stolen })];
    const shown = c.handle(d.handle(c.start()).send!);
    expect(shown.send![5]).toBe(KIND.epoch);
    const asked = d.handle(shown.send!);
    expect(asked).toMatchObject({ expectsPart: true });
    expect(
      errorOf(() => d.handle(errorOf(() => c.handle(asked.send!)).reply!)).catchUp?.head.id,
    ).toBe(head.id);
    // Neither has another one yet.
    const both = { ...stolen, operators: owner.operators };
    const older = initiator({ secrets: { ...secrets, operators: [revokedFirst.bytes] } });
    expect(
      errorOf(() => older.handle(responder({ secrets: both }).handle(older.start()).send!)).code,
    ).toBe('wrong_epoch');
  });

  test('garbage in place of M1 is told nothing but that no key fits', () => {
    const garbage = encodeMessage(KIND.m1, seededRandom('e')(32 + 24 + 32));
    const refused = errorOf(() => responder().handle(garbage));
    expect(refused.reply).toHaveLength(7);
  });
});
