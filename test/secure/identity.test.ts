import { describe, expect, test } from 'vitest';
import { Identity, parseKeyEntry, verifyKeyList, verifyStrict } from '../../src/secure/index.ts';
import { sha256 } from '../../src/secure/index.ts';
import { concat, decodeFields, encodeFields, toHex, utf8 } from '../../src/wire/index.ts';
import { codeOf, flip, seededRandom, T0 } from './fixture.ts';

const HOUR = 3600;
const random = seededRandom('identity');
const first = Identity.create(random, T0);
const second = first.rotate(random, T0 + HOUR);
const third = second.rotate(random, T0 + 2 * HOUR);
const list = third.entries.map((entry) => entry.bytes);
const stranger = Identity.create(seededRandom('stranger'), T0);

describe('an identity', () => {
  test('keeps its id while its keys change as promised', () => {
    expect(first.nodeId).toMatch(/^[0-9a-f]{64}$/);
    expect(third.nodeId).toBe(first.nodeId);
    expect(third.newest.version).toBe(2);
    expect(toHex(third.newest.signKey)).not.toBe(toHex(second.newest.signKey));
    expect(verifyKeyList(list).map((entry) => entry.version)).toEqual([0, 1, 2]);
    expect(verifyStrict(third.newest.signKey, utf8('x'), third.sign(utf8('x')))).toBe(true);
  });

  test('comes back from its file, next keys and all', () => {
    const back = Identity.parse(third.toBytes());
    expect(back.nodeId).toBe(first.nodeId);
    expect(toHex(back.sign(utf8('x')))).toBe(toHex(third.sign(utf8('x'))));
    const [one, two] = [back, third].map((identity) =>
      identity.rotate(seededRandom('r'), T0 + 3 * HOUR),
    );
    expect(toHex(one!.newest.bytes)).toBe(toHex(two!.newest.bytes));
  });

  test('opens what was sealed to a key it replaced less than 30 days ago, and deletes the rest', () => {
    const DAY = 24 * HOUR;
    const keys = (identity: Identity) => identity.boxPairs.map((pair) => toHex(pair.publicKey));
    const listed = third.entries.map((entry) => toHex(entry.boxKey)).reverse();
    expect(keys(third)).toEqual(listed);
    expect(keys(Identity.parse(third.toBytes()))).toEqual(listed);
    expect(third.forgetOld(T0 + HOUR + 30 * DAY - 1)).toBe(third);
    const later = third.forgetOld(T0 + HOUR + 30 * DAY);
    expect(keys(later)).toEqual(listed.slice(0, 2));
    expect(keys(third.rotate(random, T0 + 40 * DAY))).toHaveLength(2);
    const gone = third.forgetOld(T0 + 2 * HOUR + 30 * DAY);
    expect(keys(Identity.parse(gone.toBytes()))).toEqual(listed.slice(0, 1));
    for (const { secretKey } of third.boxPairs.slice(1)) {
      expect(Buffer.from(third.toBytes()).includes(Buffer.from(secretKey))).toBe(true);
      expect(Buffer.from(gone.toBytes()).includes(Buffer.from(secretKey))).toBe(false);
    }
  });

  test('comes back from the file of a version that kept no older keys, not from others', async () => {
    const parts = (bytes: Uint8Array, count: number) => decodeFields(bytes, count);
    const file = (fields: readonly Uint8Array[]) => {
      const content = encodeFields(fields);
      return encodeFields([content, sha256(content)]);
    };
    const fields = parts(parts(second.toBytes(), 2)[0]!, 7);
    expect(Identity.parse(file(fields.slice(0, 6))).newest.version).toBe(1);
    const foreign = [...fields.slice(0, 6), random(32)];
    for (const wrong of [fields.slice(0, 5), [...fields, random(1)], foreign]) {
      expect(await codeOf(() => Identity.parse(file(wrong)))).toBe('bad_identity');
    }
    for (const length of [31, 64]) {
      const older = [...fields.slice(0, 6), random(length)];
      expect(await codeOf(() => Identity.parse(file(older)))).toBe('bad_identity');
    }
  });

  test('a file cut short anywhere or with a flipped bit is refused', async () => {
    const file = second.toBytes();
    for (let cut = 0; cut < file.length; cut++) {
      expect(await codeOf(() => Identity.parse(file.subarray(0, cut)))).toBe('bad_identity');
    }
    for (let bit = 0; bit < file.length * 8; bit += 11) {
      expect(await codeOf(() => Identity.parse(flip(file, bit)))).toBe('bad_identity');
    }
  });

  test('rotates once an hour at most', async () => {
    expect(await codeOf(() => third.rotate(random, T0 + 3 * HOUR - 1))).toBe('rotation_too_soon');
    expect(() => third.rotate(random, T0 + 2 * HOUR + 600)).toThrow('wait 3000 seconds');
  });
});

describe('a key list', () => {
  test.each<[string, () => readonly Uint8Array[]]>([
    ['empty', () => []],
    ['without its first entry', () => list.slice(1)],
    ['with a gap', () => [list[0]!, list[2]!]],
    ['with an entry twice', () => [list[0]!, list[0]!]],
    ['with another node’s entry', () => [list[0]!, stranger.newest.bytes]],
    ['out of order', () => [list[0]!, list[2]!, list[1]!]],
  ])('%s is refused', async (_what, make) => {
    expect(await codeOf(() => verifyKeyList(make()))).toBe('bad_key_list');
  });

  test('an entry cut short or changed anywhere is refused', async () => {
    const entry = list[1]!;
    for (let cut = 0; cut < entry.length; cut += 3) {
      expect(await codeOf(() => parseKeyEntry(entry.subarray(0, cut)))).toBe('bad_key_list');
    }
    for (let bit = 0; bit < entry.length * 8; bit += 13) {
      expect(await codeOf(() => verifyKeyList([list[0]!, flip(entry, bit)]))).toBe('bad_key_list');
    }
    expect(await codeOf(() => parseKeyEntry(concat(entry, utf8('x'))))).toBe('bad_key_list');
  });

  test('a thief of the current key alone cannot go on: the next pair was promised', async () => {
    // The thief's own next pair, presented as the successor of the victim's entry.
    const thief = Identity.create(seededRandom('thief'), T0).rotate(random, T0 + HOUR).newest;
    expect(await codeOf(() => verifyKeyList([list[0]!, thief.bytes]))).toBe('bad_key_list');
  });

  test('each entry names the hash of the one before', () => {
    expect(toHex(third.newest.previousHash)).toBe(toHex(sha256(list[1]!)));
    expect(toHex(first.newest.previousHash)).toBe('00'.repeat(32));
  });
});
