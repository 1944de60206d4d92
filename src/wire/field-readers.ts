/** Fields of signed objects as texts and flags, within limits. */
import { fromUtf8 } from './bytes.ts';
import { WireError } from './errors.ts';
import { exactly } from './fields.ts';

/** The last version that a key list of 1,024 entries has. */
export const KEY_VERSION_MAX = 1_023;

/** @throws WireError `too_many` */
export function atMost(bytes: Uint8Array, length: number, what: string): Uint8Array {
  if (bytes.length > length) throw new WireError('too_many', `${what} of ${bytes.length} bytes`);
  return bytes;
}

/** UTF-8 of at most so many bytes. @throws WireError */
export function text(bytes: Uint8Array, most: number): string {
  return fromUtf8(atMost(bytes, most, 'text'));
}

/** @throws WireError `malformed` */
export function flag(bytes: Uint8Array): boolean {
  const value = exactly(bytes, 1, 'flag')[0]!;
  if (value > 1) throw new WireError('malformed', `flag ${value}`);
  return value === 1;
}
