/** SEALs of audit chains (docs/protocol.md section 10): signing those of this hub, spreading, remembering. */
import type { SealSpec, SealView } from '../swarm/types.ts';
import type { Driver } from './driver.ts';

export class SealDesk {
  readonly #driver: Driver;

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  /** Signed with the node's present key; what is signed is a SEAL and nothing else. */
  sign(seal: SealSpec): SealView {
    return this.#driver.step((core, now) => core.signSeal(now, seal));
  }

  /** Remembers a SEAL and sends it to the neighbours. False when it is not news, or no hub's. */
  spread(head: Uint8Array): boolean {
    return this.#driver.step((core, now) => core.spreadSeal(now, head));
  }

  /** What this node remembers, by chain, hub and number. */
  all(): readonly SealView[] {
    return this.#driver.step((core) => core.seals());
  }
}
