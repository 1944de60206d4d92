/** Keys of the operator: who may add, revoke and replace whom, whatever order their words come in. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createEpoch,
  isCounted,
  issueKeyStatement,
  issueRevocations,
  KEYS_OF_ONE_MAX,
  OperatorKey,
  OperatorSet,
  parseAnyEpochHead,
  parseEpochHead,
  parseKeyStatement,
  parseOperatorRecord,
  parseRevocations,
  rankOf,
  splitStatements,
  STATEMENTS_MAX,
  type KeyStatement,
} from '../../src/secure/index.ts';
import { concat, decodeFields, encodeFields, toHex } from '../../src/wire/index.ts';
import { codeOf, flip, operator, party, seededRandom, T0 } from './fixture.ts';

const keyOf = (name: string): OperatorKey =>
  OperatorKey.create(seededRandom(`operator key ${name}`), operator.swarmId);
const [b, c, d, x, y] = ['b', 'c', 'd', 'x', 'y'].map(keyOf) as [
  ...[OperatorKey, OperatorKey, OperatorKey, OperatorKey, OperatorKey],
];
const hex = (key: OperatorKey): string => toHex(key.publicKey);
const add = (by: OperatorKey, key: OperatorKey, number = 1000, name = 'k'): KeyStatement =>
  issueKeyStatement(by, { verb: 'add', key: hex(key), number, made: T0, name, stay: [] });
const revoke = (by: OperatorKey, key: OperatorKey, stay: OperatorKey[] = []): KeyStatement =>
  issueKeyStatement(by, {
    ...{ verb: 'revoke', key: hex(key), number: 0, made: T0, name: '' },
    stay: stay.map(hex),
  });
const setOf = (...statements: KeyStatement[]): OperatorSet =>
  OperatorSet.of(operator.publicKey).withAll(statements.map(({ bytes }) => bytes));
const counting = (set: OperatorSet, ...keys: OperatorKey[]): OperatorKey[] =>
  keys.filter((key) => set.counts(hex(key)));
const all = [operator, b, c, d, x, y];

/** The first key has added b, then c; b has added d. */
const grown = [add(operator, b, 1000), add(operator, c, 2000), add(b, d)];

describe('keys of the operator', () => {
  test('count when one that is listed has added them, and in the order of seniority', () => {
    const set = setOf(...grown);
    expect(set.keys.map(({ key }) => key)).toEqual([operator, b, d, c].map(hex));
    expect(counting(set, ...all)).toEqual([operator, b, c, d]);
    expect(set.keys[2]).toMatchObject({ id: d.id, added: { signer: hex(b) }, counts: true });
    // Nobody listed x, so that what x adds counts neither.
    expect(set.with(add(x, y))).toBeUndefined();
    expect(setOf(add(x, y), add(operator, x)).counts(hex(y))).toBe(true);
  });

  test('are ended for good by a senior one, with all that they have said and added', () => {
    const thief = [add(b, x), revoke(b, operator), revoke(b, c)];
    expect(counting(setOf(...grown, ...thief), ...all)).toEqual([b, d, x]);
    const set = setOf(...grown, ...thief, revoke(operator, b));
    expect(counting(set, ...all)).toEqual([operator, c]);
    expect(set.get(hex(b))).toMatchObject({ revokedBy: hex(operator), isFinal: true });
    // Whatever the thief says after that.
    const more = [revoke(x, operator), revoke(b, b, [x]), add(b, y), revoke(b, operator, [b])];
    expect(counting(setOf(...grown, ...thief, revoke(operator, b), ...more), ...all)).toEqual([
      ...[operator, c],
    ]);
    // What the senior one names stays.
    const kept = setOf(...grown, ...thief, revoke(operator, b, [d]));
    expect(counting(kept, ...all)).toEqual([operator, c, d]);
  });

  test('that are lost are ended by a junior one, until they speak against it', () => {
    const lost = [...grown, revoke(c, operator)];
    const set = setOf(...lost);
    expect(counting(set, ...all)).toEqual([b, c, d]);
    expect(set.get(hex(operator))).toMatchObject({ revokedBy: hex(c), isFinal: false });
    // c is behind b: its word ends b as well, and b can answer it.
    expect(counting(setOf(...lost, revoke(c, b)), ...all)).toEqual([c, d]);
    expect(counting(setOf(...lost, revoke(c, b), revoke(b, c)), ...all)).toEqual([operator, b, d]);
    expect(counting(setOf(...lost, revoke(operator, c)), ...all)).toEqual([operator, b, d]);
  });

  test('that are replaced take nothing back: who has the old one can only end what follows it', () => {
    // The first key retires for x, which stands before b and c by its lower number.
    const retired = [...grown, add(operator, x, 999), revoke(operator, operator, [x, b, c])];
    const set = setOf(...retired);
    expect(counting(set, ...all)).toEqual([b, c, d, x]);
    expect(set.keys.map(({ key }) => key)).toEqual([operator, x, b, d, c].map(hex));
    const thief = [add(operator, y, 1), revoke(operator, x), revoke(operator, c)];
    expect(counting(setOf(...retired, ...thief), ...all)).toEqual([b, c, d, x]);
    const worse = [...thief, revoke(operator, operator, [y, b])];
    expect(counting(setOf(...retired, ...worse), ...all)).toEqual([b, d]);
    // As many as it likes push neither out what stays nor the word that ended it.
    const flood = Array.from({ length: 40 }, (_, at) => keyOf(`flood ${at}`)).flatMap((key, at) => [
      add(operator, key, at),
      revoke(operator, key),
      revoke(operator, operator, [x, b, c, key]),
    ]);
    expect(counting(setOf(...retired, ...flood), ...all)).toEqual([b, c, d, x]);
    // Nor does it make hosts keep and pass on one after the other.
    let news = 0;
    let told = set;
    for (let number = 900; number > 600; number--) {
      const next = told.with(add(operator, x, number)) ?? told;
      if (next !== told) news++;
      told = next;
    }
    expect(news).toBeLessThan(30);
    expect(counting(told, ...all)).toEqual([b, c, d, x]);
  });

  test('are bounded, and what one key says takes no place of what a senior one says', () => {
    const fourteen = Array.from({ length: 14 }, (_, at) => keyOf(`many ${at}`));
    const many = fourteen.map((key, at) => add(b, key, at));
    const deep = fourteen.flatMap((by) =>
      fourteen.flatMap((key, at) => [revoke(by, key), add(by, keyOf(`${by.id} ${at}`), at)]),
    );
    const set = setOf(...many, ...deep, ...grown, revoke(operator, c));
    expect(set.statements.length).toBeLessThanOrEqual(STATEMENTS_MAX);
    expect(set.statements.filter(({ signer }) => signer === hex(b))).toHaveLength(KEYS_OF_ONE_MAX);
    expect(counting(set, operator, b, c)).toEqual([operator, b]);
    const ended = set.withAll([revoke(operator, b).bytes]);
    expect(ended.keys.map(({ key }) => key)).toEqual([operator, b, c].map(hex));
  });

  test('that are ended take no room of others, however much they have said and go on to say', () => {
    // Of each key that it revokes as many words as can say something: each lets one key less stay.
    const many = Array.from({ length: KEYS_OF_ONE_MAX }, (_, at) => keyOf(`room ${at}`));
    const words = many.flatMap((key) => {
      const said: KeyStatement[] = [];
      for (let made = T0; said.length < 8; made++) {
        const stay = many.slice(said.length).map(hex);
        const content = { key: hex(key), number: 0, made, name: '', stay };
        const one = issueKeyStatement(b, { ...content, verb: 'revoke' });
        // Those with the lower hash are looked at first; room is left above for the ones to come.
        const [least, most] = [said.at(-1)?.hash ?? '', '2468aceg'[said.length]!];
        if (one.hash > least && one.hash < most) said.push(one);
      }
      return said;
    });
    const set = setOf(...grown, revoke(operator, b), ...words);
    expect(set.statements).toHaveLength(STATEMENTS_MAX);
    expect(counting(set, ...all)).toEqual([operator, c]);
    const later = set.withAll([add(c, x).bytes, revoke(c, d).bytes]);
    expect(counting(later, ...all)).toEqual([operator, c, x]);
    expect(later.statements).toHaveLength(STATEMENTS_MAX);
  });

  test('agree on every host, in whatever order and parts the statements came', () => {
    const keys = [operator, b, c, d, x];
    const said = fc.record({
      by: fc.nat(4),
      key: fc.nat(4),
      verb: fc.constantFrom('add', 'revoke'),
      number: fc.nat(3),
      stay: fc.uniqueArray(fc.nat(4), { maxLength: 3 }),
    });
    const world = fc.tuple(fc.array(said, { maxLength: 14 }), fc.infiniteStream(fc.nat()));
    fc.assert(
      fc.property(world, ([words, lots]) => {
        const statements = words.map(({ by, key, verb, number, stay }) =>
          verb === 'add'
            ? add(keys[by]!, keys[key]!, number)
            : revoke(
                keys[by]!,
                keys[key]!,
                stay.map((at) => keys[at]!),
              ),
        );
        const shuffled = [...statements].sort(() => (lots.next().value! % 2 === 0 ? 1 : -1));
        const half = Math.floor(shuffled.length / 2);
        // Two sides of a cut, each with a part, tell each other what they keep until both are the same.
        let [one, other] = [setOf(...shuffled.slice(0, half)), setOf(...shuffled.slice(half))];
        for (let round = 0; round < 20; round++) {
          [one, other] = [
            one.withAll(other.statements.map(({ bytes }) => bytes)),
            other.withAll(one.statements.map(({ bytes }) => bytes)),
          ];
        }
        expect(other.keys).toEqual(one.keys);
        expect(new Set(other.statements.map(({ hash }) => hash))).toEqual(
          new Set(one.statements.map(({ hash }) => hash)),
        );
        // The first key is the last word: only its own ends it for good.
        const first = one.get(hex(operator))!;
        expect(first.isFinal ? first.revokedBy : hex(operator)).toBe(hex(operator));
      }),
      { numRuns: 150 },
    );
  });
});

describe('statements', () => {
  const set = setOf(...grown);
  const pinned = { operatorKey: operator.publicKey, swarmId: operator.swarmId, operators: set };

  test('come back as they were signed, and in no other form', async () => {
    const statement = revoke(b, d, [x]);
    expect(parseKeyStatement(statement.bytes, pinned)).toEqual(statement);
    expect(parseOperatorRecord(statement.bytes, pinned)).toEqual(statement);
    for (let bit = 0; bit < statement.bytes.length * 8; bit += 13) {
      const parse = () => parseKeyStatement(flip(statement.bytes, bit), pinned);
      expect(await codeOf(parse)).toBe('bad_record');
    }
    // The same of the first key, with that key named: it would be another record with another hash.
    const [body, signature] = decodeFields(add(operator, x).bytes, 2);
    const named = encodeFields([body!, concat(operator.publicKey, signature!)]);
    expect(await codeOf(() => parseKeyStatement(named, pinned))).toBe('bad_record');
    // By a key that nobody added, and of another swarm.
    expect(await codeOf(() => parseKeyStatement(add(x, y).bytes, pinned))).toBe('bad_record');
    const foreign = OperatorKey.create(seededRandom('another swarm'));
    expect(await codeOf(() => parseKeyStatement(add(foreign, y).bytes, pinned))).toBe('bad_record');
    expect(() => add(operator, x, 1, 'Not A Name')).toThrow(
      'the name "Not A Name" is not of up to',
    );
  });

  test('are shown many at once, and no more than are kept', async () => {
    const shown = grown.map(({ bytes }) => bytes);
    expect(splitStatements(encodeFields(shown))).toEqual(shown);
    const many = Array.from({ length: STATEMENTS_MAX + 2 }, () => new Uint8Array(1));
    expect(await codeOf(() => splitStatements(encodeFields(many)))).toBe('malformed');
    expect(await codeOf(() => splitStatements(encodeFields(shown).subarray(1)))).toBe('malformed');
  });

  test('decide whose records count, and whose EPOCH stands above whose', async () => {
    const list = issueRevocations(
      d,
      [],
      { expelled: [party('h').identity.nodeId] },
      {
        ...{ day: 20_000, epoch: 3 },
      },
    );
    expect(parseRevocations(list.bytes, pinned).number).toBe(1);
    const without = { ...pinned, operators: setOf(...grown, revoke(operator, b)) };
    expect(await codeOf(() => parseRevocations(list.bytes, without))).toBe('bad_record');
    // Whoever does not know of further keys believes the first one alone.
    const alone = { operatorKey: operator.publicKey, swarmId: operator.swarmId };
    expect(await codeOf(() => parseRevocations(list.bytes, alone))).toBe('bad_record');
    expect([hex(operator), hex(b)].map((key) => isCounted(key, alone))).toEqual([true, false]);
    const members = [{ entry: party('h').identity.newest, nameTag: new Uint8Array(8) }];
    const made = (by: OperatorKey, epoch: number) =>
      createEpoch(by, {
        ...{ epoch, parent: undefined, epochKey: new Uint8Array(32), nowSeconds: T0, members },
        random: seededRandom('heads'),
      }).head;
    const [low, high] = [made(operator, 4), made(b, 1000)];
    expect(parseEpochHead(high.bytes, pinned)).toEqual(high);
    expect(rankOf(high, pinned) > rankOf(low, pinned)).toBe(true);
    expect(await codeOf(() => parseEpochHead(high.bytes, without))).toBe('bad_record');
    expect(parseAnyEpochHead(high.bytes, without)).toEqual(high);
    expect(rankOf(high, without) < rankOf(low, without)).toBe(true);
  });
});

describe('the file and the words of a further key', () => {
  test('give the same key back', async () => {
    const random = seededRandom('file');
    const text = await b.toFile({ random });
    const read = await OperatorKey.fromFile(text);
    expect([read.id, toHex(read.swarmId), read.isFirst]).toEqual([
      ...[b.id, toHex(operator.swarmId), false],
    ]);
    const other = text.replace(hex(b), hex(c));
    expect(await codeOf(() => OperatorKey.fromFile(other))).toBe('bad_operator_key');
    expect(OperatorKey.fromWords(b.toWords(), operator.swarmId).id).toBe(b.id);
    expect(OperatorKey.fromWords(b.toWords()).isFirst).toBe(true);
    const sealed = await b.toFile({ random, passphrase: 'long enough' });
    expect((await OperatorKey.fromFile(sealed, 'long enough')).id).toBe(b.id);
  });
});
