import { expect, test } from 'vitest';
import { KILL_CASES, KillRounds } from './kill-rounds.ts';

const ROUNDS = 50;

test('two processes, either one killed at every message boundary of both handshakes, always come back', async () => {
  expect(ROUNDS).toBeGreaterThanOrEqual(KILL_CASES.length);
  const rounds = await KillRounds.start();
  try {
    for (let i = 0; i < ROUNDS; i++) await rounds.next();
  } finally {
    await rounds.stop();
  }
}, 240_000);
