import { HEAL_MS } from '../run.ts';
import type { Invariant } from './index.ts';

export const partitionsHeal: Invariant = {
  name: 'S7',
  promise:
    'when faults end, all live members are linked and alive to each other within three re-contact periods',
  check({ healedAt }) {
    return healedAt === undefined ? [`not healed after ${HEAL_MS} ms`] : [];
  },
};
