import { describe, expect, test } from 'vitest';
import {
  checkCertificate,
  createCrypto,
  createEpochRecord,
  enterEpoch,
  forgetOldEpochs,
} from '../../src/secure/index.ts';
import { issueCertificate, issueRevocations, newerRevocations } from '../../src/secure/index.ts';
import {
  openEpochRecord,
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
    const revoked = issueRevocations(operator, undefined, { serials: [read.serial] });
    expect(() => checkCertificate(read, alice!.nodeId, T0, revoked)).toThrow('revoked');
    const expelled = issueRevocations(operator, undefined, { expelled: [alice!.nodeId] });
    expect(() => checkCertificate(read, alice!.nodeId, T0, expelled)).toThrow('expelled');
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
    const revocations = issueRevocations(operator, undefined, {}).bytes;
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

describe('the revocation list', () => {
  test('grows by number; the highest wins', () => {
    const one = issueRevocations(operator, undefined, { serials: ['ab'.repeat(16)] });
    const two = issueRevocations(operator, one, { expelled: [bob!.nodeId] });
    const read = parseRevocations(two.bytes, pinned);
    expect(read.number).toBe(2);
    expect([...read.serials]).toEqual(['ab'.repeat(16)]);
    expect([...read.expelled]).toEqual([bob!.nodeId]);
    expect(newerRevocations(one, two)).toBe(two);
    expect(newerRevocations(two, one)).toBe(two);
    expect(newerRevocations(undefined, one)).toBe(one);
  });

  test('changed or of another swarm it is refused', async () => {
    const list = issueRevocations(operator, undefined, { expelled: [bob!.nodeId] });
    for (let bit = 0; bit < list.bytes.length * 8; bit += 19) {
      expect(await codeOf(() => parseRevocations(flip(list.bytes, bit), pinned))).toBe(
        'bad_record',
      );
    }
    const other = issueRevocations(OperatorKey.create(random), undefined, {});
    expect(await codeOf(() => parseRevocations(other.bytes, pinned))).toBe('bad_record');
    expect(() => issueRevocations(operator, list, { serials: ['abcd'] })).toThrow('32 hex digits');
  });
});

describe('EPOCH records', () => {
  const epochKey = seededRandom('new epoch')(32);
  const joinKey = seededRandom('new join')(32);
  const members = [alice!.newest, bob!.newest];
  const record = createEpochRecord(operator, {
    epoch: 4,
    epochKey,
    joinKey,
    members,
    nowSeconds: T0,
    random,
  });

  test('take those that stay into the new epoch and keep the old key for those away', () => {
    for (const identity of [alice!, bob!]) {
      const next = enterEpoch(secrets, record, identity, T0);
      expect(next.epoch).toBe(4);
      expect(toHex(next.epochKey!)).toBe(toHex(epochKey));
      expect(toHex(next.joinKey)).toBe(toHex(joinKey));
      expect(toHex(next.epochRecord!)).toBe(toHex(record));
      expect(next.previous).toEqual([{ epoch: 3, epochKey: secrets.epochKey, replacedAt: T0 }]);
      expect(enterEpoch(next, record, identity, T0)).toBe(next);
      expect(forgetOldEpochs(next, T0 + 30 * DAY - 1)).toBe(next);
      expect(forgetOldEpochs(next, T0 + 30 * DAY).previous).toEqual([]);
    }
  });

  test('give an expelled host nothing', async () => {
    expect(openEpochRecord(record, pinned, carol!)).toEqual({ epoch: 4, time: T0 });
    expect(await codeOf(() => enterEpoch(secrets, record, carol!, T0))).toBe('not_admitted');
  });

  test('of an older epoch change nothing', () => {
    expect(enterEpoch({ ...secrets, epoch: 5 }, record, alice!, T0).epoch).toBe(5);
  });

  test('changed anywhere or by another operator are refused', async () => {
    for (let bit = 0; bit < record.length * 8; bit += 31) {
      expect(await codeOf(() => openEpochRecord(flip(record, bit), pinned, alice!))).toBe(
        'bad_record',
      );
    }
    const options = { epoch: 9, epochKey, joinKey, members, nowSeconds: T0, random };
    const foreign = createEpochRecord(OperatorKey.create(random), options);
    expect(await codeOf(() => enterEpoch(secrets, foreign, alice!, T0))).toBe('bad_record');
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
