/** Order of Debian versions, deb-version(7): [epoch:]upstream[-revision]. */

/** Negative, zero or positive, as for sort. */
export function compareDebVersions(a: string, b: string): number {
  const left = parse(a);
  const right = parse(b);
  return (
    compareNumbers(left.epoch, right.epoch) ||
    comparePart(left.upstream, right.upstream) ||
    comparePart(left.revision, right.revision)
  );
}

function parse(version: string): { epoch: string; upstream: string; revision: string } {
  const trimmed = version.trim();
  const colon = trimmed.indexOf(':');
  const rest = trimmed.slice(colon + 1);
  const hyphen = rest.lastIndexOf('-');
  return {
    epoch: colon < 0 ? '' : trimmed.slice(0, colon),
    upstream: hyphen < 0 ? rest : rest.slice(0, hyphen),
    revision: hyphen < 0 ? '' : rest.slice(hyphen + 1),
  };
}

/** Runs of other characters and runs of digits in turn, from the left. */
function comparePart(a: string, b: string): number {
  let [left, right] = [a, b];
  while (left !== '' || right !== '') {
    const [textLeft, textRight] = [leadingText(left), leadingText(right)];
    const byText = compareText(textLeft, textRight);
    if (byText !== 0) return byText;
    left = left.slice(textLeft.length);
    right = right.slice(textRight.length);
    const [digitsLeft, digitsRight] = [leadingDigits(left), leadingDigits(right)];
    const byNumber = compareNumbers(digitsLeft, digitsRight);
    if (byNumber !== 0) return byNumber;
    left = left.slice(digitsLeft.length);
    right = right.slice(digitsRight.length);
  }
  return 0;
}

/** A tilde sorts before everything, even the end; letters before all other characters. */
function compareText(a: string, b: string): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = weight(a[at]) - weight(b[at]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function weight(char: string | undefined): number {
  if (char === undefined) return 0;
  if (char === '~') return -1;
  return /[A-Za-z]/.test(char) ? char.charCodeAt(0) : char.charCodeAt(0) + 256;
}

/** Of any length, so compared as text: no digits count as 0. */
function compareNumbers(a: string, b: string): number {
  const left = a.replace(/^0+/, '');
  const right = b.replace(/^0+/, '');
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}

function leadingText(text: string): string {
  return /^\D*/.exec(text)?.[0] ?? '';
}

function leadingDigits(text: string): string {
  return /^\d*/.exec(text)?.[0] ?? '';
}
