/** What the tables of hosts truly hold: files that the test writes, and every version of them. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestHost } from '../helpers/swarm.ts';
import type { Random } from '../sim/random.ts';

/** A table that is read from one file. */
export interface FileTable {
  readonly table: string;
  readonly path: string;
  /** The line for a row of the model, and SQL that makes the row of the model from the table's. */
  readonly line: (row: string) => string;
  readonly sql: string;
}

export const FILE_TABLES: readonly FileTable[] = [
  {
    table: 'etc_hosts',
    path: 'etc/hosts',
    line: (row) => `10.0.0.1 ${row}`,
    sql: 'r.hostnames',
  },
  {
    table: 'groups',
    path: 'etc/group',
    line: (row) => `${row}:x:7:`,
    sql: 'r.groupname',
  },
];

/** Rows joined by commas, sorted. `since`: before the file was put in place; `until`: after the next one was. */
export interface Version {
  readonly rows: string;
  readonly since: number;
  until: number;
}

/** One table of one host. */
export class Truth {
  readonly host: string;
  readonly of: FileTable;
  readonly versions: Version[] = [];
  readonly #file: string;

  constructor(host: TestHost, of: FileTable) {
    this.host = host.name;
    this.of = of;
    this.#file = join(`${host.state}.root`, of.path);
    mkdirSync(dirname(this.#file), { recursive: true });
  }

  get now(): string {
    return this.versions.at(-1)!.rows;
  }

  /** A few rows come, go or change at once; no two versions are equal. */
  change(random: Random): void {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'].filter(() => random.hits(0.5));
    const rows = [`v${this.versions.length}`, ...names.map((name) => name + random.between(1, 3))];
    const since = Date.now();
    writeFileSync(`${this.#file}.new`, rows.map((row) => `${this.of.line(row)}\n`).join(''));
    renameSync(`${this.#file}.new`, this.#file);
    const last = this.versions.at(-1);
    if (last !== undefined) last.until = Date.now();
    this.versions.push({ rows: rows.sort().join(','), since, until: Infinity });
  }

  /** Whether the file was this at some moment of that time. */
  was(rows: string, from: number, to: number): boolean {
    return this.versions.some((one) => one.rows === rows && one.since <= to && one.until >= from);
  }
}

/** Changes them at random moments until `signal` aborts. */
export async function changeAll(
  truths: readonly Truth[],
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  const one = async (truth: Truth, own: Random): Promise<void> => {
    while (!signal.aborted) {
      truth.change(own);
      await pause(own.between(100, 3_000), undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(truths.map((truth) => one(truth, random.fork())));
}
