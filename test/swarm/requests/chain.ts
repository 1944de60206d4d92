/** Worlds in which some hosts reach others over others only. */
import type { SimHost } from '../../sim/host.ts';
import { World } from '../../sim/world.ts';

/** The network between two hosts is not there. */
export function cut(world: World, ...pair: readonly SimHost[]): void {
  const reaches = world.network.reaches.bind(world.network);
  world.network.reaches = (a, b) => !(pair.includes(a) && pair.includes(b)) && reaches(a, b);
  world.network.resetBetween(pair[0]!, pair[1]!);
}

/** h0 - h1 - h2: the outer two never had a link. */
export function chain(seed: number): {
  world: World;
  outer: SimHost;
  middle: SimHost;
  far: SimHost;
} {
  const world = new World({ seed, nodes: 3 });
  const [outer, middle, far] = world.hosts as [SimHost, SimHost, SimHost];
  cut(world, outer, far);
  outer.seeds = far.seeds = [middle.address];
  world.settle(20_000);
  return { world, outer, middle, far };
}
