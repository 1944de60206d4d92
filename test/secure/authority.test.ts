import { describe, expect, test } from 'vitest';
import {
  checkCertificate,
  createCrypto,
  createEpoch,
  enterEpoch,
  forgetOldEpochs,
} from '../../src/secure/index.ts';
import {
  issueCertificate,
  issueRevocations,
  parseOperatorRecord,
  revokedBy,
  type RevocationRecord,
} from '../../src/secure/index.ts';
import {
  isPartOf,
  openEpoch,
  parseEpochHead,
  partFor,
  wayKeys,
  openFromMany,
  OperatorKey,
  parseCertificate,
} from '../../src/secure/index.ts';
import { parseRevocations, permits, sealToMany, x25519KeyPair } from '../../src/secure/index.ts';
import {
  concat,
  decodeFields,
  encodeFields,
  fromHex,
  fromUtf8,
  toHex,
  utf8,
} from '../../src/wire/index.ts';
import { codeOf, flip, operator, party, secrets, seededRandom, T0 } from './fixture.ts';

const pinned = { operatorKey: operator.publicKey, swarmId: operator.swarmId };
const random = seededRandom('authority');
const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => party(name).identity);
const DAY = 86_400;
const NOW = { day: 20_000, epoch: 3 };
/** The first list of a swarm. */
const revoked1 = (added: { serials?: string[]; expelled?: string[] }) =>
  issueRevocations(operator, [], added, NOW);

const recordOf = ({ bytes }: { readonly bytes: Uint8Array }) =>
  parseOperatorRecord(bytes, pinned) as RevocationRecord;

const content = {
  nodeId: alice!.nodeId,
  roles: ['commander'],
  actions: ['restart-nginx'],
  tables: ['processes'],
  notBefore: T0,
  notAfter: T0 + 90 * DAY,
};

describe('role certificates', () => {
  const certificate = issueCertificate(operator, content, random);
  const read = parseCertificate(certificate.bytes, pinned);

  test('come back as issued and allow what they name, nothing else', () => {
    expect(read).toMatchObject({ ...content, serial: certificate.serial });
    expect(permits(read, { role: 'commander' })).toBe(true);
    expect(permits(read, { role: 'operator' })).toBe(false);
    expect(permits(read, { action: 'restart-nginx' })).toBe(true);
    expect(permits(read, { action: 'reboot' })).toBe(false);
    expect(permits(read, { table: 'processes' })).toBe(true);
    expect(permits(read, { table: 'shadow' })).toBe(false);
    const none = issueCertificate(operator, { ...content, actions: [], tables: ['*'] }, random);
    expect(permits(none, { action: 'restart-nginx' })).toBe(false);
    expect(permits(none, { table: 'shadow' })).toBe(true);
  });

  test('hold for their node, in their time, until revoked', () => {
    const check =
      (by = alice!.nodeId, now = T0 + DAY) =>
      () =>
        checkCertificate(read, by, now);
    expect(check()).not.toThrow();
    expect(check(bob!.nodeId)).toThrow(`it belongs to ${alice!.nodeId}`);
    expect(check(alice!.nodeId, T0 - 1)).toThrow('not valid yet');
    expect(check(alice!.nodeId, T0 + 90 * DAY + 1)).toThrow('run out');
    const revoked = revoked1({ serials: [read.serial] });
    expect(() => checkCertificate(read, alice!.nodeId, T0, revokedBy([recordOf(revoked)]))).toThrow(
      'revoked',
    );
    const expelled = revoked1({ expelled: [alice!.nodeId] });
    expect(() =>
      checkCertificate(read, alice!.nodeId, T0, revokedBy([recordOf(expelled)])),
    ).toThrow('expelled');
  });

  test('longer than 90 days or with odd names none is issued', () => {
    const issue = (change: object) => () =>
      issueCertificate(operator, { ...content, ...change }, random);
    expect(issue({ notAfter: T0 + 90 * DAY + 1 })).toThrow('more than 90 days');
    expect(issue({ notAfter: T0 })).toThrow('ends before it begins');
    expect(issue({ actions: ['rm -rf /'] })).toThrow('not a name: "rm -rf /"');
  });

  test('of another operator, cut short or changed are refused', async () => {
    const other = issueCertificate(OperatorKey.create(random), content, random);
    expect(await codeOf(() => parseCertificate(other.bytes, pinned))).toBe('bad_certificate');
    const revocations = revoked1({}).bytes;
    expect(() => parseCertificate(revocations, pinned)).toThrow('not a valid role certificate');
    for (let cut = 0; cut < read.bytes.length; cut += 5) {
      const short = read.bytes.subarray(0, cut);
      expect(await codeOf(() => parseCertificate(short, pinned))).toBe('bad_certificate');
    }
    for (let bit = 0; bit < read.bytes.length * 8; bit += 17) {
      const changed = flip(read.bytes, bit);
      expect(await codeOf(() => parseCertificate(changed, pinned))).toBe('bad_certificate');
    }
  });
});

describe('revocation lists', () => {
  const [first, second] = ['ab'.repeat(16), 'cd'.repeat(16)] as const;

  test('say together what each says, and one stands in place of those it names', () => {
    const one = revoked1({ serials: [first] });
    const two = issueRevocations(operator, [one], { expelled: [bob!.nodeId] }, NOW);
    const read = parseRevocations(two.bytes, pinned);
    expect(read.number).toBe(2);
    expect(read.merges).toEqual([one.hash]);
    expect([...read.serials.keys()]).toEqual([first]);
    expect([...read.expelled.keys()]).toEqual([bob!.nodeId.slice(0, 32)]);
    // Two operators who did not hear each other.
    const here = revoked1({ expelled: [alice!.nodeId] });
    const there = issueRevocations(operator, [revoked1({})], { serials: [second] }, NOW);
    const both = revokedBy([recordOf(here), recordOf(there)]);
    expect([...both.expelled, ...both.serials]).toEqual([alice!.nodeId.slice(0, 32), second]);
    const merged = issueRevocations(operator, [here, there], {}, NOW);
    expect(merged.number).toBe(3);
    expect(merged.merges).toEqual([here.hash, there.hash]);
    expect(revokedBy([recordOf(merged)])).toEqual(both);
  });

  test('keep an entry until 400 days and two epochs later, and hold ten thousand', () => {
    const old = revoked1({ expelled: [bob!.nodeId] });
    const later = (day: number, epoch: number) =>
      issueRevocations(operator, [old], {}, { day: NOW.day + day, epoch: NOW.epoch + epoch });
    expect(later(401, 1).expelled.size).toBe(1);
    expect(later(400, 9).expelled.size).toBe(1);
    expect(later(401, 2).expelled.size).toBe(0);
    const many = Array.from({ length: 10_000 }, (_, n) => n.toString(16).padStart(64, '0'));
    const prefixes = many.map((id) => id.slice(32) + id.slice(32));
    const full = revoked1({ expelled: prefixes });
    expect(full.bytes.length).toBeLessThan(250 * 1024);
    expect(parseRevocations(full.bytes, pinned).expelled.size).toBe(10_000);
    expect(() => issueRevocations(operator, [full], { serials: [first] }, NOW)).toThrow(
      '10001 revocations',
    );
  });

  test('changed or of another swarm they are refused', async () => {
    const list = revoked1({ expelled: [bob!.nodeId] });
    for (let bit = 0; bit < list.bytes.length * 8; bit += 19) {
      expect(await codeOf(() => parseRevocations(flip(list.bytes, bit), pinned))).toBe(
        'bad_record',
      );
    }
    const other = issueRevocations(OperatorKey.create(random), [], {}, NOW);
    expect(await codeOf(() => parseRevocations(other.bytes, pinned))).toBe('bad_record');
    expect(() => issueRevocations(operator, [list], { serials: ['abcd'] }, NOW)).toThrow(
      '32 hex digits',
    );
  });
});

describe('EPOCHs', () => {
  const epochKey = seededRandom('new epoch')(32);
  const members = [alice!, bob!].map(({ newest }) => ({
    entry: newest,
    nameTag: new Uint8Array(8),
  }));
  const options = { epoch: 4, parent: secrets.epochId, epochKey, nowSeconds: T0, random };
  const { head, parts } = createEpoch(operator, { ...options, members });
  const part = parts[0]!;
  const self = (identity = alice!, nowSeconds = T0) => ({ identity, nowSeconds });

  test('take those that stay into the new epoch and keep what those away are known by', () => {
    for (const identity of [alice!, bob!]) {
      const next = enterEpoch(secrets, head, part, self(identity));
      expect(next.epoch).toBe(4);
      expect(next.epochId).toBe(head.id);
      expect(toHex(next.epochKey!)).toBe(toHex(epochKey));
      const ways = wayKeys(secrets.swarmId, secrets.epochKey!);
      expect(next.previous).toEqual([
        { epoch: 3, epochKey: secrets.epochKey, ways, replacedAt: T0 },
      ]);
      expect(enterEpoch(next, head, part, self(identity))).toBe(next);
      expect(forgetOldEpochs(next, T0 + 30 * DAY - 1)).toBe(next);
      const month = forgetOldEpochs(next, T0 + 30 * DAY);
      expect(month.previous).toEqual([{ epoch: 3, ways, replacedAt: T0 }]);
      expect(forgetOldEpochs(month, T0 + 400 * DAY - 1)).toBe(month);
      expect(forgetOldEpochs(month, T0 + 400 * DAY).previous).toEqual([]);
    }
  });

  test('give one that was left out nothing', async () => {
    expect(openEpoch(head, part, carol!, secrets.swarmId)).toBeUndefined();
    const enter = () => enterEpoch(secrets, head, part, self(carol));
    expect(await codeOf(enter)).toBe('not_admitted');
    // With the slot of another: it is sealed to that one's key and id.
    const stolen = concat(fromHex(carol!.nodeId).subarray(0, 16), part.subarray(16, 72));
    expect(openEpoch(head, stolen, carol!, secrets.swarmId)).toBeUndefined();
  });

  test('of two with one number the greater id wins, also over one that was entered', () => {
    const rival = createEpoch(operator, { ...options, members, nowSeconds: T0 + 1 });
    const [low, high] = [{ head, parts }, rival].sort((a, b) => (a.head.id < b.head.id ? -1 : 1));
    const inLow = enterEpoch(secrets, low!.head, low!.parts[0], self());
    const inHigh = enterEpoch(inLow, high!.head, high!.parts[0], self());
    expect(inHigh.epochId).toBe(high!.head.id);
    expect(enterEpoch(inHigh, low!.head, low!.parts[0], self())).toBe(inHigh);
  });

  test('hold ten thousand hosts in parts that each fit a frame', () => {
    const entries = Array.from({ length: 10_000 }, (_, n) => ({
      entry: { ...alice!.newest, nodeId: toHex(seededRandom(`node ${n}`)(32)) },
      nameTag: new Uint8Array(8),
    }));
    const big = createEpoch(operator, { ...options, members: [...members, ...entries] });
    expect(big.head.bytes.length).toBeLessThanOrEqual(1024);
    expect(big.parts.map((one) => one.length / 72)).toEqual([3000, 3000, 3000, 1002]);
    for (const [number, one] of big.parts.entries()) {
      expect(isPartOf(big.head, number, one, operator.swarmId)).toBe(true);
      expect(isPartOf(big.head, number, one.subarray(72), operator.swarmId)).toBe(false);
      expect(one.length).toBeLessThan(250 * 1024);
    }
    const own = partFor(big.head, bob!.nodeId)!;
    expect(openEpoch(big.head, big.parts[own]!, bob!, operator.swarmId)).toEqual(epochKey);
  }, 60_000);

  test('changed anywhere or by another operator are refused', async () => {
    for (let bit = 0; bit < head.bytes.length * 8; bit += 31) {
      const changed = flip(head.bytes, bit);
      expect(await codeOf(() => parseEpochHead(changed, pinned))).toBe('bad_record');
    }
    for (let bit = 0; bit < part.length * 8; bit += 31) {
      expect(isPartOf(head, 0, flip(part, bit), operator.swarmId)).toBe(false);
    }
    const foreign = createEpoch(OperatorKey.create(random), { ...options, members });
    expect(await codeOf(() => parseEpochHead(foreign.head.bytes, pinned))).toBe('bad_record');
  });
});

describe('bodies sealed to many', () => {
  const keys = [1, 2, 3].map((i) => ({
    id: seededRandom(`id ${i}`)(32),
    ...x25519KeyPair(seededRandom(`prekey ${i}`)(32)),
  }));
  const context = utf8('request 7');
  const sealed = sealToMany({
    recipients: keys.slice(0, 2),
    plain: utf8('select 1'),
    context,
    random,
  });

  test('open for each recipient and for nobody else', () => {
    const open = (key: (typeof keys)[number], about = context) => {
      const plain = openFromMany(sealed, key, about);
      return plain && fromUtf8(plain);
    };
    expect(keys.map((key) => open(key))).toEqual(['select 1', 'select 1', undefined]);
    expect(open(keys[0]!, utf8('request 8'))).toBeUndefined();
    expect(open({ ...keys[2]!, id: keys[0]!.id })).toBeUndefined();
    expect(open({ ...keys[0]!, id: keys[1]!.id })).toBeUndefined();
  });

  test('cut short they are malformed; changed they open for nobody or are refused', async () => {
    for (let cut = 0; cut < sealed.length; cut++) {
      expect(await codeOf(() => openFromMany(sealed.subarray(0, cut), keys[0]!, context))).toBe(
        'malformed',
      );
    }
    let opened = 0;
    for (let bit = 0; bit < sealed.length * 8; bit += 9) {
      try {
        if (openFromMany(flip(sealed, bit), keys[0]!, context) !== undefined) opened++;
      } catch (error) {
        expect((error as { code: string }).code).toMatch(/^(malformed|bad_key)$/);
      }
    }
    // Only the other recipient's slot may be changed without harm to this one.
    expect(opened).toBeLessThanOrEqual(Math.ceil((56 * 8) / 9) + 1);
  });

  test('what a hostile member makes up costs little and opens nothing', () => {
    const { openFromMany: open } = createCrypto(random(32));
    const own = keys[0]!;
    const slots = new Uint8Array(4096 * 56);
    for (let at = 0; at < slots.length; at += 56) slots.set(own.id.subarray(0, 8), at);
    const [ephemeral, slot, box] = decodeFields(sealed, 3) as [Uint8Array, Uint8Array, Uint8Array];
    expect(open(encodeFields([ephemeral, slot, box]), own, context)).toBeDefined();
    // Behind as many slots of one prefix as this the right one is not looked for any more.
    expect(open(encodeFields([ephemeral, concat(slots, slot), box]), own, context)).toBe(undefined);
    expect(open(encodeFields([new Uint8Array(32), slot, box]), own, context)).toBe(undefined);
    for (let i = 0; i < 500; i++) expect(open(random(i % 200), own, context)).toBe(undefined);
  });

  test('a recipient key of low order is refused', () => {
    const bad = [{ id: fromHex('00'.repeat(32)), publicKey: new Uint8Array(32) }];
    expect(() => sealToMany({ recipients: bad, plain: utf8('x'), context, random })).toThrow(
      'low order',
    );
  });
});
