import type { Invariant } from './index.ts';

export const tablesAgree: Invariant = {
  name: 'S9',
  promise: 'member tables are equal when quiet',
  check({ world }) {
    const tables = new Map(world.upHosts.map((host) => [host.table(), host.name]));
    return tables.size <= 1
      ? []
      : [`${tables.size} different tables: ${[...tables.values()].join(', ')}`];
  },
};
