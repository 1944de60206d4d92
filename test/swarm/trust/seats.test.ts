import { expect, test } from 'vitest';
import type { Context } from '../../../src/swarm/engine/context.ts';
import { Seats } from '../../../src/swarm/trust/seats.ts';
import { simulatedToken } from '../../sim/crypto.ts';

test('whoever tries a token that is full again and again is told of once', () => {
  const token = simulatedToken('1'.repeat(32), new Uint8Array(32).fill(1), { uses: 2 });
  const context = { now: { mono: 0, wall: 0 }, persist: () => 1 } as unknown as Context;
  const told: number[] = [];
  const overused = (): void => void told.push(seats.count(token.tag));
  const seats: Seats = new Seats(context, { saved: () => undefined, overused });
  const idOf = (n: number): string => n.toString(16).padStart(64, '0').split('').reverse().join('');
  const taken = Array.from({ length: 100 }, (_, n) => seats.take(token, idOf(n)));
  expect(taken.filter((one) => one === 'full')).toHaveLength(96);
  expect(told).toEqual([3, 4]);
});
