import { describe, expect, test } from 'vitest';
import { concat, equalBytes, fromHex, fromUtf8, readU64, toHex } from '../../src/wire/index.ts';
import { u64, utf8 } from '../../src/wire/index.ts';

describe('bytes', () => {
  test('hex both ways, refusing what is none', () => {
    expect(toHex(fromHex('00ff10'))).toBe('00ff10');
    expect(toHex(Uint8Array.of(1, 2, 3, 4).subarray(1, 3))).toBe('0203');
    for (const bad of ['0', 'zz', '0x00', '00 ']) expect(() => fromHex(bad)).toThrow(`not hex`);
  });

  test('u64 both ways, refusing what has no exact number above it everywhere', () => {
    for (const value of [0, 1, 2 ** 32, 2 ** 48]) {
      expect(readU64(u64(value))).toBe(value);
    }
    expect(toHex(u64(258))).toBe('0000000000000102');
    expect(() => readU64(fromHex('ffffffffffffffff'))).toThrow(/too large/);
    expect(() => readU64(u64(2 ** 48 + 1))).toThrow(/too large/);
    expect(() => readU64(u64(1_024), 1_023)).toThrow(/at most 1023/);
    expect(() => readU64(fromHex('00'))).toThrow(/8 bytes/);
  });

  test('text both ways, refusing what is not UTF-8', () => {
    expect(fromUtf8(utf8('hä€'))).toBe('hä€');
    expect(() => fromUtf8(Uint8Array.of(0xff))).toThrow(TypeError);
  });

  test('concat and equality', () => {
    expect(toHex(concat(utf8('a'), new Uint8Array(0), utf8('b')))).toBe('6162');
    expect(equalBytes(utf8('a'), utf8('a'))).toBe(true);
    expect(equalBytes(utf8('a'), utf8('ab'))).toBe(false);
  });
});
