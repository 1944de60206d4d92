/** Collations by which rows can be found without SQLite comparing each: equal texts have equal keys. */
import { VERSION_ORDERS, versionKey, type VersionOrder } from '../tables/version-order.ts';

/** SQLite's own, and those of versions (registered by functions.ts). */
export type Collation = 'binary' | 'nocase' | 'rtrim' | VersionOrder;

const KNOWN: ReadonlySet<string> = new Set(['binary', 'nocase', 'rtrim', ...VERSION_ORDERS]);

/** The collation SQLite names, or undefined for one that is not known here. */
export function collationNamed(name: string | undefined): Collation | undefined {
  const lower = (name ?? 'binary').toLowerCase();
  return KNOWN.has(lower) ? (lower as Collation) : undefined;
}

export function collationKey(collation: Collation, text: string): string {
  switch (collation) {
    case 'binary':
      return text;
    case 'nocase':
      // Of ASCII only, as SQLite's.
      return text.replace(/[A-Z]+/g, (upper) => upper.toLowerCase());
    case 'rtrim':
      return text.replace(/ +$/, '');
    default:
      return versionKey(collation, text);
  }
}
