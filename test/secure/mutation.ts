/** Bytes spoilt in the ways a man in the middle has. */
import fc from 'fast-check';
import { concat } from '../../src/wire/index.ts';

/** What a man in the middle does to one message. */
export const mutation = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
  fc.record({
    kind: fc.constant('grow' as const),
    tail: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  }),
  fc.record({
    kind: fc.constant('splice' as const),
    at: fc.nat(),
    part: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  }),
  fc.record({ kind: fc.constant('replace' as const), bytes: fc.uint8Array({ maxLength: 700 }) }),
);
export type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

export function mutate(message: Uint8Array, how: Mutation): Uint8Array {
  const copy = new Uint8Array(message);
  if (how.kind === 'replace') return how.bytes;
  if (how.kind === 'grow') return concat(message, how.tail);
  const at = how.at % copy.length;
  if (how.kind === 'cut') return copy.subarray(0, at);
  if (how.kind === 'flip') copy[at] = copy[at]! ^ (1 << how.bit);
  else copy.set(how.part.subarray(0, copy.length - at), at);
  return copy;
}
