import { equalBytes } from '../../../src/wire/index.ts';
import type { Invariant } from './index.ts';

/** Keys change every few seconds meanwhile, hosts restart, and clocks stay apart. */
export const bodiesArrive: Invariant = {
  name: 'S16',
  promise: 'what hosts run is what was asked of them; without faults a named host can open it',
  check({ world, asked, named }) {
    const wrong: string[] = [];
    const byId = new Map(asked.map(({ asked: one }) => [one.id, one]));
    for (const host of world.hosts) {
      for (const { request } of host.runs) {
        const one = byId.get(request.id);
        if (one === undefined) continue;
        const { targets, body } = one.spec;
        if (!equalBytes(request.body, body)) wrong.push(`${host.name} ran another ${request.id}`);
        if (targets.kind === 'nodes' && !targets.nodes.includes(host.nodeId)) {
          wrong.push(`${host.name} ran ${request.id}, which did not name it`);
        }
      }
    }
    for (const { id, spec } of named) {
      if (spec.targets.kind !== 'nodes') continue;
      for (const nodeId of spec.targets.nodes) {
        const host = world.hosts.find((it) => it.nodeId === nodeId)!;
        const ran = host.runs.some(({ request }) => request.id === id);
        if (!ran) wrong.push(`${host.name} never ran ${id}, which named it`);
      }
    }
    return wrong;
  },
};
