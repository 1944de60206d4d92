import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createCrypto } from '../../../src/secure/index.ts';
import { AnswerOpener, sealAnswer } from '../../../src/swarm/requests/answer.ts';
import type { Outcome, SealedChunk } from '../../../src/swarm/requests/answer.ts';
import { simulatedEntry } from '../../sim/crypto.ts';
import { Random } from '../../sim/random.ts';

const random = new Random(5);
const crypto = createCrypto(random.bytes(32));
const signKey = publicKeyOf();
const asker = crypto.x25519KeyPair(random.bytes(32));
const about = {
  requestHash: random.bytes(32),
  node: random.bytes(32),
  origin: random.bytes(32),
};

/** Key entries are secure's business; here only the sign key matters. */
function publicKeyOf(): Uint8Array {
  const seed = new Random(5).bytes(32);
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(-32));
}

function outcome(payload: Uint8Array): Outcome {
  return { status: 'ok', rowCount: 3, truncated: true, tookMs: 12, payload };
}

function seal(payload: Uint8Array): SealedChunk[] {
  return [...sealAnswer(crypto, random.bytes(32), asker.publicKey, about, outcome(payload))!];
}

function opener(key: Uint8Array, head = about): AnswerOpener {
  const entry = { ...simulatedEntry(random.bytes(32)), signKey };
  return AnswerOpener.create(crypto, asker.secretKey, { ...head, key }, entry)!;
}

describe('sealed answers, with the real primitives', () => {
  test.each([0, 1, 65_535, 65_536, 65_537, 300_000])('%i bytes come back whole', (size) => {
    const payload = random.bytes(size);
    const chunks = seal(payload);
    expect(chunks).toHaveLength(Math.max(1, Math.ceil(size / 65_536)));
    const open = opener(chunks[0]!.key);
    for (const chunk of chunks.slice(0, -1)) expect(open.push(chunk).kind).toBe('more');
    const last = open.push(chunks.at(-1)!);
    expect(last).toMatchObject({
      kind: 'done',
      outcome: { rowCount: 3, truncated: true, tookMs: 12 },
    });
    expect(last.kind === 'done' && Buffer.compare(last.outcome.payload, payload)).toBe(0);
  });

  test('a chunk that is changed, cut, moved, repeated or called final changes nothing', () => {
    const chunks = seal(random.bytes(200_000));
    const open = opener(chunks[0]!.key);
    const [first, second] = chunks as [SealedChunk, SealedChunk];
    const flipped = first.sealed.slice();
    flipped[100]! ^= 1;
    expect(open.push({ ...first, sealed: flipped }).kind).toBe('bad');
    expect(open.push({ ...first, sealed: first.sealed.subarray(1) }).kind).toBe('bad');
    expect(open.push({ ...first, final: true }).kind).toBe('bad');
    expect(open.push(second).kind).toBe('bad');
    expect(open.push(first).kind).toBe('more');
    expect(open.push(first).kind).toBe('repeated');
    expect(open.push({ ...second, chunk: 2 }).kind).toBe('bad');
    for (const chunk of chunks.slice(1, -1)) expect(open.push(chunk).kind).toBe('more');
    expect(open.push(chunks.at(-1)!).kind).toBe('done');
  });

  test('an answer to another request, of another node or under another key does not open', () => {
    const [chunk] = seal(random.bytes(10)) as [SealedChunk];
    for (const field of ['requestHash', 'node', 'origin'] as const) {
      const other = { ...about, [field]: random.bytes(32) };
      expect(opener(chunk.key, other).push(chunk).kind).toBe('bad');
    }
    expect(opener(asker.publicKey).push(chunk).kind).toBe('bad');
  });

  test('who knows the reply key cannot answer for another node', () => {
    const thief = createCrypto(random.bytes(32));
    const spec = outcome(random.bytes(5));
    const [forged] = sealAnswer(thief, random.bytes(32), asker.publicKey, about, spec)!;
    expect(opener(forged!.key).push(forged!)).toEqual({
      kind: 'bad',
      reason: 'head signature is wrong',
    });
  });

  test('an answer whose end breaks the form is that host’s error, whatever it holds', () => {
    const spec: Outcome = { ...outcome(random.bytes(5)), code: 'Rows\u001b[2J' };
    const [chunk] = sealAnswer(crypto, random.bytes(32), asker.publicKey, about, spec)!;
    expect(opener(chunk!.key).push(chunk!)).toMatchObject({
      kind: 'done',
      outcome: { status: 'error', code: 'bad_answer', rowCount: 0 },
    });
  });

  test('a low-order reply key gives no answer', () => {
    const zero = new Uint8Array(32);
    expect(sealAnswer(crypto, random.bytes(32), zero, about, outcome(zero))).toBeUndefined();
  });
});
