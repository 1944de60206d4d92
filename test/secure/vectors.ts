/**
 * Test vectors for a second implementation (docs/protocol.md): inputs and every byte that follows
 * from them. `scripts/vectors.ts` writes them to vectors.json, `vectors.test.ts` compares.
 * J-PAKE itself draws its own randomness, so of it only the parts around are here.
 */
import * as secure from '../../src/secure/index.ts';
import { concat, fromHex, toHex, utf8 } from '../../src/wire/index.ts';

/** Bytes `first, first + 1, ...` modulo 256: every "random" input below. */
function counting(first: number): (n: number) => Uint8Array {
  let next = first;
  return (n) => Uint8Array.from({ length: n }, () => next++ & 255);
}

const TIME = 1_700_000_000;

type Vectors = Record<string, Record<string, string | number>>;

export async function makeVectors(): Promise<Vectors> {
  const operator = secure.OperatorKey.create(counting(1));
  const alice = secure.Identity.create(counting(32), TIME);
  const bob = secure.Identity.create(counting(64), TIME);
  return {
    operator: { seed: toHex(counting(1)(32)), swarmId: toHex(operator.swarmId) },
    token: await tokenVector(operator.swarmId),
    identity: identityVector(alice),
    memberHandshake: handshakeVector(operator, alice, bob),
    session: sessionVector(),
    rekey: rekeyVector(),
    revocations: recordVector(operator, bob),
    operatorKeys: keysVector(operator, bob),
    sealedBody: sealedBodyVector(operator, alice, bob),
  };
}

async function tokenVector(swarmId: Uint8Array) {
  const token = secure.createJoinToken({ swarmId, random: counting(200) });
  const { joinKey, seed, publicKey, tag } = await secure.deriveTokenKeys(token.secret, swarmId);
  const nodeId = 'ab'.repeat(32);
  return {
    secret: toHex(token.secret),
    text: token.text,
    joinKey: toHex(joinKey),
    seed: toHex(seed),
    publicKey: toHex(publicKey),
    tag: toHex(tag),
    nodeId,
    admission: toHex(secure.signAdmission(seed, swarmId, nodeId)),
  };
}

function identityVector(alice: secure.Identity) {
  const rotated = alice.rotate(counting(160), TIME + 3600);
  return {
    randomBytes: toHex(counting(32)(128)),
    time: TIME,
    nodeId: alice.nodeId,
    entry0: toHex(alice.newest.bytes),
    rotationRandomBytes: toHex(counting(160)(64)),
    entry1: toHex(rotated.newest.bytes),
  };
}

function handshakeVector(
  operator: secure.OperatorKey,
  alice: secure.Identity,
  bob: secure.Identity,
) {
  const epochKey = counting(7)(32);
  const admission = new Uint8Array(72).fill(3);
  const secrets = { swarmId: operator.swarmId, epoch: 5, epochKey, admission };
  const end = (role: secure.HandshakeRole, identity: secure.Identity, first: number) =>
    new secure.MemberHandshake({
      role,
      secrets,
      identity,
      bootId: counting(first)(16),
      random: counting(first + 16),
      wallMs: TIME * 1000,
      isFresh: (madeMs) => madeMs === TIME * 1000,
    });
  const a = end('initiator', alice, 0x10);
  const b = end('responder', bob, 0x80);
  const m1 = a.start();
  const m2 = b.handle(m1).send!;
  const last = a.handle(m2);
  const m3 = last.send!;
  b.handle(m3);
  return {
    epoch: 5,
    epochKey: toHex(epochKey),
    admission: toHex(admission),
    initiatorBootId: toHex(counting(0x10)(16)),
    initiatorEphemeralSecret: toHex(counting(0x20)(32)),
    responderBootId: toHex(counting(0x80)(16)),
    responderEphemeralSecret: toHex(counting(0x90)(32)),
    madeMs: TIME * 1000,
    m1: toHex(m1),
    m2: toHex(m2),
    m3: toHex(m3),
    exporter: toHex(last.done!.session.exporter('test')),
    firstFrame: toHex(last.done!.session.seal(utf8('hello'))),
  };
}

function sessionVector() {
  const master = counting(100)(32);
  const end = (role: secure.HandshakeRole) =>
    new secure.Session({ role, master, random: counting(0) });
  const a = end('initiator');
  const b = end('responder');
  return {
    master: toHex(master),
    i2rFrame0: toHex(a.seal(utf8('one'))),
    i2rFrame1: toHex(a.seal(utf8('two'))),
    r2iFrame0: toHex(b.seal(utf8('three'))),
  };
}

function rekeyVector() {
  const master = counting(100)(32);
  const end = (role: secure.HandshakeRole, first: number) =>
    new secure.Session({ role, master, random: counting(first) });
  const a = end('initiator', 0x30);
  const b = end('responder', 0x60);
  a.startRekey(0);
  const request = a.pollSend()!;
  b.open(request);
  const reply = b.pollSend()!;
  a.open(reply);
  const change = a.pollSend()!;
  b.open(change);
  return {
    master: toHex(master),
    initiatorEphemeralSecret: toHex(counting(0x30)(32)),
    responderEphemeralSecret: toHex(counting(0x60)(32)),
    rekey: toHex(request),
    rekeyReply: toHex(reply),
    rekeySwitch: toHex(change),
    i2rFrameAfter: toHex(a.seal(utf8('after'))),
    r2iFrameAfter: toHex(b.seal(utf8('after'))),
  };
}

/** Section 8: a body for two named hosts, sealed to their prekeys. */
function sealedBodyVector(
  operator: secure.OperatorKey,
  alice: secure.Identity,
  bob: secure.Identity,
) {
  const crypto = secure.createCrypto(counting(0)(32));
  const prekeys = [0x10, 0x40].map((first) => crypto.x25519KeyPair(counting(first)(32)));
  const boots = [0xb0, 0xd0].map((first) => counting(first)(16));
  const recipients = [alice, bob].map(({ nodeId }, at) => ({
    id: secure.sha256(fromHex(nodeId), boots[at]!),
    publicKey: prekeys[at]!.publicKey,
  }));
  const requestId = counting(0xa0)(16);
  const context = concat(operator.swarmId, fromHex(alice.nodeId), requestId);
  const plain = utf8('select 1');
  const sealed = crypto.sealToMany({ recipients, plain, context, random: counting(0x70) });
  return {
    origin: alice.nodeId,
    requestId: toHex(requestId),
    alicePrekeySecret: toHex(prekeys[0]!.secretKey),
    bobPrekeySecret: toHex(prekeys[1]!.secretKey),
    bobPrekey: toHex(prekeys[1]!.publicKey),
    bobNodeId: bob.nodeId,
    bobBootId: toHex(boots[1]!),
    ephemeralSecret: toHex(counting(0x70)(32)),
    textKey: toHex(counting(0x90)(32)),
    plain: toHex(plain),
    sealed: toHex(sealed),
  };
}

/** A second key, which expels, and by whose word the first one counts no more; then the first answers. */
function keysVector(operator: secure.OperatorKey, bob: secure.Identity) {
  const second = secure.OperatorKey.create(counting(2), operator.swarmId);
  const [firstKey, secondKey] = [operator, second].map((one) => toHex(one.publicKey));
  const of = { number: 2 ** 30, made: TIME, name: 'daily', stay: [] };
  const added = secure.issueKeyStatement(operator, { ...of, verb: 'add', key: secondKey! });
  const ends = { verb: 'revoke', number: 0, made: TIME, name: '' } as const;
  const revoked = secure.issueKeyStatement(second, { ...ends, key: firstKey!, stay: [secondKey!] });
  const answer = secure.issueKeyStatement(operator, { ...ends, key: secondKey!, stay: [] });
  const list = secure.issueRevocations(second, [], { expelled: [bob.nodeId] }, AT);
  return {
    secondSeed: toHex(counting(2)(32)),
    secondId: second.id,
    addition: toHex(added.bytes),
    revocation: toHex(revoked.bytes),
    answer: toHex(answer.bytes),
    listBySecond: toHex(list.bytes),
  };
}

const AT = { day: 19_675, epoch: 5 };

function recordVector(operator: secure.OperatorKey, bob: secure.Identity) {
  const added = { serials: ['0123456789abcdef0123456789abcdef'], expelled: [bob.nodeId] };
  const list = secure.issueRevocations(operator, [], added, { day: 19_675, epoch: 5 });
  const content = {
    nodeId: bob.nodeId,
    roles: ['commander'],
    actions: ['restart-nginx'],
    tables: [],
    notBefore: TIME,
    notAfter: TIME + 86_400,
  };
  const certificate = secure.issueCertificate(operator, content, () => fromHex(added.serials[0]!));
  const { head, parts } = secure.createEpoch(operator, {
    epoch: 6,
    parent: '0000000000000005aabbccddeeff0011',
    epochKey: counting(7)(32),
    members: [{ entry: bob.newest, nameTag: secure.nameTag(operator.swarmId, 'bob') }],
    nowSeconds: TIME,
    random: counting(150),
  });
  const token = secure.issueToken(operator, {
    epochId: head.id,
    version: 1,
    uses: 10,
    made: TIME,
    notAfter: TIME + 7200,
    publicKey: new secure.SigningKey(counting(9)(32)).publicKey,
    joinKey: counting(77)(32),
    note: 'rack 7',
    host: '',
    state: 'open',
  });
  return {
    list: toHex(list.bytes),
    certificate: toHex(certificate.bytes),
    epochRandomBytes: toHex(counting(150)(64)),
    epochHead: toHex(head.bytes),
    epochId: head.id,
    epochPart: toHex(parts[0]!),
    token: toHex(token.bytes),
    tokenTag: token.tag,
  };
}
