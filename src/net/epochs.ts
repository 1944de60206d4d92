/**
 * Goes over to a new epoch when the operator's EPOCH of it is there (docs/protocol.md section 4): the
 * new secrets are on the disk before they are used. A crash anywhere is made good at the next start,
 * since the EPOCH is kept by the core, or shown again by any member.
 */
import {
  enterEpoch,
  forgetOldEpochs,
  SecureError,
  type EpochHead,
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
  /** `head`: where it is another epoch. */
  use(secrets: SwarmSecrets, head?: EpochHead): void;
  alarm(alarm: Alarm): void;
  readonly log: NetLog;
}

export class Epochs {
  readonly #handlers: EpochsHandlers;
  readonly #sweeper: NodeJS.Timeout;
  #last: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  /** Alarms whose end has not come. */
  readonly #open = new Set<EpochAlarm>();

  /** `alarms`: of the last run, those that are open. */
  constructor(handlers: EpochsHandlers, alarms: readonly Pick<Alarm, 'kind' | 'key'>[] = []) {
    this.#handlers = handlers;
    for (const { kind, key } of alarms) if (key === KEY) this.#open.add(kind as EpochAlarm);
    this.#sweeper = setInterval(() => this.forgetOld(), SWEEP_MS);
  }

  /** One after the other; an EPOCH that is not above the present one changes nothing. */
  enter(head: EpochHead, part: Uint8Array | undefined): void {
    this.#last = this.#last.then(async () => {
      const { secrets, identity, wall } = this.#handlers;
      const self = { identity: identity(), nowSeconds: Math.floor(wall() / 1000) };
      try {
        const next = enterEpoch(secrets(), head, part, self);
        if (next !== secrets()) await this.#goOver(next, head);
        this.endAlarms();
      } catch (error) {
        this.#handleError(head, part, error as Error);
      }
    });
  }

  /**
   * Other keys of the operator are known. The records have them, too, so that a disk which refuses them
   * here loses nothing: they are told again at the next start.
   */
  useOperators(operators: readonly Uint8Array[]): void {
    this.#last = this.#last.then(async () => {
      const next = { ...this.#handlers.secrets(), operators };
      try {
        await this.#handlers.save(next);
      } catch (error) {
        this.#handlers.log.error({ err: error }, 'the keys of the operator cannot be kept yet');
      }
      this.#handlers.use(next);
      const statements = operators.length;
      this.#handlers.log.info({ statements }, 'other keys of the operator are known');
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

  /** Resolves when what was begun by now has ended. */
  settled(): Promise<void> {
    return this.#last;
  }

  /** Resolves when what was begun has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#sweeper);
    clearTimeout(this.#retry);
    await this.#last;
    clearTimeout(this.#retry);
  }

  async #goOver(next: SwarmSecrets, head?: EpochHead): Promise<void> {
    await this.#handlers.save(next);
    this.#handlers.use(next, head);
    this.#handlers.log.info({ epoch: next.epoch }, 'the epoch key is that of this epoch now');
  }

  /** This host holds the epoch of a record that it was shown, or a later one. */
  endAlarms(): void {
    const { alarm, wall } = this.#handlers;
    for (const kind of this.#open) alarm({ kind, key: KEY, message: '', at: wall(), over: true });
    this.#open.clear();
  }

  #raise(kind: EpochAlarm, message: string): void {
    this.#open.add(kind);
    this.#handlers.alarm({ kind, key: KEY, message, at: this.#handlers.wall() });
  }

  #handleError(head: EpochHead, part: Uint8Array | undefined, error: Error): void {
    this.#handlers.log.error({ err: error }, 'cannot go over to a new epoch');
    const { message } = error;
    if (error instanceof SecureError) {
      return this.#raise('epoch_closed', message);
    }
    const text = `the secrets of a new epoch cannot be kept: ${message}; check that the state folder is writable and not full`;
    this.#raise('persist_failed', text);
    this.#retry = setTimeout(() => this.enter(head, part), RETRY_MS);
  }
}

type EpochAlarm = 'epoch_closed' | 'persist_failed';

/** The key under which alarms about epochs are raised. */
const KEY = 'epoch';
const SWEEP_MS = 3_600_000;
const RETRY_MS = 10_000;
