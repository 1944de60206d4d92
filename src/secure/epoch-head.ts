/**
 * EPOCH (docs/protocol.md section 4): the operator's word that a new epoch has begun, and whom it is
 * for. The head is a small record; the parts hold a slot for every host that stays, which is the
 * operator's admission of it. An expelled host holds both, too, and can open nothing.
 */
import {
  concat,
  EPOCH_ID_BYTES,
  equalBytes,
  fromHex,
  isPartInOrder,
  NAME_TAG_BYTES,
  PART_SLOTS_MAX,
  partHashInput,
  partNumberOf,
  PARTS_MAX,
  PREFIX_BYTES,
  readU64,
  SLOT_BYTES,
  slotOf,
  toHex,
  u64,
  utf8,
  encodeFields,
} from '../wire/index.ts';
import type { PinnedOperator } from './certificate.ts';
import { SecureError } from './errors.ts';
import { expandLabel, protocolLabel, sha256 } from './hash.ts';
import type { Identity } from './identity.ts';
import { NUMBER_MAX } from './limits.ts';
import {
  isCounted,
  openRecord,
  openSigned,
  signerOf,
  signRecord,
  type RecordKind,
} from './operator-record.ts';
import type { OperatorKey } from './operator.ts';
import { slotKey } from './sealed-box.ts';
import { secretbox } from './secretbox.ts';
import type { EpochHead, EpochId, EpochPart, KeyEntry } from './types.ts';
import { x25519KeyPair } from './x25519.ts';

/** Seconds an old epoch key is kept. */
export const OLD_EPOCH_SECONDS = 30 * 86_400;

export interface EpochMember {
  /** Newest key entry of one that stays. */
  readonly entry: KeyEntry;
  /** `nameTag` of its name, or 8 zero bytes where another host claims that name as well. */
  readonly nameTag: Uint8Array;
}

export interface EpochOptions {
  /** Higher than every one before. */
  readonly epoch: number;
  /** What it follows; undefined for the first. */
  readonly parent: EpochId | undefined;
  readonly epochKey: Uint8Array;
  readonly members: readonly EpochMember[];
  readonly nowSeconds: number;
  readonly random: (n: number) => Uint8Array;
}

export interface NewEpoch {
  readonly head: EpochHead;
  readonly parts: readonly Uint8Array[];
}

/** @throws RangeError for nobody, or for more hosts than slots */
export function createEpoch(operator: OperatorKey, options: EpochOptions): NewEpoch {
  const { epoch, parent, epochKey, nowSeconds, random, members } = options;
  if (members.length === 0 || members.length > PARTS_MAX * PART_SLOTS_MAX) {
    throw new RangeError(
      `an epoch of ${members.length} hosts, at most ${PARTS_MAX * PART_SLOTS_MAX}`,
    );
  }
  const { swarmId } = operator;
  const ephemeral = x25519KeyPair(new Uint8Array(random(32)));
  const textKey = new Uint8Array(random(32));
  const sealing = { ephemeral, textKey, context: contextOf(swarmId, epoch) };
  const slots = members.map((member) => sealSlot(member, sealing)).sort(Buffer.compare);
  refuseTwins(slots);
  ephemeral.secretKey.fill(0);
  const parts = Array.from({ length: Math.ceil(slots.length / PART_SLOTS_MAX) }, (_, at) =>
    concat(...slots.slice(at * PART_SLOTS_MAX, (at + 1) * PART_SLOTS_MAX)),
  );
  const sealed = secretbox().seal(
    expandLabel(textKey, 'sealed text', sealing.context),
    ZERO_NONCE,
    epochKey,
  );
  const bytes = signRecord(operator, EPOCH_HEAD, [
    u64(epoch),
    u64(nowSeconds),
    parent === undefined ? new Uint8Array(0) : fromHex(parent),
    ephemeral.publicKey,
    epochKeyHash(epochKey),
    sealed,
    concat(...parts.map((part) => concat(hashOfPart(swarmId, part), part.subarray(0, 16)))),
  ]);
  const operatorKey = operator.isFirst ? operator.publicKey : NAMED_IN_RECORD;
  return { head: parseAnyEpochHead(bytes, { operatorKey, swarmId }), parts };
}

/** @throws SecureError `bad_record` */
export function parseEpochHead(bytes: Uint8Array, pinned: PinnedOperator): EpochHead {
  return readHead(openRecord(bytes, EPOCH_HEAD, pinned), bytes);
}

/**
 * The same of any key, so that two EPOCHs can be compared, and the one that this host is in can be read
 * after its key was revoked. It says nothing of who may have signed it: `rankOf` does.
 * @throws SecureError `bad_record`
 */
export function parseAnyEpochHead(bytes: Uint8Array, pinned: PinnedOperator): EpochHead {
  return readHead(openSigned(bytes, EPOCH_HEAD, pinned, () => true).fields, bytes);
}

/** EPOCHs compare by this: one whose key does not count stands below all others, whatever its number. */
export function rankOf(head: EpochHead, pinned: PinnedOperator): EpochId {
  return isCounted(signerOf(head.bytes, pinned.operatorKey), pinned) ? head.id : '';
}

function readHead(fields: readonly Uint8Array[], bytes: Uint8Array): EpochHead {
  try {
    const [epoch, time, parent, ephemeral, keyHash, sealed, parts] = fields as unknown as Fields;
    if (parent.length !== 0 && parent.length !== EPOCH_ID_BYTES) throw new RangeError('its parent');
    if (ephemeral.length !== 32 || keyHash.length !== 32 || sealed.length !== 48) {
      throw new RangeError('a key or hash of the wrong length');
    }
    const number = readU64(epoch);
    if (number < 1 || number > NUMBER_MAX) throw new RangeError(`epoch ${number}`);
    return {
      kind: 'epoch',
      number,
      id: epochIdOf(number, bytes),
      time: readU64(time),
      ...(parent.length > 0 && { parent: toHex(parent) }),
      ephemeral,
      keyHash,
      sealed,
      parts: readParts(parts),
      bytes: new Uint8Array(bytes),
    };
  } catch (cause) {
    const why = (cause as Error).message;
    throw new SecureError('bad_record', `bad EPOCH: ${why}`, { cause });
  }
}

/** `number u64 | first 8 bytes of H(head)`, 32 hex digits: what tokens name. */
export function epochIdOf(number: number, head: Uint8Array): EpochId {
  return toHex(concat(u64(number), sha256(head).subarray(0, 8)));
}

/** Whether bytes are the part of this number. */
export function isPartOf(
  head: EpochHead,
  number: number,
  part: Uint8Array,
  swarmId: Uint8Array,
): boolean {
  const named = head.parts[number];
  if (named === undefined || !isPartInOrder(part, named.first)) return false;
  return equalBytes(hashOfPart(swarmId, part), named.hash);
}

/** Number of the part that would hold a node's slot; undefined where there is none for sure. */
export function partFor(head: EpochHead, nodeId: string): number | undefined {
  const prefix = fromHex(nodeId).subarray(0, PREFIX_BYTES);
  return partNumberOf(
    head.parts.map(({ first }) => first),
    prefix,
  );
}

/**
 * The epoch key, where a part has a slot for this identity that opens.
 * @throws SecureError `bad_record` when it opens to another key than the head names
 */
export function openEpoch(
  head: EpochHead,
  part: Uint8Array,
  identity: Identity,
  swarmId: Uint8Array,
): Uint8Array | undefined {
  const id = fromHex(identity.nodeId);
  const slot = slotOf(part, id.subarray(0, PREFIX_BYTES));
  if (slot === undefined) return undefined;
  const context = contextOf(swarmId, head.number);
  const box = slot.subarray(PREFIX_BYTES + NAME_TAG_BYTES);
  // The operator may not have heard of the last rotation, or this host rotated since it signed.
  for (const { publicKey, secretKey } of identity.boxPairs) {
    const bound = { ephemeral: head.ephemeral, recipient: { id, publicKey }, context };
    const key = slotKey(secretKey, head.ephemeral, bound);
    const textKey = secretbox().open(key, ZERO_NONCE, box);
    if (textKey === undefined) continue;
    const text = expandLabel(textKey, 'sealed text', context);
    return checked(head, secretbox().open(text, ZERO_NONCE, head.sealed));
  }
  return undefined;
}

/** @throws SecureError `bad_record` unless the head names this key */
export function checkEpochKey(head: EpochHead, epochKey: Uint8Array): void {
  if (epochKey.length === 32 && equalBytes(epochKeyHash(epochKey), head.keyHash)) return;
  throw new SecureError('bad_record', 'an epoch key that is not the one its EPOCH names');
}

/** The first 8 bytes of H(fields(label, swarm id, name)): tells whose name it was at a rotation. */
export function nameTag(swarmId: Uint8Array, name: string): Uint8Array {
  return sha256(encodeFields([protocolLabel('name tag', 2), swarmId, utf8(name)])).slice(0, 8);
}

export const EPOCH_HEAD: RecordKind = {
  label: 'epoch head',
  fields: 7,
  error: 'bad_record',
  version: 2,
};

type Fields = [
  ...[Uint8Array, Uint8Array, Uint8Array],
  ...[Uint8Array, Uint8Array, Uint8Array, Uint8Array],
];

/** What another key than the first signs says by which. */
const NAMED_IN_RECORD = new Uint8Array(32);
const PART_ENTRY_BYTES = 32 + PREFIX_BYTES;
/** Each of these keys seals one text. */
const ZERO_NONCE = new Uint8Array(24);

function sealSlot(
  { entry, nameTag }: EpochMember,
  sealing: {
    readonly ephemeral: { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };
    readonly textKey: Uint8Array;
    readonly context: Uint8Array;
  },
): Uint8Array {
  const { ephemeral, textKey, context } = sealing;
  const recipient = { id: fromHex(entry.nodeId), publicKey: entry.boxKey };
  const bound = { ephemeral: ephemeral.publicKey, recipient, context };
  const key = slotKey(ephemeral.secretKey, recipient.publicKey, bound);
  const box = secretbox().seal(key, ZERO_NONCE, textKey);
  const slot = concat(recipient.id.subarray(0, PREFIX_BYTES), nameTag, box);
  if (slot.length !== SLOT_BYTES) throw new RangeError('a name tag of the wrong length');
  return slot;
}

function refuseTwins(slots: readonly Uint8Array[]): void {
  const twin = slots.some(
    (slot, at) => at > 0 && equalBytes(slot.subarray(0, 16), slots[at - 1]!.subarray(0, 16)),
  );
  if (twin) throw new RangeError('two hosts whose node ids begin alike: one of them was made up');
}

function readParts(bytes: Uint8Array): EpochPart[] {
  const count = bytes.length / PART_ENTRY_BYTES;
  if (!Number.isInteger(count) || count < 1 || count > PARTS_MAX) throw new RangeError('its parts');
  return Array.from({ length: count }, (_, at) => {
    const entry = bytes.subarray(at * PART_ENTRY_BYTES, (at + 1) * PART_ENTRY_BYTES);
    return { hash: entry.subarray(0, 32), first: entry.subarray(32) };
  });
}

function hashOfPart(swarmId: Uint8Array, part: Uint8Array): Uint8Array {
  return sha256(partHashInput(swarmId, part));
}

function epochKeyHash(epochKey: Uint8Array): Uint8Array {
  return sha256(protocolLabel('epoch key', 2), epochKey);
}

function checked(head: EpochHead, epochKey: Uint8Array | undefined): Uint8Array {
  if (epochKey === undefined) throw new SecureError('bad_record', 'an EPOCH whose key is damaged');
  checkEpochKey(head, epochKey);
  return epochKey;
}

function contextOf(swarmId: Uint8Array, epoch: number): Uint8Array {
  return concat(swarmId, u64(epoch));
}
