import { expect, test } from 'vitest';
import { attackedSwarm } from './hostile.ts';

test('a member that attacks 20 hosts by all its links is named by each, hurts none, and leaves nothing', () => {
  const report = attackedSwarm({ seed: 5, nodes: 20 });
  expect(report).toMatchObject({ wrong: [], warned: 19, left: [] });
}, 120_000);
