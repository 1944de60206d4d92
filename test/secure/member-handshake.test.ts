import { describe, expect, test } from 'vitest';
import { firstMessageKind, Identity, MemberHandshake } from '../../src/secure/index.ts';
import { secretbox, staysWhenCrossed } from '../../src/secure/index.ts';
import type { MemberHandshakeOptions, SwarmSecrets } from '../../src/secure/index.ts';
import { concat, fromUtf8, toHex, utf8 } from '../../src/wire/index.ts';
import { codeOf, converse, flip, party, secrets, seededRandom, type Party } from './fixture.ts';

const alice = party('alice');
const bob = party('bob');

type Change = Partial<MemberHandshakeOptions>;

function initiator(who: Party = alice, change: Change = {}): MemberHandshake {
  // Seeded anew each time, so that M1 is the same one.
  const random = seededRandom('initiator');
  return new MemberHandshake({ ...who, secrets, random, role: 'initiator', ...change });
}

function responder(who: Party = bob, change: Change = {}): MemberHandshake {
  const random = seededRandom('responder');
  return new MemberHandshake({ ...who, secrets, random, role: 'responder', ...change });
}

async function run(a: MemberHandshake = initiator(), b: MemberHandshake = responder()) {
  return converse(a.start(), a, b);
}

describe('the member handshake', () => {
  test('opens one session and tells each side who the other is', async () => {
    const done = await run();
    expect(done.initiator.peer.nodeId).toBe(bob.identity.nodeId);
    expect(toHex(done.initiator.peer.bootId)).toBe(toHex(bob.bootId));
    expect(done.responder.peer.nodeId).toBe(alice.identity.nodeId);
    expect(toHex(done.responder.peer.entry.bytes)).toBe(toHex(alice.identity.newest.bytes));
    const { session: a } = done.initiator;
    const { session: b } = done.responder;
    expect(fromUtf8(b.open(a.seal(utf8('there')))!)).toBe('there');
    expect(fromUtf8(a.open(b.seal(utf8('and back')))!)).toBe('and back');
    expect(toHex(a.exporter('x'))).toBe(toHex(b.exporter('x')));
    expect(toHex(a.exporter('x'))).not.toBe(toHex(b.exporter('y')));
  });

  test('makes the same bytes with either secretbox', async () => {
    const runs = (['tweetnacl', 'sodium-native'] as const).map((name) => {
      const box = secretbox(name);
      return run(initiator(alice, { box }), responder(bob, { box }));
    });
    const [one, two] = (await Promise.all(runs)).map((done) => done.messages.map(toHex));
    expect(one).toEqual(two);
  });

  test('carries no identity in clear', async () => {
    const { messages } = await run();
    const wire = toHex(concat(...messages));
    for (const { identity, bootId } of [alice, bob]) {
      expect(wire).not.toContain(identity.nodeId);
      expect(wire).not.toContain(toHex(identity.newest.signKey));
      expect(wire).not.toContain(toHex(identity.newest.boxKey));
      expect(wire).not.toContain(toHex(bootId));
    }
    expect(wire).not.toContain(toHex(secrets.epochKey!));
  });

  test('is told apart from admission by its first message', () => {
    const m1 = initiator().start();
    expect(firstMessageKind(m1)).toBe('member');
    expect(() => firstMessageKind(utf8('GET / HTTP/1.1'))).toThrow(/not a swarmplane handshake/);
    const future = new Uint8Array(m1);
    future[4] = 9;
    expect(() => firstMessageKind(future)).toThrow(
      expect.objectContaining({ code: 'unknown_version' }),
    );
  });

  test('two that dial each other keep one connection, the same on both sides', () => {
    for (const [a, b] of [
      ['aa', 'bb'],
      ['bb', 'aa'],
    ] as const) {
      expect(staysWhenCrossed(a, b, true)).toBe(staysWhenCrossed(b, a, false));
      expect(staysWhenCrossed(a, b, true)).toBe(!staysWhenCrossed(a, b, false));
    }
  });
});

describe('a peer that is not what it should be', () => {
  const otherKey: SwarmSecrets = { ...secrets, epochKey: seededRandom('other')(32) };

  test('without the epoch key M1 is refused', async () => {
    const a = initiator(alice, { secrets: otherKey });
    expect(await codeOf(() => run(a))).toBe('wrong_epoch');
  });

  test('in another swarm with the same epoch key M1 is refused', async () => {
    const swarmId = seededRandom('swarm 2')(32);
    expect(await codeOf(() => run(initiator(alice, { secrets: { ...secrets, swarmId } })))).toBe(
      'wrong_epoch',
    );
  });

  test('a host is not connected to itself, nor to a copy of itself', async () => {
    expect(await codeOf(() => run(initiator(alice), responder(alice)))).toBe('self');
    const copy = { ...alice, bootId: seededRandom('another boot')(16) };
    expect(await codeOf(() => run(initiator(alice), responder(copy)))).toBe('clone');
  });

  test('another host than the one dialled is refused', async () => {
    const expectCarol = initiator(alice, { expect: party('carol').identity.nodeId });
    expect(await codeOf(() => run(expectCarol))).toBe('wrong_peer');
    const expectBob = initiator(alice, { expect: bob.identity.nodeId });
    expect((await run(expectBob)).initiator.peer.nodeId).toBe(bob.identity.nodeId);
  });

  test('a member that shows another host’s key entry cannot sign for it', async () => {
    const real = bob.identity;
    const mallory = party('mallory').identity;
    const impostor = Object.create(mallory, {
      newest: { value: real.newest },
      nodeId: { value: real.nodeId },
      sign: { value: (message: Uint8Array) => mallory.sign(message) },
    }) as Identity;
    const b = responder({ ...bob, identity: impostor });
    expect(await codeOf(() => run(initiator(), b))).toBe('bad_signature');
  });

  test('a host that was not admitted cannot begin', () => {
    const { swarmId, epoch } = secrets;
    const outside = { swarmId, epoch };
    expect(() => initiator(alice, { secrets: outside })).toThrow(/must join first/);
  });
});

describe('hostile bytes', () => {
  /** Every handshake anew up to message `index`, which is then changed. */
  async function refused(index: number, change: (message: Uint8Array) => Uint8Array) {
    const a = initiator();
    const b = responder();
    const tamper = (message: Uint8Array, at: number) => (at === index ? change(message) : message);
    return codeOf(() => converse(a.start(), a, b, tamper));
  }
  const EXPECTED = /^(malformed|unknown_version|bad_seal|bad_key|wrong_epoch)$/;

  test.each([0, 1, 2])('message %i cut short anywhere is refused', async (index) => {
    const { messages } = await run();
    const length = messages[index]!.length;
    const step = index === 0 ? 1 : 5;
    for (let cut = 0; cut < length; cut += step) {
      expect(await refused(index, (message) => message.subarray(0, cut))).toMatch(EXPECTED);
    }
    expect(await refused(index, (message) => concat(message, utf8('x')))).toMatch(EXPECTED);
  });

  test.each([0, 1, 2])('message %i with a flipped bit is refused', async (index) => {
    const { messages } = await run();
    const bits = messages[index]!.length * 8;
    const step = index === 0 ? 7 : 61;
    for (let bit = 0; bit < bits; bit += step) {
      expect(await refused(index, (message) => flip(message, bit))).toMatch(EXPECTED);
    }
  });

  test('messages of another handshake do not fit', async () => {
    const other = await converse(
      ...((): [Uint8Array, MemberHandshake, MemberHandshake] => {
        const a = initiator(alice, { random: seededRandom('other i') });
        return [a.start(), a, responder(bob, { random: seededRandom('other r') })];
      })(),
    );
    expect(await refused(1, () => other.messages[1]!)).toBe('bad_seal');
    expect(await refused(2, () => other.messages[2]!)).toBe('bad_seal');
  });

  test('a replayed M1 gets an answer that opens nothing for the replayer', async () => {
    const { messages } = await run();
    const b = responder(bob, { random: seededRandom('later') });
    expect(b.handle(messages[0]!).send).toBeDefined();
    expect(await codeOf(() => b.handle(messages[2]!))).toBe('bad_seal');
  });

  test('an ephemeral key of low order is refused', async () => {
    const zeros = new Uint8Array(32);
    const low = (message: Uint8Array) =>
      concat(message.subarray(0, 6), zeros, message.subarray(38));
    expect(await refused(1, low)).toBe('bad_key');
  });

  test('after an error or its end a handshake takes nothing more', async () => {
    const a = initiator();
    const m1 = a.start();
    expect(await codeOf(() => a.handle(utf8('garbage')))).toBe('malformed');
    expect(await codeOf(() => a.handle(utf8('garbage')))).toBe('closed');
    expect(await codeOf(() => a.start())).toBe('closed');
    const b = responder();
    b.handle(m1);
    expect(await codeOf(() => b.handle(m1))).toBe('malformed');
  });
});
