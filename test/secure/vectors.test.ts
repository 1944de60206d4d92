import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  createCrypto,
  sha256,
  Identity,
  openEpoch,
  OperatorKey,
  OperatorSet,
  parseCertificate,
} from '../../src/secure/index.ts';
import {
  isAdmittedBy,
  isPartOf,
  parseEpochHead,
  parseJoinToken,
  parseTokenRecord,
  parseRevocations,
  Session,
  verifyKeyList,
} from '../../src/secure/index.ts';
import { concat, fromHex, fromUtf8, toHex } from '../../src/wire/index.ts';
import { makeVectors } from './vectors.ts';

type Vectors = Awaited<ReturnType<typeof makeVectors>>;
const kept = JSON.parse(
  readFileSync(new URL('./vectors.json', import.meta.url), 'utf8'),
) as Vectors;
const bytes = (group: string, name: string) => fromHex(String(kept[group]![name]));

describe('the test vectors of docs/protocol.md', () => {
  test('are what the code makes (else: npx tsx scripts/vectors.ts, and say why the bytes changed)', async () => {
    expect(await makeVectors()).toEqual(kept);
  });

  test('are read back', async () => {
    const token = parseJoinToken(String(kept['token']!['text']));
    expect(toHex(token.secret)).toBe(kept['token']!['secret']);
    const list = verifyKeyList([bytes('identity', 'entry0'), bytes('identity', 'entry1')]);
    expect(list[1]!.nodeId).toBe(kept['identity']!['nodeId']);
    const b = new Session({
      role: 'responder',
      master: bytes('session', 'master'),
      random: () => new Uint8Array(32),
    });
    const frames = ['i2rFrame0', 'i2rFrame1'].map((name) => b.open(bytes('session', name))!);
    expect(frames.map(fromUtf8)).toEqual(['one', 'two']);
    const operator = OperatorKey.create(() => bytes('operator', 'seed'));
    const pinned = { operatorKey: operator.publicKey, swarmId: bytes('operator', 'swarmId') };
    expect(parseRevocations(bytes('revocations', 'list'), pinned).number).toBe(1);
    expect(parseCertificate(bytes('revocations', 'certificate'), pinned).roles).toEqual([
      'commander',
    ]);
    const context = concat(
      bytes('operator', 'swarmId'),
      bytes('sealedBody', 'origin'),
      bytes('sealedBody', 'requestId'),
    );
    const own = {
      id: sha256(bytes('sealedBody', 'bobNodeId'), bytes('sealedBody', 'bobBootId')),
      publicKey: bytes('sealedBody', 'bobPrekey'),
      secretKey: bytes('sealedBody', 'bobPrekeySecret'),
    };
    const { openFromMany } = createCrypto(new Uint8Array(32));
    const body = openFromMany(bytes('sealedBody', 'sealed'), own, context)!;
    expect(toHex(body)).toBe(kept['sealedBody']!['plain']);
    const stranger = Identity.create((n) => new Uint8Array(n).fill(9), 1);
    const [addition, revocation, answer] = ['addition', 'revocation', 'answer'].map((name) =>
      bytes('operatorKeys', name),
    ) as [Uint8Array, Uint8Array, Uint8Array];
    const counts = (...shown: Uint8Array[]) =>
      OperatorSet.read(operator.publicKey, shown).keys.map((one) => one.counts);
    expect(counts(addition)).toEqual([true, true]);
    expect(counts(revocation, addition)).toEqual([false, true]);
    expect(counts(answer, revocation, addition)).toEqual([true, false]);
    const operators = OperatorSet.read(operator.publicKey, [addition, revocation]);
    expect(operators.keys[1]!.id).toBe(kept['operatorKeys']!['secondId']);
    const bySecond = bytes('operatorKeys', 'listBySecond');
    expect(parseRevocations(bySecond, { ...pinned, operators }).expelled.size).toBe(1);
    const head = parseEpochHead(bytes('revocations', 'epochHead'), pinned);
    expect(head).toMatchObject({
      number: 6,
      time: 1_700_000_000,
      id: kept['revocations']!['epochId'],
    });
    const part = bytes('revocations', 'epochPart');
    expect(isPartOf(head, 0, part, pinned.swarmId)).toBe(true);
    expect(openEpoch(head, part, stranger, pinned.swarmId)).toBeUndefined();
    const record = parseTokenRecord(bytes('revocations', 'token'), pinned);
    expect(record).toMatchObject({ epochId: head.id, tag: kept['revocations']!['tokenTag'] });
    const { publicKey, tag, nodeId, admission } = kept['token']!;
    const by = { tag: String(tag), publicKey: fromHex(String(publicKey)) };
    const shown = fromHex(String(admission));
    expect(isAdmittedBy(by, pinned.swarmId, String(nodeId), shown)).toBe(true);
    expect(isAdmittedBy(by, pinned.swarmId, 'ac'.repeat(32), shown)).toBe(false);
  });
});
