/**
 * Versions of Arch Linux as vercmp(8) orders them: [epoch:]version[-release]. Releases are compared
 * only where both have one, so that this is no order of many versions, and no collation.
 */

/** -1, 0 or 1. */
export function compareArch(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  const order = compareParts(left.epoch, right.epoch) || compareParts(left.version, right.version);
  if (order !== 0 || left.release === undefined || right.release === undefined) return order;
  return compareParts(left.release, right.release);
}

interface Split {
  readonly epoch: string;
  readonly version: string;
  readonly release: string | undefined;
}

function split(text: string): Split {
  const [, epoch, rest] = /^(\d*):([^]*)$/.exec(text) ?? [undefined, '0', text];
  const hyphen = rest!.lastIndexOf('-');
  return {
    epoch: epoch || '0',
    version: hyphen < 0 ? rest! : rest!.slice(0, hyphen),
    release: hyphen < 0 ? undefined : rest!.slice(hyphen + 1),
  };
}

/** libalpm's rpmvercmp: what parts segments counts by its length, letters at the end are a pre-release. */
function compareParts(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [segments(a), segments(b)];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const [one, two] = [left[at]!, right[at]!];
    if (one.gap !== two.gap) return one.gap < two.gap ? -1 : 1;
    const order = compareSegments(one.text, two.text);
    if (order !== 0) return order;
  }
  if (left.length === right.length) return 0;
  const longer = left.length > right.length ? left : right;
  const next = longer[Math.min(left.length, right.length)]!;
  const newer = next.gap > 0 || /^\d/.test(next.text) ? 1 : -1;
  return longer === left ? newer : -newer;
}

function segments(text: string): { gap: number; text: string }[] {
  return [...text.matchAll(/([^A-Za-z0-9]*)(\d+|[A-Za-z]+)/g)].map((match) => ({
    gap: match[1]!.length,
    text: match[2]!,
  }));
}

function compareSegments(a: string, b: string): number {
  const [number, other] = [/^\d/.test(a), /^\d/.test(b)];
  if (number !== other) return number ? 1 : -1;
  const [one, two] = number ? [a.replace(/^0+/, ''), b.replace(/^0+/, '')] : [a, b];
  if (number && one.length !== two.length) return one.length < two.length ? -1 : 1;
  return one === two ? 0 : one < two ? -1 : 1;
}
