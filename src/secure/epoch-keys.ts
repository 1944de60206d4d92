/** What a host holds of an epoch, and how it goes over to the next (docs/protocol.md section 4). */
import { EPOCH_STEP_MAX, equalBytes } from '../wire/index.ts';
import type { PinnedOperator } from './certificate.ts';
import {
  checkEpochKey,
  OLD_EPOCH_SECONDS,
  openEpoch,
  parseAnyEpochHead,
  parseEpochHead,
  rankOf,
} from './epoch-head.ts';
import { SecureError } from './errors.ts';
import { expandLabel, hkdfExtract } from './hash.ts';
import type { Identity } from './identity.ts';
import { isOperatorKey } from './operator.ts';
import { operatorsOf, OperatorSet } from './operator-set.ts';
import type { EpochHead, EpochId, PreviousEpoch, SwarmSecrets, WayKeys } from './types.ts';

/** Seconds after which a host that was away is not recognised any more. */
export const OLD_WAY_SECONDS = 400 * 86_400;
/** Epochs before the present one whose keys are tried. */
export const OLD_WAYS_MAX = 16;

/** The keys of an epoch that a host which was away is recognised by, and caught up under. */
export function wayKeys(swarmId: Uint8Array, epochKey: Uint8Array): WayKeys {
  const known = derived.get(epochKey);
  if (known !== undefined && equalBytes(known.swarmId, swarmId)) return known.keys;
  const base = hkdfExtract(swarmId, epochKey);
  const keys = {
    m1: expandLabel(base, 'm1 mac'),
    old: expandLabel(base, 'm1 old'),
    part: expandLabel(base, 'm1 part'),
  };
  derived.set(epochKey, { swarmId, keys });
  return keys;
}

/** The same for every M1 of an epoch, so that garbage costs HMACs only. */
const derived = new WeakMap<Uint8Array, { swarmId: Uint8Array; keys: WayKeys }>();

/**
 * The secrets after an EPOCH, from the part with the own slot; persist them before using them. The
 * present ones when the epoch is not above theirs.
 * @throws SecureError `bad_record`; `not_admitted` when it holds nothing for this host: it was left
 * out, or was away longer than its keys were known, and must join anew
 */
export function enterEpoch(
  secrets: SwarmSecrets,
  head: EpochHead,
  part: Uint8Array | undefined,
  self: { readonly identity: Identity; readonly nowSeconds: number },
): SwarmSecrets {
  const { swarmId, epochKey } = secrets;
  if (head.id <= presentRank(secrets)) return secrets;
  if (head.number > secrets.epoch + EPOCH_STEP_MAX) {
    throw new SecureError('bad_record', `epoch ${head.number} is too far above ${secrets.epoch}`);
  }
  const opened = part && openEpoch(head, part, self.identity, swarmId);
  if (opened === undefined) {
    throw new SecureError(
      'not_admitted',
      `epoch ${head.number} was not opened to this host: it was left out or expelled; with a new join token \`swarmplane up --join HOST:PORT\` takes it in again, unless it was expelled`,
    );
  }
  const old = epochKey === undefined ? [] : [oldEpoch(secrets, self.nowSeconds)];
  const kept = forgetOldEpochs(secrets, self.nowSeconds).previous ?? [];
  return {
    ...secrets,
    epoch: head.number,
    epochId: head.id,
    head: head.bytes,
    epochKey: opened,
    previous: [...old, ...kept].slice(0, OLD_WAYS_MAX),
  };
}

/** What tells a record of the operator, to this host as it is; undefined before it was let in. */
export function pinnedOf(secrets: SwarmSecrets): PinnedOperator | undefined {
  const { operatorKey, swarmId } = secrets;
  const operators = operatorsOf(secrets);
  return operatorKey && operators && { operatorKey, swarmId, operators };
}

/** What the present epoch is compared by; empty where the key that made it does not count any more. */
export function presentRank(secrets: SwarmSecrets): EpochId {
  const pinned = pinnedOf(secrets);
  const { head, epochId = '' } = secrets;
  if (head === undefined || pinned === undefined) return epochId;
  return rankOf(parseAnyEpochHead(head, pinned), pinned);
}

/** What a member answers to one it lets in, checked whole. */
export interface Admittance {
  readonly epochKey: Uint8Array;
  readonly operatorKey: Uint8Array;
  /** What is known of the operator's further keys. */
  readonly operators: readonly Uint8Array[];
  /** As signed. */
  readonly head: Uint8Array;
}

/** @throws SecureError `bad_key` | `bad_record` */
export function checkAdmittance(admittance: Admittance, swarmId: Uint8Array): EpochHead {
  const { epochKey, operatorKey } = admittance;
  if (!isOperatorKey(operatorKey, swarmId)) {
    throw new SecureError('bad_key', 'the operator key is not the one that the token pins');
  }
  const operators = OperatorSet.read(operatorKey, admittance.operators);
  const head = parseEpochHead(admittance.head, { operatorKey, swarmId, operators });
  checkEpochKey(head, epochKey);
  return head;
}

/**
 * The secrets of a host that was let in, for the first time or again; persist them before using them.
 * @throws SecureError `wrong_epoch` where the member that let it in is behind this host
 */
export function admittedSecrets(
  before: SwarmSecrets,
  admitted: Admittance & Required<Pick<SwarmSecrets, 'epoch' | 'epochId' | 'admission'>>,
  nowSeconds: number,
): SwarmSecrets {
  const { epoch, epochId, epochKey, operatorKey, head, admission } = admitted;
  const { swarmId, previous = [] } = before;
  const known = OperatorSet.read(operatorKey, before.operators ?? []);
  const { statements } = known.withAll(admitted.operators);
  const operators = statements.map(({ bytes }) => bytes);
  const next = { swarmId, operatorKey, operators, epoch, epochId, epochKey, head, admission };
  if (before.epochKey === undefined) return next;
  if (before.epochId === epochId) return { ...next, previous };
  const present = { ...before, operators };
  const pinned = pinnedOf(present)!;
  if (presentRank(present) > rankOf(parseAnyEpochHead(head, pinned), pinned)) {
    throw new SecureError('wrong_epoch', 'that member is in an earlier epoch than this host');
  }
  const kept = [oldEpoch(before, nowSeconds), ...previous];
  return { ...next, previous: kept.slice(0, OLD_WAYS_MAX) };
}

/**
 * Drops the epoch keys that were replaced 30 days ago, and after 400 days what such a host is
 * recognised by. Itself where nothing is to be dropped.
 */
export function forgetOldEpochs(secrets: SwarmSecrets, nowSeconds: number): SwarmSecrets {
  const { previous } = secrets;
  if (previous === undefined) return secrets;
  let changed = false;
  const kept = previous.flatMap((old): PreviousEpoch[] => {
    const age = nowSeconds - old.replacedAt;
    if (age < OLD_EPOCH_SECONDS) return [old];
    if (age < OLD_WAY_SECONDS && old.epochKey === undefined) return [old];
    changed = true;
    const { epoch, ways, replacedAt } = old;
    return age < OLD_WAY_SECONDS ? [{ epoch, ways, replacedAt }] : [];
  });
  return changed ? { ...secrets, previous: kept } : secrets;
}

function oldEpoch({ swarmId, epoch, epochKey }: SwarmSecrets, replacedAt: number): PreviousEpoch {
  return { epoch, epochKey: epochKey!, ways: wayKeys(swarmId, epochKey!), replacedAt };
}
