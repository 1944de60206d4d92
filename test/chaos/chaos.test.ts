import { expect, test } from 'vitest';
import { chaos } from './run.ts';

test('200 requests over 4 agents while hubs, agents and PostgreSQL are killed, stopped and cut off: none is lost, no command runs twice, every account is true', async () => {
  const { faults, found } = await chaos({
    ...{ requests: 200, agents: 4, hubs: 2, ms: 20_000, seed: 1 },
    say: () => undefined,
  });
  expect(found).toEqual([]);
  expect(Object.keys(faults)).toHaveLength(10);
}, 400_000);
