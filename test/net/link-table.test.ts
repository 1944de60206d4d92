import { expect, test } from 'vitest';
import { LinkTable } from '../../src/net/link-table.ts';

test('who breaks the protocol again stays out twice as long, up to an hour, and is forgotten in time', () => {
  const table = new LinkTable({ message: () => undefined, down: () => undefined });
  let now = 0;
  const outFor = (): number => {
    table.ban('a', now, 60_000);
    const from = now;
    for (; ; now += 1_000)
      try {
        table.refuseBanned('a', now);
        return now - from;
      } catch (error) {
        expect(error).toMatchObject({ code: 'busy' });
      }
  };
  const minutes = Array.from({ length: 8 }, () => outFor() / 60_000);
  expect(minutes).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  table.tick((now += 3_600_000), 0);
  expect(outFor()).toBe(60_000);
});
