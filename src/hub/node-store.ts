/** The functions of nodes in the database (sql/44-departure.sql to 46-node-key.sql), typed. Nothing here retries. */
import type pg from 'pg';

/** Every method rejects with the error of pg. */
export class NodeStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** `members` is a JSON array, see sql/45-node.sql. */
  async report(members: string): Promise<void> {
    await this.#pool.query('select swarmplane.report_nodes($1::jsonb)', [members]);
  }

  /** Whom people forgot or retired; `incarnation` null: whatever it has said of itself since. */
  async departed(): Promise<{ identity: string; incarnation: number | null }[]> {
    const sql = 'select identity, incarnation from swarmplane.departed()';
    return (await this.#pool.query<{ identity: string; incarnation: number | null }>(sql)).rows;
  }

  /** `entries` is a JSON array, see sql/46-node-key.sql. */
  async reportKeys(entries: string): Promise<void> {
    await this.#pool.query('select swarmplane.report_keys($1::jsonb)', [entries]);
  }
}
