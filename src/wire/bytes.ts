/** Small helpers over byte arrays, shared by every room above. */

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** @throws TypeError on invalid UTF-8 */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** @throws RangeError unless `text` is hex of even length */
export function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new RangeError(`not hex: ${text.slice(0, 80)}`);
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * Room for `length` bytes that are all written right away: what was in memory before is not wiped
 * first, which costs as much as copying them.
 */
export function unfilled(length: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafe(length);
  return new Uint8Array(buffer, byteOffset, length);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** Big endian, 8 bytes. */
export function u64(value: number | bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value));
  return out;
}

/**
 * Most that a count or a time of a peer may be (docs/protocol.md section 2): one more is exact in a
 * double, in PostgreSQL and in MessagePack, and in milliseconds it is the year 10889.
 */
export const NUMBER_MAX = 2 ** 48;

/** @throws RangeError unless 8 bytes long and at most `most`, which is at most `NUMBER_MAX` */
export function readU64(bytes: Uint8Array, most = NUMBER_MAX): number {
  if (bytes.length !== 8) throw new RangeError(`u64 wants 8 bytes, got ${bytes.length}`);
  const value = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
  if (value > BigInt(most)) throw new RangeError(`u64 too large: ${value}, at most ${most}`);
  return Number(value);
}
