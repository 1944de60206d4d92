/** What goes again of a key that ends, and what does not; what a key is told that does not count. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expelledBy, OperatorDesk, signAgain } from '../../../src/agent/index.ts';
import {
  issueHeadCertificate,
  issueHubCertificate,
  issueKeyStatement,
  issueRevocations,
  issueToken,
  OperatorKey,
  OperatorSet,
  parseOperatorRecord,
  parseRevocations,
} from '../../../src/secure/index.ts';
import { prefixOfNode, toHex } from '../../../src/wire/index.ts';
import { random } from '../../net/swarm-nodes.ts';

const first = OperatorKey.create(random);
const { swarmId } = first;
const daily = OperatorKey.create(random, swarmId);
const key = toHex(daily.publicKey);
const about = { key, number: 1, made: 1, name: 'daily', stay: [] };
const operators = OperatorSet.of(first.publicKey).with(
  issueKeyStatement(first, { ...about, verb: 'add' }),
)!;
const pinned = { operatorKey: first.publicKey, swarmId, operators };
const ended = new Set([key]);
const [out, taken, both] = Array.from({ length: 3 }, () => toHex(random(32))) as [
  ...[string, string, string],
];
const at = { day: 1, epoch: 1 };
const seconds = Math.floor(Date.now() / 1000);

test('hosts that a key has put out stay out by another one, but for those that are named', () => {
  const lists = [
    issueRevocations(first, [], { expelled: [both] }, at),
    issueRevocations(daily, [], { expelled: [out, taken, both] }, at),
  ].map(({ bytes }) => bytes);
  expect(expelledBy(pinned, lists, ended)).toEqual([out, taken].map(prefixOfNode).sort());
  const known = { lists, tokens: [], named: [], epoch: 2 };
  const readmitted = new Set([out, taken, both].slice(1).map(prefixOfNode));
  const again = signAgain(first, pinned, known, { ended, isStolen: true, readmitted });
  const list = parseRevocations(again.records[0]!, { operatorKey: first.publicKey, swarmId });
  // What another key says as well is not taken back by that.
  expect([...list.expelled.keys()].sort()).toEqual([out, both].map(prefixOfNode).sort());
  expect(list.merges).toHaveLength(2);
});

test('one record that cannot be signed again keeps no key from ending', () => {
  const content = { notBefore: 2 ** 48 - 1, notAfter: 2 ** 48, nodeId: out };
  const hub = issueHubCertificate(daily, content, random).bytes;
  const now = issueHubCertificate(
    ...([daily, { notBefore: seconds, notAfter: seconds + 1_000, nodeId: both }, random] as const),
  ).bytes;
  const named = { nodeId: taken, version: 1, hash: random(32) };
  // By a clock that is ahead, and by the last one that there is.
  const ahead = issueHeadCertificate(daily, named, seconds + 500);
  const last = issueHeadCertificate(daily, { ...named, nodeId: both }, 2 ** 48);
  const token = issueToken(daily, {
    ...{ epochId: '1'.repeat(32), version: 2 ** 40, publicKey: random(32), joinKey: random(32) },
    ...{ uses: 1, made: 1, notAfter: 2, note: '', host: '', state: 'open' },
  });
  const known = { lists: [], tokens: [token], named: [hub, now, ahead, last], epoch: 1 };
  const { records, hubs, left } = signAgain(first, pinned, known, { ended, isStolen: false });
  expect(left.map((one) => one.split(':')[0])).toEqual([
    `join token ${token.tag}`,
    `the certificate of hub ${out}`,
    `the word on the keys of ${both}`,
  ]);
  expect(hubs.map(({ nodeId }) => nodeId)).toEqual([both]);
  const parsed = records.map((bytes) => parseOperatorRecord(bytes, pinned));
  expect(parsed.map((one) => [one.kind, one.number])).toEqual([
    ...[
      ['hub', seconds + 1],
      ['head', seconds + 501],
    ],
  ]);
});

test('a key that a junior one has revoked is told that it can end that one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'operator-'));
  try {
    const file = join(folder, 'first.key');
    writeFileSync(file, await first.toFile({ random }));
    const desk = await OperatorDesk.open(file);
    const founder = { ...about, key: toHex(first.publicKey) };
    const words = [
      ...operators.statements,
      issueKeyStatement(daily, { ...founder, verb: 'revoke', name: '' }),
    ].map(({ bytes }) => bytes);
    const known = { swarmId, operatorKey: first.publicKey, operators: words };
    expect(() => desk.checkKey(known)).toThrowError(
      expect.objectContaining({
        message: expect.stringContaining(`was revoked by ${daily.id}`) as string,
        hint: expect.stringContaining(`operator key revoke ${daily.id} --stolen`) as string,
      }),
    );
    expect(desk.checkAnswer(known).counts(key)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
