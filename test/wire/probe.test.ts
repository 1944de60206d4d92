import { describe, expect, test } from 'vitest';
import {
  attachSignature,
  decodeProbeAnswer,
  decodeQuestion,
  encodeQuestion,
  probeAnswerSigningBytes,
  WireError,
  type KnownHead,
} from '../../src/wire/index.ts';

const of = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte);
const pair = (i: number) => ({ name: `host${i}`, address: `10.0.0.${i}:7411` });
const head = (i: number): KnownHead => ({ node: of(i, 32), version: i, hash: of(i + 1, 32) });
const ids = { swarm: of(1, 32), by: of(2, 32), asker: of(3, 32), question: of(4, 32) };
const question = encodeQuestion({ id: of(9, 16), pairs: [1, 2, 3].map(pair) });
const answer = { ...ids, known: [head(5), undefined, head(7)] };
const signed = attachSignature(probeAnswerSigningBytes(answer), of(8, 64));

describe('the messages of a probe', () => {
  test('come back as they were sent', () => {
    expect(decodeQuestion(question)).toEqual({ id: of(9, 16), pairs: [1, 2, 3].map(pair) });
    const decoded = decodeProbeAnswer(signed);
    expect(decoded.answer).toEqual(answer);
    expect(decoded.signed).toEqual(probeAnswerSigningBytes(answer));
    expect(decoded.signature).toEqual(of(8, 64));
  });

  test('are refused when cut anywhere, and with more than eight pairs', () => {
    for (let cut = 0; cut < question.length; cut++) {
      expect(() => decodeQuestion(question.subarray(0, cut))).toThrow(WireError);
    }
    for (let cut = 0; cut < signed.length; cut++) {
      expect(() => decodeProbeAnswer(signed.subarray(0, cut))).toThrow(WireError);
    }
    const pairs = Array.from({ length: 9 }, (_, i) => pair(i));
    expect(() => decodeQuestion(encodeQuestion({ id: of(9, 16), pairs }))).toThrow(WireError);
    const nine = { ...ids, known: pairs.map(() => undefined) };
    const many = attachSignature(probeAnswerSigningBytes(nine), of(8, 64));
    expect(() => decodeProbeAnswer(many)).toThrow('too many heads');
  });

  test.each([
    ['a name of 256 letters', { id: of(9, 16), pairs: [{ name: 'x'.repeat(256), address: '' }] }],
    ['an id of 15 bytes', { id: of(9, 15), pairs: [] }],
    ['a pair of numbers', { id: of(9, 16), pairs: [{ name: 1, address: 2 }] as never }],
  ])('are refused with %s', (_what, wrong) => {
    expect(() => decodeQuestion(encodeQuestion(wrong))).toThrow(WireError);
  });
});
