import { expect, test } from 'vitest';
import { HANDOVER, JOURNAL } from './handover-faults.ts';
import { historyChaos } from './history-run.ts';

test('3 agents, a hub and PostgreSQL are killed at points of handovers: no taking is lost or doubled, and as-of is true at every instant', async () => {
  const deaths = Object.entries(HANDOVER).filter(([name]) => name.includes('killed'));
  const { faults, found } = await historyChaos({
    agents: 3,
    hubs: 1,
    ms: 120_000,
    seed: 1,
    say: () => undefined,
    plan: { lanes: [JOURNAL, Object.fromEntries(deaths)], rounds: 1 },
  });
  expect(found).toEqual([]);
  expect(Object.values(faults)).toEqual([1, 1, 1, 1, 1]);
}, 400_000);
