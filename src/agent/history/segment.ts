/**
 * A segment of the journal: a head, then records, each `u32 length | SHA-256 | content`. Only its end
 * is ever written; what a crash left there half-written does not have its hash.
 */
import { sha256 } from '../../secure/index.ts';
import {
  concat,
  decodeAllFields,
  decodeFields,
  encodeFields,
  equalBytes,
  fromUtf8,
  readU64,
  u64,
  utf8,
} from '../../wire/index.ts';

/** How far a table's takings have come. */
export interface Head {
  readonly line: Uint8Array;
  readonly sequence: number;
  /** Of the last taking, Unix milliseconds. */
  readonly at: number;
  /** Document hash of the last state that is known in this line; empty when there is none. */
  readonly hash: Uint8Array;
  /** Hash of the shape that state is in; empty when there is none. */
  readonly shape: Uint8Array;
  /** The last taking that found this state, or that it had not changed. */
  readonly found: { readonly sequence: number; readonly at: number };
}

export type Heads = ReadonlyMap<string, Head>;

/** One taking in the journal; its parts are as `encodeTaking` made them. */
export interface JournalRecord {
  readonly taking: Uint8Array;
  /** The shape of its rows, packed; empty where an earlier record of the segment gave it. */
  readonly layout: Uint8Array;
  /** The same taking as a full, where it is none and is the segment's first of its table. */
  readonly full: Uint8Array;
}

const PREFIX_BYTES = 4 + 32;

export function frame(content: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, content.length);
  return concat(length, sha256(content), content);
}

/** Contents up to the first one that is not whole, each with where it ends. */
export function* framesOf(
  bytes: Uint8Array,
): Generator<{ readonly content: Uint8Array; readonly end: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + PREFIX_BYTES <= bytes.length;) {
    const end = at + PREFIX_BYTES + view.getUint32(at);
    if (end > bytes.length) return;
    const content = bytes.subarray(at + PREFIX_BYTES, end);
    if (!equalBytes(sha256(content), bytes.subarray(at + 4, at + PREFIX_BYTES))) return;
    yield { content, end };
    at = end;
  }
}

export function encodeRecord({ taking, layout, full }: JournalRecord): Uint8Array {
  return frame(encodeFields([taking, layout, full]));
}

/** @throws WireError */
export function decodeRecord(content: Uint8Array): JournalRecord {
  const [taking, layout, full] = decodeFields(content, 3) as [Uint8Array, Uint8Array, Uint8Array];
  return { taking, layout, full };
}

/** A new segment: where every table stood when it was begun. */
export function encodeHeads(heads: Heads): Uint8Array {
  const parts = [...heads].map(([table, { line, sequence, at, hash, shape, found }]) =>
    encodeFields([
      ...[utf8(table), line, u64(sequence), u64(at), hash],
      ...[shape, u64(found.sequence), u64(found.at)],
    ]),
  );
  return frame(encodeFields([MAGIC, encodeFields(parts)]));
}

/** Undefined for what is no head of a segment. */
export function decodeHeads(content: Uint8Array): Heads | undefined {
  try {
    const [magic, parts] = decodeFields(content, 2) as [Uint8Array, Uint8Array];
    if (!equalBytes(magic, MAGIC)) return undefined;
    const heads = decodeAllFields(parts).map((part): [string, Head] => {
      const [table, line, sequence, at, hash, shape, ...found] = decodeFields(part, 8);
      const counted = { sequence: readU64(sequence!), at: readU64(at!) };
      const state = {
        hash: hash!.slice(),
        shape: shape!.slice(),
        found: { sequence: readU64(found[0]!), at: readU64(found[1]!) },
      };
      return [fromUtf8(table!), { line: line!.slice(), ...counted, ...state }];
    });
    return new Map(heads);
  } catch {
    return undefined;
  }
}

const MAGIC = utf8('swarmplane journal 1');
