/** Reading DER (X.690), as certificates are written in: tag, length, content. */

export interface Der {
  /** The whole first byte: class, constructed bit and number. */
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

/** @throws RangeError for anything but one element with nothing after it */
export function readDer(bytes: Buffer): Der {
  const found = elements(bytes);
  if (found.length !== 1)
    throw new RangeError(`${found.length} DER elements where there should be one`);
  return found[0]!;
}

/** What a constructed element holds. @throws RangeError when it does not hold together */
export function elements(bytes: Buffer): Der[] {
  const found: Der[] = [];
  for (let at = 0; at < bytes.length;) {
    const { start, length } = header(bytes, at);
    if (start + length > bytes.length) throw new RangeError('a DER element goes on past its end');
    found.push({
      tag: bytes[at]!,
      content: bytes.subarray(start, start + length),
      whole: bytes.subarray(at, start + length),
    });
    at = start + length;
  }
  return found;
}

/** Where content begins and how long it is. Tags of several bytes do not occur in certificates. */
function header(bytes: Buffer, at: number): { start: number; length: number } {
  const first = bytes[at + 1];
  if (first === undefined || (bytes[at]! & 0x1f) === 0x1f) throw new RangeError('no DER element');
  if (first < 0x80) return { start: at + 2, length: first };
  const count = first & 0x7f;
  if (count === 0 || count > 4 || at + 2 + count > bytes.length)
    throw new RangeError('a DER length that is none');
  return { start: at + 2 + count, length: bytes.readUIntBE(at + 2, count) };
}

/** An object identifier in dotted form. */
export function oidText(content: Buffer): string {
  const parts: bigint[] = [];
  let value = 0n;
  for (const byte of content) {
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte & 0x80) continue;
    if (parts.length === 0) {
      const first = value < 80n ? value / 40n : 2n;
      parts.push(first, value - first * 40n);
    } else parts.push(value);
    value = 0n;
  }
  return parts.join('.');
}

/** A text of any of ASN.1's kinds. */
export function stringText({ tag, content }: Der): string {
  if (tag === 0x1e)
    return Buffer.from(content.subarray(0, content.length & ~1))
      .swap16()
      .toString('utf16le');
  if (tag === 0x1c) {
    const points: number[] = [];
    for (let at = 0; at + 4 <= content.length; at += 4) points.push(content.readUInt32BE(at));
    return points
      .map((point) => (point < 0x110000 ? String.fromCodePoint(point) : '\ufffd'))
      .join('');
  }
  // T61String is in practice Latin-1.
  return content.toString(tag === 0x14 ? 'latin1' : 'utf8');
}

/** UTCTime or GeneralizedTime in seconds since 1970; null for what is neither. */
export function timeSeconds({ tag, content }: Der): number | null {
  const match = /^(\d\d|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(content.toString('latin1'));
  if (match === null || match[1]!.length !== (tag === 0x17 ? 2 : 4)) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number);
  // RFC 5280 4.1.2.5.1.
  const full = tag === 0x18 ? year! : year! < 50 ? 2000 + year! : 1900 + year!;
  return Date.UTC(full, month! - 1, day, hour, minute, second) / 1000;
}
