/**
 * What preparing told of statements that were good. Tables, functions and limits are fixed for the
 * life of a runner, so the same text is good again, and an asker that repeats itself saves a round
 * trip to the query process. What was refused is not kept.
 */
import type { PreparedInfo } from './types.ts';

const STATEMENTS_MAX = 256;
const SQL_LENGTH_MAX = 4_096;

export class PreparedCache {
  readonly #known = new Map<string, PreparedInfo>();

  get(sql: string): PreparedInfo | undefined {
    const info = this.#known.get(sql);
    if (info !== undefined) this.#remember(sql, info);
    return info;
  }

  add(sql: string, info: PreparedInfo): PreparedInfo {
    if (sql.length <= SQL_LENGTH_MAX) this.#remember(sql, info);
    return info;
  }

  /** A Map keeps the order of insertion: the first is the one that was not asked for longest. */
  #remember(sql: string, info: PreparedInfo): void {
    this.#known.delete(sql);
    this.#known.set(sql, info);
    if (this.#known.size > STATEMENTS_MAX) this.#known.delete(this.#known.keys().next().value!);
  }
}
