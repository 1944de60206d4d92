/**
 * Signed objects are a fixed sequence of length-prefixed fields (`u32 big endian length | bytes`),
 * kept and relayed byte for byte as signed, so that no re-encoding can change what was signed.
 */
import { WireError } from './errors.ts';

/** Joins fields; the result is what gets signed. */
export function encodeFields(fields: readonly Uint8Array[]): Uint8Array {
  const total = fields.reduce((sum, field) => sum + 4 + field.length, 0);
  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  let at = 0;
  for (const field of fields) {
    view.setUint32(at, field.length);
    out.set(field, at + 4);
    at += 4 + field.length;
  }
  return out;
}

/**
 * Splits exactly `count` fields.
 * @throws WireError `truncated` or `trailing_bytes`
 */
export function decodeFields(bytes: Uint8Array, count: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: Uint8Array[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length)
      throw new WireError('truncated', `field ${i} of ${count} is missing`);
    const length = view.getUint32(at);
    at += 4;
    if (length > bytes.length - at) {
      throw new WireError(
        'truncated',
        `field ${i} claims ${length} bytes, ${bytes.length - at} left`,
      );
    }
    fields.push(bytes.subarray(at, at + length));
    at += length;
  }
  if (at !== bytes.length) {
    throw new WireError('trailing_bytes', `${bytes.length - at} bytes after the last field`);
  }
  return fields;
}

/** @throws WireError `malformed` when `bytes` are not `length` long */
export function exactly(bytes: Uint8Array, length: number, what: string): Uint8Array {
  if (bytes.length !== length) {
    throw new WireError('malformed', `${what} of ${bytes.length} bytes, not ${length}`);
  }
  return bytes;
}

/**
 * Splits every field to the end, however many there are.
 * @throws WireError `truncated`
 */
export function decodeAllFields(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  for (let at = 0; at < bytes.length; count++) {
    if (at + 4 > bytes.length) throw new WireError('truncated', `field ${count} breaks off`);
    at += 4 + view.getUint32(at);
  }
  return decodeFields(bytes, count);
}
