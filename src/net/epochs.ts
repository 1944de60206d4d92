/**
 * Goes over to a new epoch when the operator's record of it is there (docs/protocol.md section 4):
 * the new secrets are on the disk before they are used. A crash anywhere is made good at the next
 * start, since the record is kept by the core, or shown again by any member.
 */
import {
  enterEpoch,
  forgetOldEpochs,
  SecureError,
  type Identity,
  type SwarmSecrets,
} from '../secure/index.ts';
import type { Alarm } from '../swarm/types.ts';
import type { NetLog } from './options.ts';

export interface EpochsHandlers {
  secrets(): SwarmSecrets;
  identity(): Identity;
  /** Unix milliseconds. */
  wall(): number;
  /** Resolves when the secrets are on disk. */
  save(secrets: SwarmSecrets): Promise<void>;
  use(secrets: SwarmSecrets): void;
  alarm(alarm: Alarm): void;
  readonly log: NetLog;
}

export class Epochs {
  readonly #handlers: EpochsHandlers;
  readonly #sweeper: NodeJS.Timeout;
  #last: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;

  constructor(handlers: EpochsHandlers) {
    this.#handlers = handlers;
    this.#sweeper = setInterval(() => this.forgetOld(), SWEEP_MS);
  }

  /** One after the other; a record of the present epoch or an older one changes nothing. */
  enter(record: Uint8Array): void {
    this.#last = this.#last.then(async () => {
      const { secrets, identity, wall } = this.#handlers;
      const now = Math.floor(wall() / 1000);
      try {
        const next = enterEpoch(secrets(), record, identity(), now);
        if (next !== secrets()) await this.#goOver(next);
      } catch (error) {
        this.#handleError(record, error as Error);
      }
    });
  }

  /** Deletes epoch keys that were replaced 30 days ago. */
  forgetOld(): void {
    this.#last = this.#last.then(async () => {
      const { secrets, wall, log } = this.#handlers;
      const next = forgetOldEpochs(secrets(), Math.floor(wall() / 1000));
      if (next === secrets()) return;
      try {
        await this.#goOver(next);
      } catch (error) {
        log.error({ err: error }, 'old epoch keys cannot be deleted; trying again in an hour');
      }
    });
  }

  /** Resolves when what was begun has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#sweeper);
    clearTimeout(this.#retry);
    await this.#last;
    clearTimeout(this.#retry);
  }

  async #goOver(next: SwarmSecrets): Promise<void> {
    const { save, use, alarm, wall } = this.#handlers;
    await save(next);
    use(next);
    for (const kind of ['epoch_closed', 'persist_failed'] as const)
      alarm({ kind, key: 'epoch', message: '', at: wall(), over: true });
    this.#handlers.log.info({ epoch: next.epoch }, 'the epoch key is that of this epoch now');
  }

  #handleError(record: Uint8Array, error: Error): void {
    const { alarm, wall, log } = this.#handlers;
    log.error({ err: error }, 'cannot go over to a new epoch');
    const { message } = error;
    if (error instanceof SecureError) {
      return alarm({ kind: 'epoch_closed', key: 'epoch', message, at: wall() });
    }
    const text = `the secrets of a new epoch cannot be kept: ${message}; check that the state folder is writable and not full`;
    alarm({ kind: 'persist_failed', key: 'epoch', message: text, at: wall() });
    this.#retry = setTimeout(() => this.enter(record), RETRY_MS);
  }
}

const SWEEP_MS = 3_600_000;
const RETRY_MS = 10_000;
