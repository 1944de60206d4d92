/** What is fuzzed, for fuzz.test.ts and `npm run fuzz`. `share` of the cases are of this target. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as secure from '../../src/secure/index.ts';
import { toHex, utf8 } from '../../src/wire/index.ts';
import { operator, party, secrets, seededRandom, sessionPair } from './fixture.ts';
import { foreignHandshake, spoiltStream } from './fuzz-streams.ts';
import { mutate, mutation } from './mutation.ts';

export interface FuzzTarget {
  readonly name: string;
  readonly share: number;
  readonly property: fc.IRawProperty<unknown, false>;
}

const alice = party('alice');
const bob = party('bob');
const pinned = { operatorKey: operator.publicKey, swarmId: operator.swarmId };

/** Either it works, or a SecureError says what is wrong. */
function onlySecureErrors<T>(work: () => T): T | secure.SecureError {
  try {
    return work();
  } catch (error) {
    if (error instanceof secure.SecureError) return error;
    throw error;
  }
}

function assertCode(result: unknown, code: secure.SecureErrorCode): void {
  assert.ok(result instanceof secure.SecureError, `worked where ${code} was due`);
  assert.equal(result.code, code);
}

function ends(): { a: secure.MemberHandshake; b: secure.MemberHandshake } {
  const make = (role: secure.HandshakeRole, who: typeof alice): secure.MemberHandshake =>
    new secure.MemberHandshake({ ...who, secrets, random: seededRandom(role), role });
  return { a: make('initiator', alice), b: make('responder', bob) };
}

const changedHandshake = fc.property(fc.nat(2), mutation, (which, how) => {
  const { a, b } = ends();
  let message: Uint8Array | undefined = a.start();
  let changed = false;
  for (let index = 0; message !== undefined; index++) {
    const sent: Uint8Array = index === which ? mutate(message, how) : message;
    changed ||= toHex(sent) !== toHex(message);
    const end = index % 2 === 0 ? b : a;
    const step = onlySecureErrors(() => end.handle(sent));
    if (step instanceof secure.SecureError) {
      assert.ok(changed, 'an unchanged handshake failed');
      assertCode(
        onlySecureErrors(() => end.handle(sent)),
        'closed',
      );
      return;
    }
    // The end that took a changed message may not be done with it.
    if (changed) assert.equal(step.done, undefined);
    message = step.send;
  }
  assert.ok(!changed, 'a changed handshake ended well');
});

const changedFrame = fc.property(
  fc.nat(2),
  mutation,
  fc.uint8Array({ maxLength: 100 }),
  (which, how, plain) => {
    const { a, b } = sessionPair();
    for (let index = 0; index < 3; index++) {
      const frame = a.seal(plain);
      const sent = index === which ? mutate(frame, how) : frame;
      const same = toHex(sent) === toHex(frame);
      const opened = onlySecureErrors(() => b.open(sent));
      assert.equal(b.closed, !same);
      if (!same) return assertCode(opened, 'bad_seal');
      assert.equal(toHex(opened as Uint8Array), toHex(plain));
    }
  },
);

/** A signed record with any change is refused with a SecureError. */
function record(name: string, good: Uint8Array, parse: (bytes: Uint8Array) => unknown): FuzzTarget {
  const property = fc.property(mutation, (how) => {
    const changed = mutate(good, how);
    if (toHex(changed) === toHex(good)) return;
    assert.ok(onlySecureErrors(() => parse(changed)) instanceof secure.SecureError);
  });
  return { name: `a changed ${name} is refused with a SecureError`, share: 0.1, property };
}

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
const expelled = [bob.identity.nodeId];
const statement = secure.issueKeyStatement(operator, {
  ...{
    verb: 'revoke',
    key: 'ab'.repeat(32),
    number: 3,
    made: 7,
    name: 'one',
    stay: ['cd'.repeat(32)],
  },
}).bytes;
const revocations = secure.issueRevocations(operator, [], { expelled }, { day: 1, epoch: 1 }).bytes;

const anyFirstMessage = fc.property(
  fc.uint8Array({ maxLength: 100 }),
  fc.string({ maxLength: 200 }),
  (bytes, text) => {
    onlySecureErrors(() => secure.firstMessageKind(bytes));
    assertCode(
      onlySecureErrors(() => secure.parseJoinToken(text)),
      'bad_token',
    );
  },
);

const crypto = secure.createCrypto(new Uint8Array(32).fill(1));
const boxPairs = [1, 2].map((n) => crypto.x25519KeyPair(new Uint8Array(32).fill(n)));
const recipients = boxPairs.map(({ publicKey }, at) => ({
  id: new Uint8Array(32).fill(at),
  publicKey,
}));

/** What is spoilt for one recipient may still open for the other; nothing opens to another text. */
const changedBody = fc.property(
  mutation,
  fc.uint8Array({ maxLength: 100 }),
  fc.boolean(),
  (how, plain, elsewhere) => {
    const context = utf8('request 1');
    const random = seededRandom('body');
    const sealed = crypto.sealToMany({ recipients, plain, context, random });
    const changed = mutate(sealed, how);
    const about = elsewhere ? utf8('request 2') : context;
    let opened = 0;
    for (const [at, { secretKey }] of boxPairs.entries()) {
      const text = crypto.openFromMany(changed, { ...recipients[at]!, secretKey }, about);
      if (text === undefined) continue;
      assert.equal(toHex(text), toHex(plain));
      opened++;
    }
    if (elsewhere) assert.equal(opened, 0);
    else if (toHex(changed) === toHex(sealed)) assert.equal(opened, 2);
    else assert.ok(opened < 2, 'a changed body opened for all');
  },
);

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'a changed member handshake never opens a session, and fails with a SecureError',
    share: 0.01,
    property: changedHandshake,
  },
  {
    name: 'messages of other handshakes, in any order, never finish one',
    share: 0.02,
    property: foreignHandshake,
  },
  {
    name: 'a changed frame closes the session, and only then',
    share: 0.06,
    property: changedFrame,
  },
  {
    name: 'of a stream with frames lost, repeated, swapped, mixed, cut or too long the beginning is read',
    share: 0.06,
    property: spoiltStream,
  },
  record('key entry', alice.identity.newest.bytes, secure.parseKeyEntry),
  record('identity file', alice.identity.toBytes(), (bytes) => secure.Identity.parse(bytes)),
  record('certificate', certificate, (bytes) => secure.parseCertificate(bytes, pinned)),
  record('revocation list', revocations, (bytes) => secure.parseRevocations(bytes, pinned)),
  record('statement about an operator key', statement, (bytes) =>
    secure.parseKeyStatement(bytes, pinned),
  ),
  record('key book', bookOf(alice).toBytes(), (bytes) =>
    secure.KeyBook.parse(bytes, bob.identity.entries),
  ),
  {
    name: 'a changed sealed body opens to its text or to nothing, and in another request to nothing',
    share: 0.02,
    property: changedBody,
  },
  {
    name: 'any first message gets a kind or a SecureError, and any text a token or one',
    share: 0.33,
    property: anyFirstMessage,
  },
];
