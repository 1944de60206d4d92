/** The present epoch is that of a key which was revoked: it stays until the operator makes another one. */
import type { Context } from '../engine/context.ts';
import type { Epochs } from './epochs.ts';

/** Raised once; its end is in alarm-ends.ts. */
export function checkVoid({ context, epochs }: { context: Context; epochs: Epochs }): void {
  if (!epochs.isVoid || epochs.hasNewer) return;
  const kind = 'epoch_of_revoked_key';
  if (context.openAlarms().some((one) => one.kind === kind && !one.kept)) return;
  context.alarm(
    kind,
    'epoch',
    `epoch ${context.epoch} was made by a key of the operator that was revoked since: its members stay, nobody can join, and whoever has that key may know the epoch's; run \`swarmplane secret rotate\` with a key that counts`,
  );
}
