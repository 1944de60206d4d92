/**
 * Orders of version numbers. A version becomes a sort key, and two versions compare as their keys do
 * by code units: so order, equality and indexes cannot disagree.
 */

/**
 * `version`: numbers by value, words by letters, numbers after words; what stands between only parts
 * them. It knows no pre-releases: "1.0rc1" is after "1.0".
 * `version_dpkg`: deb-version(7). `version_rhel`: rpm-version(7), of [epoch:]version[-release].
 */
export type VersionOrder = 'version' | 'version_dpkg' | 'version_rhel';

const KEYS: Readonly<Record<VersionOrder, (text: string) => string>> = {
  version: genericKey,
  version_dpkg: debianKey,
  version_rhel: rpmKey,
};

export const VERSION_ORDERS = Object.keys(KEYS) as readonly VersionOrder[];

export function isVersionOrder(name: string): name is VersionOrder {
  return Object.hasOwn(KEYS, name);
}

/** Keys remembered per order: sorting asks for the same ones again and again. */
const REMEMBERED_MAX = 10_000;
const REMEMBERED_LENGTH_MAX = 200;
const remembered = new Map<string, Map<string, string>>();

/** Below, at or above zero. */
export function compareVersions(order: VersionOrder, a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [versionKey(order, a), versionKey(order, b)];
  return left === right ? 0 : left < right ? -1 : 1;
}

/** The same for versions that are equal; `<` between two keys is the order of their versions. */
export function versionKey(order: VersionOrder, text: string): string {
  if (text.length > REMEMBERED_LENGTH_MAX) return KEYS[order](text);
  let known = remembered.get(order);
  if (known === undefined) remembered.set(order, (known = new Map()));
  let key = known.get(text);
  if (key === undefined) {
    if (known.size >= REMEMBERED_MAX) known.clear();
    known.set(text, (key = KEYS[order](text)));
  }
  return key;
}

function genericKey(text: string): string {
  const parts = text.match(/\d+|\p{L}+/gu) ?? [];
  return parts.map((part) => (isNumber(part) ? `N${numberKey(part)}` : `A${part}\0`)).join('');
}

function debianKey(text: string): string {
  const { epoch, version, release } = split(text.trim());
  return numberKey(epoch) + debianPart(version) + debianPart(release);
}

/** Runs of other characters and of digits in turn; a run that is not there is the empty text, or 0. */
function debianPart(part: string): string {
  let key = '';
  for (const [, text = '', digits = ''] of part.matchAll(/(\D*)(\d*)/g))
    if (text !== '' || digits !== '') key += debianText(text) + numberKey(digits);
  return `${key === '' ? debianText('') + numberKey('') : key}\u0002`;
}

/** "~" before the end of the text, the end before letters, letters before all else. */
function debianText(text: string): string {
  let key = '';
  for (const character of text)
    if (character === '~') key += '\u0001';
    else if (/[A-Za-z]/.test(character)) key += character;
    else key += `\u0100${character}`;
  return `${key}\u0002`;
}

function rpmKey(text: string): string {
  const { epoch, version, release } = split(text);
  return numberKey(epoch) + rpmPart(version) + rpmPart(release);
}

/** "~" before the end, the end before "^", that before words, words before numbers. */
function rpmPart(part: string): string {
  const segments = part.match(/\d+|[A-Za-z]+|~|\^/g) ?? [];
  const keys = segments.map((segment) => {
    if (segment === '~') return '\u0001';
    if (segment === '^') return '\u0003';
    return isNumber(segment) ? `\u0005${numberKey(segment)}` : `\u0004${segment}\0`;
  });
  return `${keys.join('')}\u0002`;
}

/** [epoch:]version[-release]; an epoch is of digits, the release what is after the last hyphen. */
function split(text: string): { epoch: string; version: string; release: string } {
  const epoch = /^(\d*):/.exec(text);
  const rest = text.slice(epoch?.[0].length ?? 0);
  const hyphen = rest.lastIndexOf('-');
  return {
    epoch: epoch?.[1] ?? '',
    version: hyphen < 0 ? rest : rest.slice(0, hyphen),
    release: hyphen < 0 ? '' : rest.slice(hyphen + 1),
  };
}

function isNumber(part: string): boolean {
  return part >= '0' && part < ':';
}

/** By value, however long: the number of digits first. No digits are 0. */
function numberKey(digits: string): string {
  const plain = digits.replace(/^0+/, '');
  const length = [plain.length >>> 14, plain.length & 0x3fff].map((it) => it + 0x100);
  return String.fromCharCode(...length) + plain;
}
