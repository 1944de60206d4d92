import { describe, expect, test } from 'vitest';
import {
  Identity,
  issueHeadCertificate,
  KeyBook,
  MemberHandshake,
  parseOperatorRecord,
  sha256,
} from '../../src/secure/index.ts';
import { verifyForkProof, type ForkProof, type Verdict } from '../../src/secure/index.ts';
import { toHex } from '../../src/wire/index.ts';
import { codeOf, converse, flip, operator, party, secrets, seededRandom, T0 } from './fixture.ts';

const HOUR = 3600;
const self = party('self').identity;
const pinned = { operatorKey: operator.publicKey, swarmId: operator.swarmId };

const random = seededRandom('node');
const v0 = Identity.create(random, T0);
const v1 = v0.rotate(random, T0 + HOUR);
const v2 = v1.rotate(random, T0 + 2 * HOUR);
const v3 = v2.rotate(random, T0 + 3 * HOUR);
/** The same host from a copied disk, which went its own way after version 1. */
const clone2 = v1.rotate(seededRandom('clone'), T0 + 5 * HOUR);
const clone3 = clone2.rotate(seededRandom('clone 3'), T0 + 6 * HOUR);

const bytes = (identity: Identity) => identity.entries.map((entry) => entry.bytes);
const book = (known?: Identity) => {
  const made = new KeyBook(self.entries);
  if (known !== undefined) made.judge(bytes(known));
  return made;
};

describe('the key book', () => {
  test('pins the longest list seen and takes an older prefix for what it is', () => {
    const b = book();
    const kinds = [bytes(v0), bytes(v1), bytes(v1), bytes(v0), bytes(v3)].map(
      (l) => b.judge(l).kind,
    );
    expect(kinds).toEqual(['pinned', 'extended', 'same', 'older', 'extended']);
    expect(b.head(v0.nodeId)!.version).toBe(3);
    expect(b.list('ff'.repeat(32))).toEqual([]);
  });

  test('asks for what is missing, then judges again', () => {
    const b = book(v0);
    expect(b.judge([v3.newest.bytes])).toEqual({ kind: 'gap', from: 1 });
    expect(b.judge(bytes(v3).slice(1)).kind).toBe('extended');
    expect(book().judge([v2.newest.bytes])).toEqual({ kind: 'gap', from: 0 });
  });

  test('finds two entries of one version, once, with a proof anybody can check', () => {
    const b = book(v3);
    const first = b.judge(bytes(clone2)) as Verdict & { proof: ForkProof };
    expect(first).toMatchObject({ kind: 'fork', first: true });
    expect(first.proof.version).toBe(2);
    expect(verifyForkProof(first.proof)).toBe(true);
    expect(b.judge(bytes(clone2))).toMatchObject({ kind: 'fork', first: false });
    expect(b.frozen(v0.nodeId)).toBeDefined();
    const [x, y] = first.proof.entries;
    expect(verifyForkProof({ ...first.proof, entries: [x, x] })).toBe(false);
    expect(verifyForkProof({ ...first.proof, entries: [x, flip(y, 900)] })).toBe(false);
    expect(verifyForkProof({ ...first.proof, nodeId: self.nodeId })).toBe(false);
    expect(verifyForkProof({ ...first.proof, before: v0.newest.bytes })).toBe(false);
  });

  test('a fork hidden behind a later entry comes out with the whole list', () => {
    const b = book(v2);
    expect(b.judge([clone3.newest.bytes])).toEqual({ kind: 'gap', from: 0 });
    expect(b.frozen(v0.nodeId)).toBeUndefined();
    expect(b.judge(bytes(clone3))).toMatchObject({ kind: 'fork', first: true });
  });

  const named = (identity: Identity, version: number) => {
    const entry = identity.entries[version]!;
    return { nodeId: entry.nodeId, version, hash: sha256(entry.bytes) };
  };

  test.each([
    ['the pinned one', v3, clone3],
    ['the other one', clone3, v3],
  ])('a frozen identity does not grow until the operator names %s', async (_what, good, bad) => {
    const b = book(v2);
    b.judge(bytes(clone2));
    expect(b.judge(bytes(v3)).kind).toBe('fork');
    b.settle(named(good, 2));
    expect(b.frozen(v0.nodeId)).toBeUndefined();
    expect(b.judge(bytes(good)).kind).toBe('extended');
    // The list that was decided against neither grows nor freezes anything again.
    expect(await codeOf(() => b.judge(bytes(bad)))).toBe('bad_key_list');
    expect(b.judge([bad.newest.bytes])).toEqual({ kind: 'gap', from: 0 });
    expect(b.frozen(v0.nodeId)).toBeUndefined();
    expect(b.judge(bytes(good)).kind).toBe('same');
  });

  test('who has pinned the wrong list, or none yet, takes the named one only', async () => {
    const wrong = book(clone3);
    wrong.settle(named(v3, 2));
    expect(wrong.list(v0.nodeId)).toHaveLength(2);
    expect(wrong.judge(bytes(v3)).kind).toBe('extended');
    const fresh = book();
    fresh.settle(named(v3, 2));
    expect(await codeOf(() => fresh.judge(bytes(clone3)))).toBe('bad_key_list');
    expect(fresh.judge(bytes(v3)).kind).toBe('pinned');
  });

  test('a later fork is a new one, and an earlier word does not decide it', () => {
    const b = book(v2);
    b.judge(bytes(clone2));
    b.settle(named(v2, 2));
    b.judge(bytes(v3));
    const other3 = v2.rotate(seededRandom('other'), T0 + 7 * HOUR);
    expect(b.judge(bytes(other3))).toMatchObject({ kind: 'fork', first: true });
    b.settle(named(v2, 2));
    expect(b.frozen(v0.nodeId)).toBeDefined();
    b.settle(named(other3, 3));
    expect(b.frozen(v0.nodeId)).toBeUndefined();
    expect(b.head(v0.nodeId)!.time).toBe(T0 + 7 * HOUR);
  });

  test('the word is one that the operator signed', async () => {
    const certificate = issueHeadCertificate(operator, named(v2, 2), T0);
    expect(parseOperatorRecord(certificate, pinned)).toMatchObject({
      kind: 'head',
      number: T0,
      head: named(v2, 2),
    });
    for (let bit = 3; bit < certificate.length * 8; bit += 29) {
      const parse = () => parseOperatorRecord(flip(certificate, bit), pinned);
      expect(await codeOf(parse)).toBe('bad_record');
    }
  });

  test('nobody without the keys can freeze or grow another’s list', async () => {
    const stranger = Identity.create(seededRandom('stranger'), T0).rotate(random, T0 + HOUR);
    const b = book(v1);
    expect(await codeOf(() => b.judge([v0.newest.bytes, stranger.newest.bytes]))).toBe(
      'bad_key_list',
    );
    expect(await codeOf(() => b.judge([]))).toBe('bad_key_list');
    expect(b.frozen(v0.nodeId)).toBeUndefined();
    expect(b.head(v0.nodeId)!.version).toBe(1);
  });

  test('the own list being longer elsewhere is a rollback', () => {
    const b = new KeyBook(v1.entries);
    expect(b.judge(bytes(v3))).toEqual({ kind: 'rollback', version: 3 });
    expect(b.head(v0.nodeId)!.version).toBe(1);
    expect(b.judge(bytes(v0)).kind).toBe('older');
    b.setSelf(v3.entries);
    expect(b.judge(bytes(v3)).kind).toBe('same');
  });

  test('comes back from its file with lists and forks; a damaged file is refused', async () => {
    const b = book(v2);
    b.judge(bytes(clone2));
    b.judge(bytes(party('other').identity));
    const file = b.toBytes();
    const again = KeyBook.parse(file, self.entries);
    expect(again.nodes.length).toBe(3);
    expect(again.head(v0.nodeId)!.version).toBe(2);
    expect(verifyForkProof(again.frozen(v0.nodeId)!)).toBe(true);
    expect(toHex(again.toBytes())).toBe(toHex(file));
    for (let cut = 0; cut < file.length; cut += 37) {
      expect(await codeOf(() => KeyBook.parse(file.subarray(0, cut), self.entries))).toBe(
        'bad_key_list',
      );
    }
    for (let bit = 5; bit < file.length * 8; bit += 331) {
      expect(await codeOf(() => KeyBook.parse(flip(file, bit), self.entries))).toBe('bad_key_list');
    }
  });
});

describe('keys at the handshake', () => {
  const alice = party('alice');
  const meet = async (identity: Identity, keyBook?: KeyBook, judgesKeysLater = false) => {
    const base = { secrets, random: seededRandom('h') };
    const checks = { ...(keyBook && { keyBook }), judgesKeysLater };
    const a = new MemberHandshake({ ...base, ...alice, ...checks, role: 'initiator' });
    const bootId = seededRandom('b')(16);
    const b = new MemberHandshake({ ...base, identity, bootId, role: 'responder' });
    return codeOf(() => converse(a.start(), a, b));
  };

  test('a later entry is believed from the key book only', async () => {
    expect(await meet(v0)).toBe('no error');
    expect(await meet(v2)).toBe('bad_key_list');
    expect(await meet(v2, book(v2))).toBe('no error');
    expect(await meet(v2, undefined, true)).toBe('no error');
  });

  test('a key that was rotated away, and one in another’s place, open nothing', async () => {
    expect(await meet(v1, book(v2))).toBe('bad_key_list');
    expect(await meet(v0, book(v2))).toBe('bad_key_list');
    // A driver that judges later refuses it itself, and tells the peer why (swarm's keys.ts).
    expect(await meet(v0, book(v2), true)).toBe('no error');
    expect(await meet(clone2, book(v2))).toBe('bad_key_list');
  });

  test('a frozen identity opens nothing', async () => {
    const b = book(v2);
    b.judge(bytes(clone2));
    expect(await meet(v2, b)).toBe('bad_key_list');
  });
});
