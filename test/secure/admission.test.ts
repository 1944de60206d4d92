import { describe, expect, test } from 'vitest';
import { Admission, createJoinToken, deriveTokenKeys, JpakeGuard } from '../../src/secure/index.ts';
import {
  firstMessageKind,
  issueKeyStatement,
  issueToken,
  OperatorKey,
} from '../../src/secure/index.ts';
import { parseJoinToken, SecureError } from '../../src/secure/index.ts';
import type { AdmissionOptions, Pake, PakeFactory, SwarmSecrets } from '../../src/secure/index.ts';
import { concat, fromUtf8, toHex, utf8 } from '../../src/wire/index.ts';
import { codeOf, converse, epoch, flip, gateOf, keysOf, operator, party } from './fixture.ts';
import { secrets, seededRandom, T0, token, tokenKeys } from './fixture.ts';

const joiner = party('joiner');
const member = party('member');
const createPake: PakeFactory = (options) => new JpakeGuard(options);
const { swarmId } = secrets;
const gate = gateOf(token);

/** The seed is wiped once it was used. */
function joiningBy({ joinKey, seed, tag } = tokenKeys): SwarmSecrets {
  return { swarmId, epoch: 0, joining: { joinKey, seed: seed.slice(), tag } };
}

type Change = Partial<AdmissionOptions>;

function initiator(change: Change = {}): Admission {
  const random = seededRandom('initiator');
  const options = { ...joiner, secrets: joiningBy(), random, createPake, ...change };
  return new Admission({ ...options, role: 'initiator' });
}

function responder(change: Change = {}): Admission {
  const random = seededRandom('responder');
  const options = { ...member, secrets, random, createPake, gate, ...change };
  return new Admission({ ...options, role: 'responder' });
}

async function run(a = initiator(), b = responder()) {
  return converse(await a.start(), a, b);
}

describe('admission', () => {
  test('lets a host with the join secret in and hands over what a member holds', async () => {
    const done = await run();
    expect(done.initiator.peer.nodeId).toBe(member.identity.nodeId);
    expect(done.responder.peer.nodeId).toBe(joiner.identity.nodeId);
    expect(toHex(done.responder.peer.bootId)).toBe(toHex(joiner.bootId));
    const admitted = done.initiator.admitted!;
    expect(admitted.epoch).toBe(3);
    expect(toHex(admitted.epochKey)).toBe(toHex(secrets.epochKey!));
    expect(toHex(admitted.operatorKey)).toBe(toHex(operator.publicKey));
    expect(admitted.epochId).toBe(epoch.head.id);
    expect(toHex(admitted.token)).toBe(toHex(token.bytes));
    expect(toHex(done.responder.peer.admission)).toBe(toHex(admitted.admission));
    const { session: a } = done.initiator;
    const { session: b } = done.responder;
    expect(fromUtf8(b.open(a.seal(utf8('thanks')))!)).toBe('thanks');
    expect(fromUtf8(a.open(b.seal(utf8('welcome')))!)).toBe('welcome');
  });

  test('from token to session, with the secret typed by a person', async () => {
    const { text, secret } = createJoinToken({ swarmId, random: seededRandom('token') });
    const typed = parseJoinToken(` ${text.toUpperCase().replace('-', '-\n')} `);
    const { publicKey, joinKey } = await deriveTokenKeys(secret, swarmId);
    const known = issueToken(operator, { ...token, publicKey, joinKey });
    const keys = await deriveTokenKeys(typed.secret, typed.swarmId);
    const joining = joiningBy(keys);
    const a = initiator({ secrets: joining });
    const b = responder({ gate: gateOf(known) });
    expect((await run(a, b)).initiator.admitted).toBeDefined();
    // What signs admissions does not outlive the joining.
    expect(toHex(joining.joining!.seed)).toBe('00'.repeat(32));
  });

  test('has messages of the documented sizes, all below the limit before authentication', async () => {
    const { messages } = await run();
    expect(messages.map((message) => message.length).slice(0, 6)).toEqual([
      456, 359, 166, 166, 38, 38,
    ]);
    for (const message of messages) expect(message.length).toBeLessThan(4096);
    expect(firstMessageKind(messages[0]!)).toBe('admission');
  });

  test('shows no key, secret or boot id to a listener', async () => {
    const { messages } = await run();
    const wire = toHex(concat(...messages));
    for (const { identity, bootId } of [joiner, member]) {
      for (const hidden of [identity.newest.signKey, identity.newest.boxKey, bootId]) {
        expect(wire).not.toContain(toHex(hidden));
      }
    }
    const { joinKey, seed } = tokenKeys;
    for (const hidden of [secrets.epochKey!, joinKey, seed, operator.publicKey]) {
      expect(wire).not.toContain(toHex(hidden));
    }
  });
});

describe('a host that must not get in', () => {
  test('with the wrong join secret both sides say so', async () => {
    const joinKey = seededRandom('guess')(32);
    const a = initiator({ secrets: joiningBy({ ...tokenKeys, joinKey }) });
    const b = responder();
    const error = await run(a, b).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'wrong_secret', fromPeer: false });
    const { reply } = error as { reply: Uint8Array };
    const told = await a.handle(reply).catch((reason: unknown) => reason);
    expect(told).toMatchObject({ code: 'wrong_secret', fromPeer: true, reply: undefined });
    expect(String(told)).toContain('the join secrets differ');
  });

  test.each<[string, Change, Change]>([
    ['wrong_swarm', { secrets: { ...joiningBy(), swarmId: seededRandom('s')(32) } }, {}],
    ['unknown_token', { secrets: joiningBy(keysOf('another')) }, {}],
    ['not_admitted', {}, { secrets: joiningBy() }],
  ])('%s is found before anything is computed, and told', async (code, change, memberChange) => {
    let made = 0;
    const counting: PakeFactory = (options) => {
      made++;
      return createPake(options);
    };
    const a = initiator(change);
    const b = responder({ createPake: counting, ...memberChange });
    const error = await run(a, b).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code });
    expect(made).toBe(0);
    expect(await codeOf(() => a.handle((error as { reply: Uint8Array }).reply))).toBe(code);
  });

  test('a member that hands over another operator key is not believed', async () => {
    const other = OperatorKey.create(seededRandom('another operator'));
    const b = responder({ secrets: { ...secrets, operatorKey: other.publicKey } });
    expect(await codeOf(() => run(initiator(), b))).toBe('bad_key');
  });

  test('keys that were added since are handed over with what they signed, and not without', async () => {
    const second = OperatorKey.create(seededRandom('second key'), swarmId);
    const key = { key: toHex(second.publicKey), number: 1, made: T0, name: 'daily', stay: [] };
    const operators = [issueKeyStatement(operator, { ...key, verb: 'add' }).bytes];
    const gate = gateOf(issueToken(second, token));
    const done = await run(initiator(), responder({ gate, secrets: { ...secrets, operators } }));
    expect(done.initiator.admitted!.operators).toEqual(operators);
    expect(await codeOf(() => run(initiator(), responder({ gate })))).toBe('bad_record');
    // Who was a member before knows that the key was revoked, which a member hides from it here.
    const revoked = issueKeyStatement(operator, { ...key, verb: 'revoke' }).bytes;
    const knowing = initiator({ secrets: { ...joiningBy(), operators: [revoked] } });
    const hiding = responder({ gate, secrets: { ...secrets, operators } });
    expect(await codeOf(() => run(knowing, hiding))).toBe('bad_record');
    // A member that shows a word of its own.
    const forged = issueKeyStatement(second, { ...key, verb: 'add' }).bytes;
    const b = responder({ gate, secrets: { ...secrets, operators: [forged] } });
    expect(await codeOf(() => run(initiator(), b))).toBe('bad_record');
  });

  test('an EPOCH that names another key, or a TOKEN of another one, is not believed', async () => {
    const epochKey = seededRandom('a key of its own')(32);
    const b = responder({ secrets: { ...secrets, epochKey } });
    expect(await codeOf(() => run(initiator(), b))).toBe('bad_record');
    const other = issueToken(operator, { ...token, epochId: 'ab'.repeat(16) });
    const c = responder({ gate: gateOf(other) });
    expect(await codeOf(() => run(initiator(), c))).toBe('bad_record');
  });

  // What a member holds is the join key. Before tokens had two keys that was enough, 3 times of 3.
  test('one that has what members have, and not the token, fails at AUTH', async () => {
    const stolen = { ...tokenKeys, seed: seededRandom('a seed of its own')(32) };
    const error = await run(initiator({ secrets: joiningBy(stolen) })).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'bad_admission', fromPeer: false });
    expect((error as { reply?: Uint8Array }).reply).toBeDefined();
  });

  test('one for whom no seat is left is told so', async () => {
    const seat = (): never => {
      throw new SecureError('token_used_up', 'no seat');
    };
    const a = initiator();
    const error = await run(a, responder({ gate: { ...gate, seat } })).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'token_used_up' });
    const told = await codeOf(() => a.handle((error as { reply: Uint8Array }).reply));
    expect(told).toBe('token_used_up');
  });

  test('a host is not admitted by itself', async () => {
    expect(await codeOf(() => run(initiator(), responder(joiner)))).toBe('self');
  });
});

describe('hostile bytes', () => {
  /** Plays back what a real Pake said, so that each case costs no curve arithmetic. */
  class Recorded implements Pake {
    readonly #said: Uint8Array[];

    constructor(said: readonly Uint8Array[]) {
      this.#said = [...said];
    }

    #next = async () => new Uint8Array(this.#said.shift()!);
    round1 = this.#next;
    round2 = this.#next;
    finish = this.#next;
    confirm = this.#next;
  }

  function recording(): { factory: PakeFactory; said: Uint8Array[] } {
    const said: Uint8Array[] = [];
    const factory: PakeFactory = (options) => {
      const guard = createPake(options);
      const keep = async (bytes: Promise<Uint8Array>) => {
        said.push(new Uint8Array(await bytes));
        return bytes;
      };
      return {
        round1: (peer) => keep(guard.round1(peer)),
        round2: (peer) => keep(guard.round2(peer)),
        finish: (peer) => keep(guard.finish(peer)),
        confirm: (tag) => keep(guard.confirm(tag)),
      };
    };
    return { factory, said };
  }

  test('each message cut short anywhere, or one byte longer, is refused', async () => {
    const [ra, rb] = [recording(), recording()];
    const { messages } = await run(
      initiator({ createPake: ra.factory }),
      responder({ createPake: rb.factory }),
    );
    const replay = async (index: number, bytes: Uint8Array) => {
      const a = initiator({ createPake: () => new Recorded(ra.said) });
      const b = responder({ createPake: () => new Recorded(rb.said) });
      const tamper = (message: Uint8Array, at: number) => (at === index ? bytes : message);
      return codeOf(async () => converse(await a.start(), a, b, tamper));
    };
    expect(await replay(99, new Uint8Array(0))).toBe('no error');
    for (const [index, message] of messages.entries()) {
      for (let cut = 0; cut < message.length; cut += index < 6 ? 7 : 23) {
        expect(await replay(index, message.subarray(0, cut))).toMatch(/^(malformed|bad_seal)$/);
      }
      expect(await replay(index, concat(message, utf8('x')))).toMatch(/^(malformed|bad_seal)$/);
    }
  });

  test('a flipped bit anywhere is refused', async () => {
    const lengths = (await run()).messages.map((message) => message.length);
    for (const [index, length] of lengths.entries()) {
      for (const bit of index < 2 ? [length * 4 + 3] : [9, length * 8 - 2]) {
        const a = initiator();
        const b = responder();
        const tamper = (message: Uint8Array, at: number) =>
          at === index ? flip(message, bit) : message;
        const code = await codeOf(async () => converse(await a.start(), a, b, tamper));
        expect(code).toMatch(
          /^(malformed|bad_seal|bad_key|bad_proof|wrong_secret|unknown_token|wrong_swarm)$/,
        );
      }
    }
  });

  test('a message before the last one was answered ends the admission', async () => {
    const b = responder();
    const jp1 = await initiator().start();
    const first = b.handle(jp1);
    expect(await codeOf(() => b.handle(jp1))).toBe('closed');
    await first.catch(() => undefined);
    expect(await codeOf(() => b.handle(jp1))).not.toBe('no error');
  });

  test('nothing is taken before start and after the end', async () => {
    const a = initiator();
    expect(await codeOf(() => a.handle(utf8('x')))).toBe('closed');
    const b = responder();
    expect(await codeOf(() => b.handle(utf8('GET / HTTP/1.1')))).toBe('malformed');
    expect(await codeOf(() => b.handle(utf8('x')))).toBe('closed');
  });
});
