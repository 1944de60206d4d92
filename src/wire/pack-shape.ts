/**
 * Walks a MessagePack message before it is decoded. The decoder allocates an array when it reads
 * its length: 256 KiB of nested headers that lie would cost gigabytes. Here every element still owed
 * must have at least one byte left for it, so that no message can claim more than it holds.
 */
export function checkPackShape(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Elements still owed, in each open array or map and in all of them together. */
  const open: number[] = [1];
  let owed = 1;
  let at = 0;
  while (owed > 0) {
    if (at >= bytes.length) throw new RangeError('it ends too early');
    const head = readHead(view, bytes[at]!, at + 1);
    at = head.next;
    owed += head.elements - 1;
    if (at > bytes.length || owed > bytes.length - at) throw new RangeError('it ends too early');
    open.push(open.pop()! - 1);
    if (head.elements > 0) open.push(head.elements);
    while (open.at(-1) === 0) open.pop();
    if (open.length > DEPTH_MAX) throw new RangeError(`nested deeper than ${DEPTH_MAX}`);
  }
  if (at !== bytes.length) throw new RangeError(`${bytes.length - at} bytes after its end`);
}

export const DEPTH_MAX = 32;

/** Where the next item begins, after this one's header and own bytes, and how many it contains. */
interface Head {
  readonly next: number;
  readonly elements: number;
}

/** `at`: just behind the type byte. https://github.com/msgpack/msgpack/blob/master/spec.md */
function readHead(view: DataView, type: number, at: number): Head {
  if (type < 0x80 || type >= 0xe0) return { next: at, elements: 0 };
  if (type < 0x90) return { next: at, elements: 2 * (type & 0x0f) };
  if (type < 0xa0) return { next: at, elements: type & 0x0f };
  if (type < 0xc0) return { next: at + (type & 0x1f), elements: 0 };
  const fixed = FIXED_BYTES[type];
  if (fixed !== undefined) return { next: at + fixed, elements: 0 };
  const width = LENGTH_BYTES[type];
  if (width === undefined) throw new RangeError(`type byte ${type} is not used here`);
  const length = readLength(view, at, width);
  if (type >= 0xde) return { next: at + width, elements: 2 * length };
  if (type >= 0xdc) return { next: at + width, elements: length };
  return { next: at + width + length, elements: 0 };
}

/** nil, false, true; float 32 and 64; uint 8 to 64; int 8 to 64. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  0xc0: 0,
  0xc2: 0,
  0xc3: 0,
  0xca: 4,
  0xcb: 8,
  0xcc: 1,
  0xcd: 2,
  0xce: 4,
  0xcf: 8,
  0xd0: 1,
  0xd1: 2,
  0xd2: 4,
  0xd3: 8,
};

/** bin, str, array and map with a length of 1, 2 or 4 bytes. Extension types are left out. */
const LENGTH_BYTES: Readonly<Record<number, 1 | 2 | 4>> = {
  0xc4: 1,
  0xc5: 2,
  0xc6: 4,
  0xd9: 1,
  0xda: 2,
  0xdb: 4,
  0xdc: 2,
  0xdd: 4,
  0xde: 2,
  0xdf: 4,
};

function readLength(view: DataView, at: number, width: 1 | 2 | 4): number {
  if (at + width > view.byteLength) throw new RangeError('it ends too early');
  if (width === 1) return view.getUint8(at);
  return width === 2 ? view.getUint16(at) : view.getUint32(at);
}
