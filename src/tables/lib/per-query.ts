/** What a lookup table reads once for all the lookups of a query. */
import type { CollectContext } from '../types.ts';

/** `make`, whose result is kept for the query: each has a signal of its own. */
export function perQuery<C extends Pick<CollectContext, 'signal'>, T>(
  make: (context: C) => T,
): (context: C) => T {
  const made = new WeakMap<AbortSignal, { readonly value: T }>();
  return (context) => {
    let known = made.get(context.signal);
    if (known === undefined) made.set(context.signal, (known = { value: make(context) }));
    return known.value;
  };
}
