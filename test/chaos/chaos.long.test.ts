import { expect, test } from 'vitest';
import { chaos } from './run.ts';

test('300 requests over 6 agents while hubs, agents and PostgreSQL are killed, stopped and cut off, and strangers hold locks, change settings, clock and disk: none is lost, no command runs twice, every account is true', async () => {
  const { faults, found } = await chaos({
    requests: 300,
    agents: 6,
    hubs: 2,
    ms: 20_000,
    seed: 1,
    say: () => undefined,
  });
  expect(found).toEqual([]);
  expect(Object.keys(faults)).toHaveLength(17);
}, 400_000);
