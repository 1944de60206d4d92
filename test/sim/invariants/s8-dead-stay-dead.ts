import type { Invariant } from './index.ts';

export const deadStayDead: Invariant = {
  name: 'S8',
  promise: 'no dead member is alive in any table after its time, no live one is dead',
  check({ world, gone }) {
    const wrong: string[] = [];
    for (const host of world.upHosts) {
      for (const member of host.members()) {
        const lives = !gone.some((other) => other.nodeId === member.nodeId);
        if (lives !== (member.state === 'alive')) {
          wrong.push(`${host.name} sees ${member.name} ${member.state}`);
        }
      }
    }
    return wrong;
  },
};
