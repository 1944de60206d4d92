/** Two rotations on two sides of a cut network: who went over from one EPOCH to the other says so. */
import type { EpochHead, EpochId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Members } from '../members/members.ts';

export interface ConflictSources {
  readonly context: Context;
  readonly members: Members;
}

/** Whom the epoch that lost had and this one has not is named until the operator has decided. */
export function tellConflict(
  { context, members }: ConflictSources,
  before: EpochHead,
  head: EpochHead,
): void {
  if (head.parent === before.id) return context.alarmOver('rotation_conflict', 'epoch');
  const apart = head.number === before.number || numberOf(head.parent) === before.number;
  if (!apart) return;
  const stranded = [...members.all()].filter((member) => !member.admitted);
  const names = stranded.map((member) => member.record.body.name).slice(0, 20);
  const who = names.length === 0 ? 'nobody is left out by that' : `left out: ${names.join(', ')}`;
  context.alarm(
    'rotation_conflict',
    'epoch',
    `two rotations of the secret did not know of each other; this host has gone over from epoch ${before.number} (${before.id.slice(-8)}) to ${head.number} (${head.id.slice(-8)}); ${who}; run \`swarmplane secret rotate\` at this host to take them in again`,
  );
}

function numberOf(id: EpochId | undefined): number | undefined {
  return id === undefined ? undefined : Number.parseInt(id.slice(0, 16), 16);
}
