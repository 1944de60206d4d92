import type { SimHost } from '../host.ts';
import type { Invariant } from './index.ts';

export const tablesAgree: Invariant = {
  name: 'S9',
  promise: 'member tables are equal when quiet',
  check({ world }) {
    const tables = new Map(world.upHosts.map((host) => [tableOf(host), host.name]));
    return tables.size <= 1
      ? []
      : [`${tables.size} different tables: ${[...tables.values()].join(', ')}`];
  },
};

function tableOf(host: SimHost): string {
  return host
    .members()
    .map((member) => `${member.nodeId} ${member.incarnation} ${member.state}`)
    .sort()
    .join('\n');
}
