/**
 * A disk in memory that can lose power at any write: what was being written is there in part, or
 * with other bytes, or not at all; a file that was removed may be back. It can be full as well.
 */
import type { Disk } from '../../src/agent/history/disk.ts';

export class PowerLost extends Error {}

export class SimDisk implements Disk {
  readonly #files: Map<string, Uint8Array>;
  /** Removed since the folder was last synced. */
  readonly #removed = new Map<string, Uint8Array>();
  /** From 0 to 1, decides how much of a write is there after the crash. */
  readonly #chance: () => number;
  /** Writes until the power goes. */
  writesLeft = Infinity;
  full = false;
  #dead = false;

  constructor(chance: () => number, files: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#chance = chance;
    this.#files = new Map(files);
  }

  /** What is found when the power is back. */
  restarted(): SimDisk {
    const files = new Map(this.#files);
    for (const [name, bytes] of this.#removed) if (this.#chance() < 0.5) files.set(name, bytes);
    return new SimDisk(this.#chance, files);
  }

  get files(): ReadonlyMap<string, Uint8Array> {
    return this.#files;
  }

  list(): Promise<readonly string[]> {
    this.#refuseDead();
    return Promise.resolve([...this.#files.keys()]);
  }

  read(name: string): Promise<Uint8Array | undefined> {
    this.#refuseDead();
    return Promise.resolve(this.#files.get(name)?.slice());
  }

  replace(name: string, bytes: Uint8Array): Promise<void> {
    return this.#write(
      () => {
        this.#files.set(name, bytes.slice());
        this.#removed.clear();
      },
      () => {
        if (this.#chance() < 0.5) this.#files.set(name, bytes.slice());
        else this.#files.set(`.${name}.0123456789ab.new`, bytes.slice(0, bytes.length / 2));
      },
    );
  }

  append(name: string, at: number, bytes: Uint8Array): Promise<void> {
    const put = (written: Uint8Array): void => {
      const before = this.#files.get(name)!;
      const after = new Uint8Array(Math.max(before.length, at + written.length));
      after.set(before);
      after.set(written, at);
      this.#files.set(name, after);
    };
    return this.#write(
      () => put(bytes),
      () => {
        const kept = bytes.slice(0, Math.floor(this.#chance() * (bytes.length + 1)));
        if (this.#chance() < 0.3 && kept.length > 0) kept[kept.length - 1]! ^= 0x55;
        put(kept);
      },
    );
  }

  truncate(name: string, length: number): Promise<void> {
    const cut = (): void => void this.#files.set(name, this.#files.get(name)!.slice(0, length));
    return this.#write(cut, () => this.#chance() < 0.5 && cut(), false);
  }

  remove(name: string): Promise<void> {
    return this.#write(
      () => {
        const bytes = this.#files.get(name);
        if (bytes !== undefined) this.#removed.set(name, bytes);
        this.#files.delete(name);
      },
      () => undefined,
      false,
    );
  }

  #write(whole: () => void, torn: () => unknown, needsRoom = true): Promise<void> {
    this.#refuseDead();
    if (needsRoom && this.full) {
      torn();
      return Promise.reject(new Error('ENOSPC: no space left on device'));
    }
    if (this.writesLeft-- > 0) {
      whole();
      return Promise.resolve();
    }
    torn();
    this.#dead = true;
    return Promise.reject(new PowerLost('the power is gone'));
  }

  #refuseDead(): void {
    if (this.#dead) throw new PowerLost('the power is gone');
  }
}
