/** Orders of version numbers. Each gives a number below, at or above zero. */

/** Numbers by value and words by letters, parts parted by anything else: "1.10" after "1.9". */
export function compareVersions(a: string, b: string): number {
  const left = a.match(/\d+|[A-Za-z]+/g) ?? [];
  const right = b.match(/\d+|[A-Za-z]+/g) ?? [];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [x, y] = [left[i], right[i]];
    if (x === undefined) return -1;
    if (y === undefined) return 1;
    const order = comparePart(x, y);
    if (order !== 0) return order;
  }
  return 0;
}

/** dpkg's order: epoch, upstream, revision; "~" before everything. deb-version(7) */
export function compareDpkgVersions(a: string, b: string): number {
  const [left, right] = [splitDebian(a), splitDebian(b)];
  return (
    compareDigits(left.epoch, right.epoch) ||
    compareDebianPart(left.upstream, right.upstream) ||
    compareDebianPart(left.revision, right.revision)
  );
}

/** rpm's order of epoch:version-release; "~" before and "^" after the bare version. */
export function compareRpmVersions(a: string, b: string): number {
  const [left, right] = [splitDebian(a), splitDebian(b)];
  return (
    compareDigits(left.epoch, right.epoch) ||
    compareRpmPart(left.upstream, right.upstream) ||
    compareRpmPart(left.revision, right.revision)
  );
}

function comparePart(x: string, y: string): number {
  const numbers = [/^\d/.test(x), /^\d/.test(y)];
  if (numbers[0] && numbers[1]) return compareDigits(x, y);
  if (numbers[0] !== numbers[1]) return numbers[0] ? 1 : -1;
  return x === y ? 0 : x < y ? -1 : 1;
}

/** By value, however long. */
function compareDigits(x: string, y: string): number {
  const [a, b] = [x.replace(/^0+/, ''), y.replace(/^0+/, '')];
  if (a.length !== b.length) return a.length - b.length;
  return a === b ? 0 : a < b ? -1 : 1;
}

function splitDebian(text: string): { epoch: string; upstream: string; revision: string } {
  const colon = text.indexOf(':');
  const epoch = colon > 0 ? text.slice(0, colon) : '';
  const rest = text.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return dash < 0
    ? { epoch, upstream: rest, revision: '' }
    : { epoch, upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) };
}

function compareDebianPart(a: string, b: string): number {
  const left: string[] = a.match(/\D+|\d+/g) ?? [];
  const right: string[] = b.match(/\D+|\d+/g) ?? [];
  // Runs alternate between other characters and digits, starting with the former, maybe empty.
  if (/^\d/.test(a)) left.unshift('');
  if (/^\d/.test(b)) right.unshift('');
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [x, y] = [left[i] ?? '', right[i] ?? ''];
    const order = i % 2 === 0 ? compareDebianText(x, y) : compareDigits(x, y);
    if (order !== 0) return order;
  }
  return 0;
}

function compareDebianText(x: string, y: string): number {
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const order = debianWeight(x[i]) - debianWeight(y[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function debianWeight(character: string | undefined): number {
  if (character === undefined) return 0;
  if (character === '~') return -1;
  const code = character.charCodeAt(0);
  return /[A-Za-z]/.test(character) ? code : code + 256;
}

function compareRpmPart(a: string, b: string): number {
  const left = a.match(/\d+|[A-Za-z]+|~|\^/g) ?? [];
  const right = b.match(/\d+|[A-Za-z]+|~|\^/g) ?? [];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [x, y] = [left[i], right[i]];
    if (x === y) continue;
    if (x === '~' || y === '~') return x === '~' ? -1 : 1;
    if (x === '^' || y === '^') return rpmCaret(x, y);
    if (x === undefined) return -1;
    if (y === undefined) return 1;
    const order = comparePart(x, y);
    if (order !== 0) return order;
  }
  return 0;
}

/** "1.0^git1" is after "1.0" and before "1.0.1". */
function rpmCaret(x: string | undefined, y: string | undefined): number {
  if (x === '^') return y === undefined ? 1 : -1;
  return x === undefined ? -1 : 1;
}
