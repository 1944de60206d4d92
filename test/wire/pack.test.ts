import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, pack, toHex, unpack, type Packable } from '../../src/wire/index.ts';

describe('MessagePack', () => {
  const known: [string, Packable][] = [
    ['c0', null],
    ['c3', true],
    ['07', 7],
    ['a26869', 'hi'],
    ['c402ff00', Uint8Array.of(255, 0)],
    ['9201a162', [1, 'b']],
    ['81a16101', { a: 1 }],
    ['cb3ff8000000000000', 1.5],
    ['cf8000000000000000', 2n ** 63n],
    ['d38000000000000000', -(2n ** 63n)],
  ];

  test.each(known)('known bytes %s both ways', (hex, value) => {
    expect(toHex(pack(value))).toBe(hex);
    expect(unpack(fromHex(hex))).toEqual(value);
  });

  test('safe integers come back as numbers, larger ones as BigInt', () => {
    expect(unpack(pack(2n ** 53n - 1n))).toBe(2 ** 53 - 1);
    expect(unpack(pack(2n ** 53n))).toBe(2n ** 53n);
  });

  test('properties that are undefined are left out', () => {
    expect(toHex(pack({ a: undefined, b: 1 }))).toBe('81a16201');
  });

  test('a message cut at every offset is refused', () => {
    const whole = pack({ name: 'web1', values: [1, 2n ** 60n, 'x', Uint8Array.of(1, 2)] });
    for (let length = 0; length < whole.length; length++) {
      expect(() => unpack(whole.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'malformed' }),
      );
    }
    expect(() => unpack(new Uint8Array([...whole, 0]))).toThrow(/not a message/);
  });

  test.each([
    ['a string of 4 GiB', 'dbffffffff'],
    ['bytes of 4 GiB', 'c6ffffffff'],
    ['an array of 4 G elements', 'ddffffffff'],
    ['a map of 4 G entries', 'dfffffffff'],
    ['an extension type', 'd40100'],
    ['a timestamp', 'd6ff00000000'],
    ['a map with a key that is no string', '810101'.replace('01', 'c0')],
    ['nesting of 200 arrays', '91'.repeat(200) + 'c0'],
    ['the key __proto__', '81a95f5f70726f746f5f5f80'],
  ])('%s is refused', (_what, hex) => {
    expect(() => unpack(fromHex(hex))).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  test('who keeps a few bytes of a message does not keep the rest of it in memory', () => {
    const padding = new Uint8Array(200 * 1024);
    const message = pack({ kept: Uint8Array.of(1, 2, 3), padding });
    const { kept, padding: large } = unpack(message) as Record<string, Uint8Array>;
    expect(kept!.buffer.byteLength).toBe(3);
    expect(large!.buffer).toBe(message.buffer);
  });

  test('arrays within arrays that all claim to be large allocate nothing', () => {
    const lie = new Uint8Array(256 * 1024).fill(0xc0);
    for (let i = 0; i < 1000; i++) lie.set([0xdd, 0, 3, 0xf0, 0], i * 5);
    const before = process.memoryUsage().heapUsed;
    expect(() => unpack(lie)).toThrow(expect.objectContaining({ code: 'malformed' }));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50 * 1024 * 1024);
  });

  test('whatever is packed comes back', () => {
    const packable = fc.letrec<{ value: Packable }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.double({ noNaN: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
        fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
        fc.string(),
        fc.uint8Array(),
        fc.array(tie('value') as fc.Arbitrary<Packable>),
        fc.dictionary(fc.string(), tie('value') as fc.Arbitrary<Packable>, {
          noNullPrototype: true,
        }),
      ),
    })).value;
    fc.assert(
      fc.property(packable, (value) => {
        fc.pre(
          !JSON.stringify(value, (_k, v) => (typeof v === 'bigint' ? 0 : v)).includes(
            '"__proto__"',
          ),
        );
        expect(unpack(pack(value))).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  test('random bytes give a value or a WireError, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        try {
          unpack(garbage);
        } catch (error) {
          expect(error).toMatchObject({ name: 'WireError', code: 'malformed' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
