/** Who is dialled by address alone: those that are away, and no living one that others reach. */
import { expect, test } from 'vitest';
import { World } from '../../sim/world.ts';

const ALIAS = 'seed.example:7000';

/** Three hosts of which the last one came by the first, and has lost the way to it. */
function apart(seedName: string): World {
  const world = new World({ seed: 41, nodes: 3 });
  const [seed, , last] = world.hosts;
  seed!.aliases.push(ALIAS);
  last!.seeds = [seedName];
  world.settle();
  const reaches = world.network.reaches.bind(world.network);
  world.network.reaches = (a, b) =>
    reaches(a, b) && !((a === seed && b === last) || (a === last && b === seed));
  world.network.resetBetween(seed!, last!);
  world.run(60_000);
  expect(last!.sees(seed!)).toBe('alive');
  world.network.recontacts.clear();
  return world;
}

test.each([
  ['its address', 'h0:7000'],
  ['a name of it', ALIAS],
])('a seed that lives by the table is not dialled under %s', (_, seedName) => {
  const world = apart(seedName);
  world.run(600_000);
  expect(world.network.recontacts.get(seedName) ?? 0).toBeLessThanOrEqual(1);
});

test('a seed that is dead is, and so is every seed by a host that is alone', () => {
  const world = apart(ALIAS);
  world.hosts[0]!.crash();
  world.run(900_000);
  expect(world.network.recontacts.get(ALIAS)).toBeGreaterThanOrEqual(2);
  world.network.recontacts.clear();
  world.hosts[1]!.crash();
  world.run(120_000);
  expect(world.network.recontacts.get(ALIAS)).toBeGreaterThanOrEqual(2);
});
