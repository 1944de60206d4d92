/** A clock of programs that a test sets: libfaketime, where it is installed. */
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clusterRoot } from './clusters.ts';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';

export const hasFaketime = existsSync(LIBRARY);

export class SettableClock {
  readonly #folder: string;
  /** Of the program whose clock it is. */
  readonly environment: Readonly<Record<string, string>>;

  constructor() {
    this.#folder = mkdtempSync(join(clusterRoot(), 'swarmplane-clock-'));
    chmodSync(this.#folder, 0o755);
    this.set('+0');
    this.environment = {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
  }

  get #file(): string {
    return join(this.#folder, 'offset');
  }

  /** Such as `+1d`; `+0` is the true time. By renaming: nobody reads half of it. */
  set(offset: string): void {
    writeFileSync(`${this.#file}.new`, `${offset}\n`, { mode: 0o644 });
    renameSync(`${this.#file}.new`, this.#file);
  }

  stop(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
