import { fromUtf8 } from '../../../src/wire/index.ts';
import type { Invariant } from './index.ts';

export const answersBelong: Invariant = {
  name: 'S6',
  promise: 'no answer twice, none for another request or of another host',
  check({ asked }) {
    const wrong: string[] = [];
    for (const { asked: one } of asked) {
      const seen = new Set<string>();
      for (const { outcome, payload } of one.answers) {
        if (seen.has(outcome.nodeId)) wrong.push(`${outcome.name} answered ${one.id} twice`);
        seen.add(outcome.nodeId);
        if (outcome.state !== 'ok') continue;
        const said = fromUtf8(payload);
        if (said !== `${outcome.name} ${one.id}`) wrong.push(`${outcome.name} said "${said}"`);
      }
    }
    return wrong;
  },
};
