/**
 * The EPOCH record (docs/protocol.md section 4): the operator's word that a new epoch has begun,
 * with the new keys sealed to the box key of every member that stays. An expelled host holds the
 * record, too, and can open nothing in it.
 */
import { concat, fromHex, readU64, u64 } from '../wire/index.ts';
import type { PinnedOperator } from './certificate.ts';
import { SecureError } from './errors.ts';
import type { Identity } from './identity.ts';
import { openRecord, signRecord } from './operator-record.ts';
import type { OperatorKey } from './operator.ts';
import { openFromMany, sealToMany } from './sealed-box.ts';
import type { KeyEntry, SwarmSecrets } from './types.ts';

/** Seconds an old epoch key is kept, to recognise hosts that were away. */
export const OLD_EPOCH_SECONDS = 30 * 86_400;

export interface EpochRecordOptions {
  /** Higher than every one before. */
  readonly epoch: number;
  readonly epochKey: Uint8Array;
  /** scrypt of the new join secret: members need it to admit others. */
  readonly joinKey: Uint8Array;
  /** Newest key entries of those that stay. */
  readonly members: readonly KeyEntry[];
  readonly nowSeconds: number;
  readonly random: (n: number) => Uint8Array;
}

export function createEpochRecord(operator: OperatorKey, options: EpochRecordOptions): Uint8Array {
  const { epoch, epochKey, joinKey, members, nowSeconds, random } = options;
  const sealed = sealToMany({
    recipients: members.map((entry) => ({ id: fromHex(entry.nodeId), publicKey: entry.boxKey })),
    plain: concat(epochKey, joinKey),
    context: contextOf(operator.swarmId, epoch),
    random,
  });
  return signRecord(operator, KIND.label, [u64(epoch), u64(nowSeconds), sealed]);
}

export interface EpochRecord {
  readonly epoch: number;
  /** Unix seconds. */
  readonly time: number;
  /** Present when one of the slots was for this identity. */
  readonly keys?: { readonly epochKey: Uint8Array; readonly joinKey: Uint8Array };
}

/** @throws SecureError `bad_record` | `malformed` */
export function openEpochRecord(
  bytes: Uint8Array,
  pinned: PinnedOperator,
  identity: Identity,
): EpochRecord {
  const fields = openRecord(bytes, KIND, pinned) as [Uint8Array, Uint8Array, Uint8Array];
  const epoch = number(fields[0]);
  const plain = openForAny(fields[2], identity, contextOf(pinned.swarmId, epoch));
  const record = { epoch, time: number(fields[1]) };
  if (plain === undefined) return record;
  if (plain.length !== 64) throw new SecureError('bad_record', 'an EPOCH record without two keys');
  return { ...record, keys: { epochKey: plain.slice(0, 32), joinKey: plain.slice(32) } };
}

/** The operator may not have heard of the last rotation, or this host rotated since it signed. */
function openForAny(
  sealed: Uint8Array,
  identity: Identity,
  context: Uint8Array,
): Uint8Array | undefined {
  const id = fromHex(identity.nodeId);
  for (const pair of identity.boxPairs) {
    const plain = openFromMany(sealed, { id, ...pair }, context);
    if (plain !== undefined) return plain;
  }
  return undefined;
}

/**
 * The secrets after a record; persist them before using them. The present ones when the record is
 * of this epoch or older.
 * @throws SecureError `bad_record`; `not_admitted` when the record holds nothing for this host: it
 * was expelled, or was away longer than its keys were known, and must join anew
 */
export function enterEpoch(
  secrets: SwarmSecrets,
  record: Uint8Array,
  identity: Identity,
  nowSeconds: number,
): SwarmSecrets {
  const { operatorKey, swarmId, epochKey } = secrets;
  if (operatorKey === undefined) throw new SecureError('not_admitted', 'no operator key yet');
  const opened = openEpochRecord(record, { operatorKey, swarmId }, identity);
  if (opened.epoch <= secrets.epoch) return secrets;
  if (opened.keys === undefined) {
    throw new SecureError(
      'not_admitted',
      `epoch ${opened.epoch} was not opened to this host: if it was not expelled, join it anew`,
    );
  }
  const old = epochKey && [{ epoch: secrets.epoch, epochKey, replacedAt: nowSeconds }];
  return {
    ...secrets,
    epoch: opened.epoch,
    ...opened.keys,
    epochRecord: new Uint8Array(record),
    previous: [...(old ?? []), ...(forgetOldEpochs(secrets, nowSeconds).previous ?? [])],
  };
}

/** Drops the epoch keys that were replaced 30 days ago. */
export function forgetOldEpochs(secrets: SwarmSecrets, nowSeconds: number): SwarmSecrets {
  const { previous } = secrets;
  if (previous === undefined) return secrets;
  const kept = previous.filter((old) => nowSeconds - old.replacedAt < OLD_EPOCH_SECONDS);
  return kept.length === previous.length ? secrets : { ...secrets, previous: kept };
}

const KIND = { label: 'epoch record', fields: 3, error: 'bad_record' } as const;

function contextOf(swarmId: Uint8Array, epoch: number): Uint8Array {
  return concat(swarmId, u64(epoch));
}

function number(field: Uint8Array): number {
  try {
    return readU64(field);
  } catch (cause) {
    throw new SecureError('bad_record', 'an EPOCH record with a number out of range', { cause });
  }
}
