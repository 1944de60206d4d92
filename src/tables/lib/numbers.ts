/** Numbers out of text, as the kernel writes them. */

/** A decimal integer: a number, a bigint where a number would lose digits, NULL for anything else. */
export function integerOrNull(text: string | null | undefined): number | bigint | null {
  const trimmed = text?.trim();
  if (trimmed === undefined || !/^[+-]?\d{1,20}$/.test(trimmed)) return null;
  const number = Number(trimmed);
  return Number.isSafeInteger(number) ? number : BigInt(trimmed);
}

/** A hexadecimal number (with or without 0x) below 2^53, else NULL. */
export function hexOrNull(text: string | null | undefined): number | null {
  const trimmed = text?.trim();
  if (trimmed === undefined || !/^(0x)?[0-9a-f]{1,13}$/i.test(trimmed)) return null;
  return parseInt(trimmed, 16);
}

/** A decimal fraction, NULL for anything else. */
export function doubleOrNull(text: string | null | undefined): number | null {
  const trimmed = text?.trim();
  return trimmed !== undefined && /^[+-]?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : null;
}

/** A bigint as a number where nothing is lost. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
