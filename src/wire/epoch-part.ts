/**
 * Parts of an EPOCH (docs/protocol.md section 4): the slots of those whom a new epoch key is sealed
 * to, by id. The prefixes of all parts together are the roll of that epoch.
 *
 *   part  slots                                 at most 3,000
 *   slot  id prefix 16 | name tag 8 | box 48
 */
import { toHex, utf8 } from './bytes.ts';
import { encodeFields } from './fields.ts';

/** Bytes of a node id that rolls, seats and expulsions compare. */
export const PREFIX_BYTES = 16;
export const NAME_TAG_BYTES = 8;
export const SLOT_BYTES = PREFIX_BYTES + NAME_TAG_BYTES + 48;
/** Slots in one part: it fits into a frame of 256 KiB. */
export const PART_SLOTS_MAX = 3_000;
export const PART_BYTES_MAX = PART_SLOTS_MAX * SLOT_BYTES;
export const PARTS_MAX = 6;
/** An EPOCH further above the present one is not taken: who has a key once must not use up all numbers. */
export const EPOCH_STEP_MAX = 2 ** 20;
/** Number and hash of a head: what tokens name. Ids compare as their bytes do. */
export const EPOCH_ID_BYTES = 16;

/** The prefix of a node id, 32 hex digits. */
export function prefixOfNode(nodeId: string): string {
  return nodeId.slice(0, 2 * PREFIX_BYTES);
}

/** What the head keeps the SHA-256 of. */
export function partHashInput(swarm: Uint8Array, part: Uint8Array): Uint8Array {
  return encodeFields([LABEL, swarm, part]);
}

/** Whether a part is of whole slots whose prefixes rise and begin with `first`. */
export function isPartInOrder(part: Uint8Array, first: Uint8Array): boolean {
  const { length } = part;
  if (length === 0 || length > PART_BYTES_MAX || length % SLOT_BYTES !== 0) return false;
  if (Buffer.compare(part.subarray(0, PREFIX_BYTES), first) !== 0) return false;
  for (let at = SLOT_BYTES; at < length; at += SLOT_BYTES) {
    const before = part.subarray(at - SLOT_BYTES, at - SLOT_BYTES + PREFIX_BYTES);
    if (Buffer.compare(before, part.subarray(at, at + PREFIX_BYTES)) >= 0) return false;
  }
  return true;
}

/** Prefixes of a part, 32 hex digits each. */
export function* prefixesOf(part: Uint8Array): Generator<string> {
  for (let at = 0; at < part.length; at += SLOT_BYTES) {
    yield toHex(part.subarray(at, at + PREFIX_BYTES));
  }
}

/** The slot of a prefix. */
export function slotOf(part: Uint8Array, prefix: Uint8Array): Uint8Array | undefined {
  let [low, high] = [0, part.length / SLOT_BYTES - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const slot = part.subarray(middle * SLOT_BYTES, (middle + 1) * SLOT_BYTES);
    const order = Buffer.compare(slot.subarray(0, PREFIX_BYTES), prefix);
    if (order === 0) return slot;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/** Number of the part that a prefix belongs to, by the first prefixes of all; undefined before the first. */
export function partNumberOf(
  firsts: readonly Uint8Array[],
  prefix: Uint8Array,
): number | undefined {
  const at = firsts.findLastIndex((first) => Buffer.compare(first, prefix) <= 0);
  return at < 0 ? undefined : at;
}

const LABEL = utf8('swarmplane/2 epoch part');
