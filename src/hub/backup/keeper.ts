/**
 * Backups by the clock: made by one hub of several, whole or not at all, and the oldest of its own removed
 * only after a newer one is good.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../../agent/index.ts';
import { codeOf, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { processIsGone } from '../postgres/process-gone.ts';
import type { Pulse } from '../pulse.ts';
import { WakeLoop } from '../wake-loop.ts';
import type { BackupOutcome, BackupPlan, BackupStore } from './backup-store.ts';

export interface MadeBackup {
  readonly rows: number;
  /** Undefined where it was not restored anywhere. */
  readonly verified: unknown;
}

export interface BackupKeeperOptions extends BackupPlan {
  readonly store: BackupStore;
  readonly log: Log;
  readonly pulse: Pulse;
  /** Writes the file, whole or not at all; with `verify` only when it was restored. */
  readonly make: (file: string, verify: boolean, signal: AbortSignal) => Promise<MadeBackup>;
  /** Is told in a few words when one was verified last, for `status`. */
  readonly onState?: (words: string) => void;
  /** Other hubs leave a backup alone for so long after its hub said last that it is at it. */
  readonly leaseMs?: number;
  /** Other hubs make some, and fail, and alerts are to end soon: it is looked this often at least. */
  readonly lookMs?: number;
}

const LEASE_MS = 120_000;
const LOOK_MS = 60_000;

export class BackupKeeper {
  readonly #options: BackupKeeperOptions;
  readonly #leaseMs: number;
  readonly #lookMs: number;
  readonly #looks: WakeLoop;
  readonly #stopping = new AbortController();

  constructor(options: BackupKeeperOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
    this.#lookMs = options.lookMs ?? LOOK_MS;
    this.#looks = new WakeLoop({
      work: () => this.#look(),
      failed: (error) =>
        options.log.warn({ error: messageOf(error) }, 'could not look after backups'),
      // The database says when one that failed is tried again.
      retryMs: this.#lookMs,
      pulse: options.pulse,
    });
  }

  start(): void {
    this.#looks.wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#looks.stop();
  }

  async #look(): Promise<number> {
    const { store, onState } = this.#options;
    const { id, waitMs } = await store.begin(this.#options, this.#leaseMs);
    onState?.(await store.words());
    if (id === undefined) return Math.min(waitMs, this.#lookMs);
    const renewing = setInterval(() => {
      // Where it cannot be said, another hub may begin one as well: both are whole.
      store.renew(id, this.#leaseMs).catch(() => undefined);
    }, this.#leaseMs / 3);
    try {
      await this.#make(id);
    } finally {
      clearInterval(renewing);
      if (!this.#stopping.signal.aborted) onState?.(await store.words());
    }
    return Math.min(this.#options.everyMs, this.#lookMs);
  }

  async #make(id: string): Promise<void> {
    const { store, folder, log } = this.#options;
    const { signal } = this.#stopping;
    try {
      const made = await orAborted(this.#write(), signal);
      const old = await store.end(id, made);
      log.info({ ...made, folder }, 'made a backup');
      for (const { id: oldId, file } of old) await this.#remove(oldId, file);
    } catch (error) {
      if (signal.aborted) return;
      await store.end(id, { trouble: messageOf(error) });
      log.error({ error: messageOf(error), folder }, 'could not make a backup');
    }
  }

  async #write(): Promise<Exclude<BackupOutcome, { trouble: string }>> {
    const { folder, make, verify } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await this.#removeLeftovers();
    const file = `swarmplane-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}.backup`;
    const path = join(folder, file);
    const { rows, verified } = await make(path, verify, this.#stopping.signal);
    const { size } = await stat(path);
    return { file, bytes: size, rows, verified: verified !== undefined };
  }

  /**
   * What a process that was killed left of one: never under the name of a whole one. In a container each has
   * the id of the one before, and this one writes nothing here now.
   */
  async #removeLeftovers(): Promise<void> {
    const { folder } = this.#options;
    for (const name of await readdir(folder)) {
      const [, pid] = PARTIAL.exec(name) ?? [];
      if (pid !== undefined && (Number(pid) === process.pid || processIsGone(Number(pid))))
        await rm(join(folder, name), { force: true });
    }
  }

  /** One that this hub wrote here: nothing else in the folder is touched. */
  async #remove(id: string, file: string): Promise<void> {
    const { store, folder, log } = this.#options;
    if (!WHOLE.test(file)) return;
    try {
      await rm(join(folder, file));
      await syncFolder(folder);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') {
        log.warn({ file, error: messageOf(error) }, 'an old backup could not be removed');
        return;
      }
    }
    await store.noteRemoved(id);
  }
}

/** As `backup` of backup.ts calls what it has not finished. */
const PARTIAL = /^swarmplane-\d{8}T\d{6}Z\.backup\.partial-(\d+)$/;
const WHOLE = /^swarmplane-\d{8}T\d{6}Z\.backup$/;

/** Restoring one to see that it can be takes no signal: a stop does not wait for it. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(new Error('this hub is stopped'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
  // Whichever comes second has nobody to tell.
  work.catch(() => undefined);
  return Promise.race([work, aborted]);
}
