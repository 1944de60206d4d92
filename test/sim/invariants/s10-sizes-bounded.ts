import { CHAINS_MAX, MARKS_MAX, NEWEST_MAX } from '../../../src/swarm/audit/seal-memory.ts';
import type { Invariant } from './index.ts';

/** For the loads of a run, far below the caps: what grows must also shrink. */
export const sizesBounded: Invariant = {
  name: 'S10',
  promise: 'every cache, queue and pending set is bounded, and empties when quiet',
  check({ world, options, sizes }) {
    const most: Record<string, number> = {
      members: options.nodes,
      links: options.nodes,
      asks: 1_024,
      openingBytes: 256 * 1024 * 1024,
      keptBytes: 48 * 1024 * 1024,
      runs: 64,
      live: 4_096,
      liveBytes: 32 * 1024 * 1024,
      seen: 262_144,
      pulls: 256 + 256,
      workers: options.nodes,
      cancels: 32 * options.nodes,
      alarms: 16 * options.nodes,
      // Nobody here is hostile: faults alone fill nobody's share.
      fullShares: 0,
      probed: options.nodes,
      probers: options.nodes,
      turns: options.nodes,
      // Records of 64 nodes a link, and links, that wait for what admits them.
      aside: 64 * options.nodes,
      waiting: 2 * options.nodes,
      waitingBytes: 16 * 2 ** 20,
      seals: CHAINS_MAX * (NEWEST_MAX + MARKS_MAX),
    };
    const wrong: string[] = [];
    for (const [name, size] of sizes) {
      if (!(size <= (most[name] ?? -1))) wrong.push(`${name} grew to ${size}`);
    }
    for (const host of world.upHosts) {
      const now = host.core!.sizes();
      for (const name of [
        'asks',
        'openingBytes',
        'keptBytes',
        'runs',
        'live',
        'liveBytes',
        'pulls',
        'cancels',
        'aside',
        'waiting',
        'waitingBytes',
      ]) {
        if (now[name] !== 0) wrong.push(`${host.name} keeps ${name} ${now[name]} when quiet`);
      }
    }
    return wrong;
  },
};
