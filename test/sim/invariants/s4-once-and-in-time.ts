import type { Invariant } from './index.ts';

/** A run of a host that restarted is a new one: only memory knew of the first (protocol.md 8). */
export const onceAndInTime: Invariant = {
  name: 'S4',
  promise: 'no member runs a query twice; without faults every live member runs it in time',
  check({ world, quiet }) {
    const wrong: string[] = [];
    for (const host of world.hosts) {
      const seen = new Set<string>();
      for (const { request, boot } of host.runs) {
        const key = `${boot} ${request.id}`;
        if (seen.has(key)) wrong.push(`${host.name} ran ${request.id} twice`);
        seen.add(key);
      }
    }
    for (const asked of quiet) {
      for (const host of world.upHosts) {
        const ran = host.runs.find((run) => run.request.id === asked.id);
        if (ran === undefined) wrong.push(`${host.name} never ran ${asked.id}`);
        else if (ran.at > asked.startedAt + asked.spec.timeoutMs) {
          wrong.push(`${host.name} ran ${asked.id} too late`);
        }
      }
    }
    return wrong;
  },
};
