/** Hostile bytes in bulk: 20,000 cases in all; `FUZZ_RUNS=60000` makes 200,000 of them in about a minute. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as secure from '../../src/secure/index.ts';
import { concat, toHex } from '../../src/wire/index.ts';
import { operator, party, secrets, seededRandom, sessionPair } from './fixture.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 6000);
const alice = party('alice');
const bob = party('bob');
const pinned = { operatorKey: operator.publicKey, swarmId: operator.swarmId };

/** What a man in the middle does to one message. */
const mutation = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
  fc.record({
    kind: fc.constant('grow' as const),
    tail: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  }),
  fc.record({
    kind: fc.constant('splice' as const),
    at: fc.nat(),
    part: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  }),
  fc.record({ kind: fc.constant('replace' as const), bytes: fc.uint8Array({ maxLength: 700 }) }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(message: Uint8Array, how: Mutation): Uint8Array {
  const copy = new Uint8Array(message);
  if (how.kind === 'replace') return how.bytes;
  if (how.kind === 'grow') return concat(message, how.tail);
  const at = how.at % copy.length;
  if (how.kind === 'cut') return copy.subarray(0, at);
  if (how.kind === 'flip') copy[at] = copy[at]! ^ (1 << how.bit);
  else copy.set(how.part.subarray(0, copy.length - at), at);
  return copy;
}

/** Either it works, or a SecureError says what is wrong. */
function onlySecureErrors<T>(work: () => T): T | secure.SecureError {
  try {
    return work();
  } catch (error) {
    if (error instanceof secure.SecureError) return error;
    throw error;
  }
}

function ends() {
  const make = (role: secure.HandshakeRole, who: typeof alice) =>
    new secure.MemberHandshake({ ...who, secrets, random: seededRandom(role), role });
  return { a: make('initiator', alice), b: make('responder', bob) };
}

describe('under mutation', () => {
  test('a changed member handshake never opens a session, and fails with a SecureError', () => {
    fc.assert(
      fc.property(fc.nat(2), mutation, (which, how) => {
        const { a, b } = ends();
        let message: Uint8Array | undefined = a.start();
        let changed = false;
        for (let index = 0; message !== undefined; index++) {
          const sent: Uint8Array = index === which ? mutate(message, how) : message;
          changed ||= toHex(sent) !== toHex(message);
          const end = index % 2 === 0 ? b : a;
          const step = onlySecureErrors(() => end.handle(sent));
          if (step instanceof secure.SecureError) {
            expect(changed).toBe(true);
            expect(onlySecureErrors(() => end.handle(sent))).toMatchObject({ code: 'closed' });
            return;
          }
          // The end that took a changed message may not be done with it.
          if (changed) expect(step.done).toBeUndefined();
          message = step.send;
        }
        expect(changed).toBe(false);
      }),
      { numRuns: Math.ceil(numRuns / 10) },
    );
  });

  test('a changed frame closes the session, and only then', () => {
    fc.assert(
      fc.property(fc.nat(4), mutation, fc.uint8Array({ maxLength: 300 }), (which, how, plain) => {
        const { a, b } = sessionPair();
        for (let index = 0; index < 5; index++) {
          const frame = a.seal(plain);
          const sent = index === which ? mutate(frame, how) : frame;
          const same = toHex(sent) === toHex(frame);
          const opened = onlySecureErrors(() => b.open(sent));
          expect(b.closed).toBe(!same);
          if (!same) {
            expect(opened).toMatchObject({ code: 'bad_seal' });
            return;
          }
          expect(toHex(opened as Uint8Array)).toBe(toHex(plain));
        }
      }),
      { numRuns },
    );
  });

  function bookOf(who: typeof alice): secure.KeyBook {
    const book = new secure.KeyBook(bob.identity.entries);
    book.judge([who.identity.newest.bytes]);
    return book;
  }

  const certificate = secure.issueCertificate(
    operator,
    {
      nodeId: alice.identity.nodeId,
      roles: ['commander'],
      actions: [],
      tables: [],
      notBefore: 0,
      notAfter: 9,
    },
    seededRandom('c'),
  ).bytes;
  const revocations = secure.issueRevocations(operator, undefined, {
    expelled: [bob.identity.nodeId],
  }).bytes;

  test.each<[string, Uint8Array, (bytes: Uint8Array) => unknown]>([
    ['key entry', alice.identity.newest.bytes, secure.parseKeyEntry],
    ['identity file', alice.identity.toBytes(), (bytes) => secure.Identity.parse(bytes)],
    ['certificate', certificate, (bytes) => secure.parseCertificate(bytes, pinned)],
    ['revocation list', revocations, (bytes) => secure.parseRevocations(bytes, pinned)],
    [
      'key book',
      bookOf(alice).toBytes(),
      (bytes) => secure.KeyBook.parse(bytes, bob.identity.entries),
    ],
  ])('a changed %s is refused with a SecureError', (_name, good, parse) => {
    fc.assert(
      fc.property(mutation, (how) => {
        const changed = mutate(good, how);
        fc.pre(toHex(changed) !== toHex(good));
        expect(onlySecureErrors(() => parse(changed))).toBeInstanceOf(secure.SecureError);
      }),
      { numRuns: Math.ceil(numRuns / 4) },
    );
  });

  test('any first message gets a kind or a SecureError, and any text a token or one', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.string({ maxLength: 200 }),
        (bytes, text) => {
          onlySecureErrors(() => secure.firstMessageKind(bytes));
          expect(onlySecureErrors(() => secure.parseJoinToken(text))).toMatchObject({
            code: 'bad_token',
          });
        },
      ),
      { numRuns },
    );
  });
});
