/** How much each origin may have others do by its requests: whoever asks more is told so, or is not heard. */
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import { Rates } from '../engine/rates.ts';
import type { Sharers } from '../engine/shares.ts';

/** Requests of one origin that are taken; a large body makes one as much as several (`weightOf`). */
const OF_A_MEMBER = { perSecond: 40, burst: 1_000 };
const OF_A_HUB = { perSecond: 500, burst: 5_000 };
/** Of those that come straight from a member with hops left: it has links of its own. */
const PASSED_ON = { perSecond: 5, burst: 200 };
/** Of those that have no room, that are answered so. */
const REFUSED = { perSecond: 5, burst: 200 };
/** Withdrawals of requests that are not here: those that overtake them. */
const STRAY_CANCELS = { perSecond: 2, burst: 40 };
/** Of one request: each makes kept answers go out again, and links that come and go call for several. */
const BEACONS = { perSecond: 1, burst: 4 };

const BODY_BYTES_OF_ONE = 16 * 1024;

/** A request counts one, and one more for each 16 KiB of its body, which is opened and hashed. */
export function weightOf(body: Uint8Array | undefined): number {
  return 1 + Math.floor((body?.length ?? 0) / BODY_BYTES_OF_ONE);
}

export class RequestRates {
  readonly taken: Rates;
  readonly passedOn: Rates;
  readonly refused: Rates;
  readonly strayCancels: Rates;
  /** By request. */
  readonly beacons: Rates;

  constructor(context: Context, { isHub }: Pick<Sharers, 'isHub'>) {
    const ofHubs = (rate: typeof OF_A_HUB) => (origin: NodeId) => (isHub(origin) ? OF_A_HUB : rate);
    this.taken = new Rates(context, ofHubs(OF_A_MEMBER));
    this.passedOn = new Rates(context, ofHubs(PASSED_ON));
    this.refused = new Rates(context, ofHubs(REFUSED));
    this.strayCancels = new Rates(context, ofHubs(STRAY_CANCELS));
    this.beacons = new Rates(context, () => BEACONS);
  }

  /** An origin was expelled. */
  forget(origin: NodeId): void {
    for (const rates of this.#ofOrigins()) rates.forget(origin);
  }

  sweep(): void {
    for (const rates of [...this.#ofOrigins(), this.beacons]) rates.sweep();
  }

  #ofOrigins(): readonly Rates[] {
    return [this.taken, this.passedOn, this.refused, this.strayCancels];
  }
}
