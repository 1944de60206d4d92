/**
 * Unsigned messages and rows are MessagePack. 64-bit integers that do not fit a double travel as
 * int64 and come back as BigInt; smaller ones come back as numbers. Sizes are limited before
 * anything is allocated for them.
 */
import { Decoder, Encoder } from '@msgpack/msgpack';
import { WireError } from './errors.ts';
import { checkPackShape, DEPTH_MAX } from './pack-shape.ts';

/** What MessagePack may carry here: no dates, no extension types. */
export type Packable =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Packable[]
  | { readonly [key: string]: Packable | undefined };

const encoder = new Encoder({ useBigInt64: true, ignoreUndefined: true });

/**
 * What of a type can be packed: all of it, or the compiler names the property. An interface has no
 * index signature, so it is no Packable although all of its properties are.
 */
export type Packs<T> = T extends Packable | undefined
  ? T
  : T extends readonly unknown[]
    ? { readonly [K in keyof T]: Packs<T[K]> }
    : T extends object
      ? {
          readonly [K in keyof T]: T[K] extends (...args: never[]) => unknown ? never : Packs<T[K]>;
        }
      : never;

/** Encodes a value; properties that are undefined are left out. */
export function pack<T>(value: T & Packs<T>): Uint8Array {
  // The encoder's own buffer is used again: this is the one copy.
  return encoder.encodeSharedRef(value).slice();
}

/**
 * Decodes one value that must fill `bytes` exactly. Safe integers come back as number, larger ones as bigint.
 * @throws WireError `malformed`
 */
export function unpack(bytes: Uint8Array): Packable {
  // A length inside the message can never exceed the message itself.
  const most = bytes.length;
  const decoder = new Decoder({
    useBigInt64: true,
    maxStrLength: most,
    maxBinLength: most,
    maxArrayLength: most,
    maxMapLength: most,
    maxExtLength: 0,
  });
  try {
    checkPackShape(bytes);
    return narrow(decoder.decode(bytes), 0);
  } catch (error) {
    throw new WireError('malformed', `not a message: ${(error as Error).message}`);
  }
}

/** Turns BigInt into number where nothing is lost, and refuses values outside Packable. */
function narrow(value: unknown, depth: number): Packable {
  if (depth > DEPTH_MAX) throw new RangeError(`nested deeper than ${DEPTH_MAX}`);
  if (typeof value === 'bigint') {
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : value;
  }
  if (value === null || typeof value !== 'object') return value as Packable;
  if (value instanceof Uint8Array) return apart(value);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = narrow(value[i], depth + 1);
    return value as Packable;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) throw new RangeError('unknown type');
  const map = value as Record<string, unknown>;
  for (const key of Object.keys(map)) map[key] = narrow(map[key], depth + 1);
  return map as Packable;
}

/** Whoever keeps a few bytes of a message does not keep the rest of it in memory with them. */
function apart(bytes: Uint8Array): Uint8Array {
  return bytes.length >= MOST_OF_IT * bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

/** Large bodies and chunks are not copied: what they keep alive beside them is little. */
const MOST_OF_IT = 3 / 4;

/**
 * The start of an array whose items are packed one by one after it, for what is too large to pack
 * in one turn of the event loop (array 32 of the MessagePack specification).
 */
export function packArrayHeader(items: number): Uint8Array {
  const header = new Uint8Array(5);
  header[0] = 0xdd;
  new DataView(header.buffer).setUint32(1, items);
  return header;
}

/** The start of a map of at most 15 entries (fixmap). */
export function packMapHeader(entries: number): Uint8Array {
  return Uint8Array.of(0x80 | entries);
}
