/** The functions of desired state in the database (sql/77-converge.sql), typed. Nothing here retries. */
import type pg from 'pg';

/** Every method rejects with the error of pg. */
export class DesiredStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Ids of the rows that are due, the longest due first. */
  async due(): Promise<readonly string[]> {
    const { rows } = await this.#pool.query<{ due: string[] }>(
      'select swarmplane.due_desired()::text[] as due',
    );
    return rows[0]!.due;
  }

  /**
   * One pass over one row, in one transaction that takes at most `limitMs`: views are other people's. False
   * where another hub holds the row.
   */
  async converge(id: string, limitMs: number): Promise<boolean> {
    const client = await this.#pool.connect();
    let failed: Error | undefined;
    try {
      await client.query('begin isolation level read committed');
      await client.query(`select set_config('statement_timeout', $1, true)`, [String(limitMs)]);
      const { rows } = await client.query<{ done: boolean }>(
        'select swarmplane.converge($1) as done',
        [id],
      );
      await client.query('commit');
      return rows[0]!.done;
    } catch (error) {
      failed = error as Error;
      throw error;
    } finally {
      // A connection whose transaction cannot be ended is not given back.
      const ended = failed === undefined || (await client.query('rollback').then(isTrue, isFalse));
      client.release(ended ? undefined : failed);
    }
  }

  /** After a pass that failed: the row is looked at again in a minute, and an alert says why. */
  async putOff(id: string, why: string): Promise<void> {
    await this.#pool.query('select swarmplane.put_off($1, $2)', [id, why]);
  }

  /** Milliseconds until the next look; undefined where there is no active row. */
  async nextMs(): Promise<number | undefined> {
    const { rows } = await this.#pool.query<{ ms: number | null }>(
      'select swarmplane.next_desired() as ms',
    );
    return rows[0]!.ms ?? undefined;
  }
}

const isTrue = (): boolean => true;
const isFalse = (): boolean => false;
