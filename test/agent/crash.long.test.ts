import { expect, test } from 'vitest';
import { CrashRounds } from './crash-rounds.ts';

const ROUNDS = 300;

test('two hosts whose disks lose what was not synced, at any step of both handshakes, come back', async () => {
  const rounds = new CrashRounds('ci');
  for (let i = 0; i < ROUNDS; i++) await rounds.next();
  expect(rounds.lost.once).toBeGreaterThan(ROUNDS / 2);
  expect(rounds.lost.again).toBeGreaterThan(5);
}, 120_000);
