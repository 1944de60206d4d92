/** What a peer may write into numbers and texts of signed objects, and what is refused as malformed. */
import { describe, expect, test } from 'vitest';
import {
  attachSignature,
  decodeMessage,
  decodeSigned,
  encodeMessage,
  INCARNATION_MAX,
  isMemberAddress,
  NUMBER_MAX,
  pack,
  signingBytes,
} from '../../src/wire/index.ts';
import type {
  BeaconBody,
  MemberBody,
  ReplyMessage,
  RequestBody,
  SealBody,
  SignedBody,
} from '../../src/wire/index.ts';

const [id16, id32] = [new Uint8Array(16).fill(1), new Uint8Array(32).fill(2)];

const MEMBER: MemberBody = {
  kind: 'member',
  swarm: id32,
  node: id32,
  entry: id32,
  name: 'web1',
  addresses: ['10.0.0.1:7411'],
  labels: { role: 'web' },
  version: '1.0.0',
  hub: false,
  incarnation: 5,
  bootId: id16,
  state: 'alive',
  prekey: undefined,
  admission: new Uint8Array(0),
};
const REQUEST: RequestBody = {
  kind: 'request',
  version: 1,
  swarm: id32,
  epoch: 1,
  id: id16,
  origin: id32,
  keyVersion: 0,
  replyKey: id32,
  issued: 1,
  expires: 2,
  what: 'query',
  targets: undefined,
  certificate: new Uint8Array(0),
  expected: id32,
  bodyHash: id32,
};
const BEACON: BeaconBody = {
  kind: 'beacon',
  swarm: id32,
  id: id16,
  origin: id32,
  sequence: 1,
  missing: undefined,
};
const SEAL: SealBody = {
  kind: 'seal',
  swarm: id32,
  chain: id16,
  number: 1,
  hash: id32,
  at: 1,
  hub: id32,
  keyVersion: 0,
};

function decoded(body: SignedBody): unknown {
  return decodeSigned(attachSignature(signingBytes(body), new Uint8Array(64))).body;
}

describe('a signed object', () => {
  const good: readonly SignedBody[] = [
    { ...MEMBER, incarnation: INCARNATION_MAX },
    { ...MEMBER, addresses: Array.from({ length: 8 }, (_, at) => `10.0.0.${at + 1}:1`) },
    { ...MEMBER, prekey: { made: NUMBER_MAX, publicKey: id32 } },
    { ...REQUEST, keyVersion: 1_023, expires: NUMBER_MAX, what: 'k'.repeat(32) },
    { ...BEACON, sequence: 1_024 },
    { ...SEAL, number: 2 ** 40, at: NUMBER_MAX, keyVersion: 1_023 },
    { kind: 'accuse', swarm: id32, node: id32, incarnation: INCARNATION_MAX, by: id32 },
  ];
  test.each(good)('at its bounds is taken: $kind', (body) => {
    expect(decoded(body)).toMatchObject({ kind: body.kind });
  });

  const bad: Readonly<Record<string, SignedBody>> = {
    'an incarnation above 2^40': { ...MEMBER, incarnation: INCARNATION_MAX + 1 },
    'nine addresses': { ...MEMBER, addresses: Array.from({ length: 9 }, () => '10.0.0.1:1') },
    'an address that every host would dial': { ...MEMBER, addresses: ['255.255.255.255:80'] },
    'labels above 4 KiB': {
      ...MEMBER,
      labels: Object.fromEntries(
        Array.from({ length: 20 }, (_, at) => [`l${at}`, 'x'.repeat(250)]),
      ),
    },
    'a label with a control character': { ...MEMBER, labels: { role: 'a\u001b[2J' } },
    'a version with a line feed': { ...MEMBER, version: '1\n2' },
    'a prekey made after 2^48': { ...MEMBER, prekey: { made: NUMBER_MAX + 1, publicKey: id32 } },
    'a request that expires after 2^48': { ...REQUEST, expires: NUMBER_MAX + 1 },
    'a key version of no list': { ...REQUEST, keyVersion: 1_024 },
    'a kind of 33 letters': { ...REQUEST, what: 'k'.repeat(33) },
    'the 1,025th beacon': { ...BEACON, sequence: 1_025 },
    'a seal number above 2^40': { ...SEAL, number: 2 ** 40 + 1 },
    'an accusation of no incarnation': {
      kind: 'accuse',
      swarm: id32,
      node: id32,
      by: id32,
      incarnation: INCARNATION_MAX + 1,
    },
  };
  test.each(Object.entries(bad))('with %s is malformed', (_, body) => {
    expect(() => decoded(body)).toThrow(expect.objectContaining({ name: 'WireError' }) as Error);
  });

  test('of a member above 8 KiB is malformed', () => {
    const entry = new Uint8Array(9 * 1024);
    expect(() => decoded({ ...MEMBER, entry })).toThrow(/member record of/);
  });
});

test('an answer has 64 chunks, the last one 63', () => {
  const reply: ReplyMessage = {
    t: 'reply',
    id: id16,
    origin: id32,
    node: id32,
    key: id32,
    chunk: 63,
    final: true,
    sealed: id32,
    hops: 1,
  };
  expect(decodeMessage(encodeMessage(reply))).toMatchObject({ chunk: 63 });
  expect(() => decodeMessage(pack({ ...reply, chunk: 64 }))).toThrow(/0 to 63/);
});

test('addresses of members are those of one host', () => {
  for (const one of ['h0:7000', '10.0.0.5:7411', '127.0.0.1:1', '[2001:db8::7]:65535', '[::1]:9'])
    expect(isMemberAddress(one), one).toBe(true);
  const none = ['0.0.0.0:1', '[::]:1', '224.0.0.1:1', '239.1.2.3:1', '[ff02::1]:1', '10.0.0.1'];
  const broken = [
    '10.0.0.1:0',
    '10.0.0.1:65536',
    'a b:1',
    ':1',
    '[0:0:0:0:0:0:0:0]:1',
    'x\u0007:1',
  ];
  for (const one of [...none, ...broken]) expect(isMemberAddress(one), one).toBe(false);
});
