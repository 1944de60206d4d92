/**
 * Expelled hosts that hold the key of the present epoch all the same: expelling and rotating go
 * together, unless two operators did not hear of each other, and the EPOCH of the one that did not know
 * of the other's list won (docs/protocol.md section 4).
 */
import type { Context } from '../engine/context.ts';
import type { Members } from '../members/members.ts';
import type { Epochs } from './epochs.ts';
import type { OperatorRecords } from './operator-records.ts';
import type { Seats } from './seats.ts';
import type { Tokens } from './tokens.ts';

export interface ExposureSources {
  readonly context: Context;
  readonly members: Members;
  readonly epochs: Epochs;
  readonly tokens: Tokens;
  readonly seats: Seats;
  readonly records: OperatorRecords;
}

/** Prefixes of node ids, 32 hex digits each. */
export function exposedHosts({
  context,
  epochs,
  tokens,
  seats,
  records,
}: ExposureSources): string[] {
  if (records.isExpelled(context.nodeId)) return [];
  const { expelled } = records;
  if (expelled.length === 0) return [];
  const present = tokens.of(epochs.enteredId);
  const isSeated = (prefix: string): boolean => present.some(({ tag }) => seats.holds(tag, prefix));
  return expelled.filter((prefix) => epochs.roll.has(prefix) || isSeated(prefix));
}

/** An alarm for each that was seen twice: a list comes a moment before the EPOCH that goes with it. */
export class Exposure {
  #seen = new Set<string>();

  sweep(sources: ExposureSources): void {
    const { context, epochs, members } = sources;
    // What is on its way ends it.
    const exposed = epochs.hasNewer ? [] : exposedHosts(sources);
    const open = new Set(context.openAlarms().map(({ kind, key }) => `${kind} ${key}`));
    for (const prefix of exposed) {
      if (!this.#seen.has(prefix) || open.has(`expelled_without_rotation ${prefix}`)) continue;
      const known = [...members.expelled()].find(({ nodeId }) => nodeId.startsWith(prefix));
      const name = known === undefined ? '' : `"${known.record.body.name}" `;
      context.alarm(
        'expelled_without_rotation',
        prefix,
        `${name}(${known?.nodeId ?? prefix}) was expelled, but holds the key of epoch ${context.epoch}: no member talks to it, and it can still lure hosts that join and read what it captured; run \`swarmplane secret rotate\``,
      );
    }
    this.#seen = new Set(exposed);
  }
}
