import { describe, expect, test } from 'vitest';
import { concat, encodeFrame, FrameDecoder, fromHex, toHex, utf8 } from '../../src/wire/index.ts';

function decodeAll(chunks: readonly Uint8Array[], decoder = new FrameDecoder(64)): string[] {
  return chunks.flatMap((chunk) => [...decoder.push(chunk)].map(toHex));
}

describe('frames', () => {
  test('known bytes both ways', () => {
    expect(toHex(encodeFrame(utf8('hi')))).toBe('000000026869');
    expect(decodeAll([fromHex('000000026869')])).toEqual(['6869']);
    expect(decodeAll([fromHex('00000000')])).toEqual(['']);
  });

  test('three frames cut at every pair of points come out the same', () => {
    const frames = [utf8('one'), new Uint8Array(0), utf8('three')];
    const stream = concat(...frames.map(encodeFrame));
    for (let a = 0; a <= stream.length; a++) {
      for (let b = a; b <= stream.length; b++) {
        const cut = [stream.subarray(0, a), stream.subarray(a, b), stream.subarray(b)];
        expect(decodeAll(cut)).toEqual(frames.map(toHex));
      }
    }
  });

  test('a body that came in one piece is not copied', () => {
    const stream = concat(encodeFrame(utf8('one')), encodeFrame(utf8('two')));
    const bodies = [...new FrameDecoder(64).push(stream)];
    expect(bodies.map((body) => body.byteOffset)).toEqual([4, 11]);
    expect(bodies.every((body) => body.buffer === stream.buffer)).toBe(true);
  });

  test('a frame cut short yields nothing and says that it is in the middle', () => {
    const stream = encodeFrame(utf8('abc'));
    for (let length = 1; length < stream.length; length++) {
      const decoder = new FrameDecoder(64);
      expect(decodeAll([stream.subarray(0, length)], decoder)).toEqual([]);
      expect(decoder.midFrame).toBe(true);
    }
  });

  test('a length over the limit is refused from its four bytes alone', () => {
    const decoder = new FrameDecoder(64);
    expect(() => decodeAll([fromHex('00000041')], decoder)).toThrow(
      expect.objectContaining({ code: 'frame_too_large' }),
    );
  });

  test('a claimed length of 4 GiB allocates nothing', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 100; i++) {
      expect(() => decodeAll([fromHex('ffffffff')])).toThrow(/4294967295 bytes, at most 64/);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });

  test('nothing is decoded after a broken frame', () => {
    const decoder = new FrameDecoder(64);
    expect(() => decodeAll([fromHex('00000041')], decoder)).toThrow();
    expect(() => decodeAll([encodeFrame(utf8('x'))], decoder)).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });

  test('a limit raised between two frames of one chunk holds for the second', () => {
    const decoder = new FrameDecoder(4);
    const stream = concat(encodeFrame(utf8('auth')), encodeFrame(new Uint8Array(100)));
    const lengths: number[] = [];
    for (const frame of decoder.push(stream)) {
      lengths.push(frame.length);
      decoder.setMaxBytes(100);
    }
    expect(lengths).toEqual([4, 100]);
  });
});
