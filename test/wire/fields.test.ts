import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFields, encodeFields, fromHex, toHex, utf8 } from '../../src/wire/index.ts';

describe('fields of signed objects', () => {
  const bytes = '00000002' + '6869' + '00000000' + '00000001' + 'ff';

  test('known bytes both ways', () => {
    const fields = [utf8('hi'), new Uint8Array(0), Uint8Array.of(255)];
    expect(toHex(encodeFields(fields))).toBe(bytes);
    expect(decodeFields(fromHex(bytes), 3).map(toHex)).toEqual(['6869', '', 'ff']);
  });

  test('cut at every offset they are refused', () => {
    const whole = fromHex(bytes);
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeFields(whole.subarray(0, length), 3)).toThrow(
        expect.objectContaining({ code: 'truncated' }),
      );
    }
  });

  test('bytes after the last field are refused, so each object has one encoding', () => {
    expect(() => decodeFields(fromHex(bytes), 2)).toThrow(
      expect.objectContaining({ code: 'trailing_bytes' }),
    );
  });

  test('a length beyond the end is refused, up to the largest one', () => {
    for (const length of ['00000001', '7fffffff', 'ffffffff']) {
      expect(() => decodeFields(fromHex(length), 1)).toThrow(
        expect.objectContaining({ code: 'truncated' }),
      );
    }
  });

  test('whatever is encoded comes back, and random bytes never crash', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (fields) => {
        expect(decodeFields(encodeFields(fields), fields.length).map(toHex)).toEqual(
          fields.map(toHex),
        );
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(5), (garbage, count) => {
        try {
          expect(toHex(encodeFields(decodeFields(garbage, count)))).toBe(toHex(garbage));
        } catch (error) {
          expect((error as Error).name).toBe('WireError');
        }
      }),
    );
  });
});
