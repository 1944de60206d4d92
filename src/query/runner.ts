/**
 * Runs queries in child processes, so that the agent's main thread never runs SQL or collectors.
 * A process is started for the first query, ended at a limit, and let go when it has been idle.
 */
import { Pool } from './pool.ts';
import type { Done } from './protocol.ts';
import { PreparedCache } from './prepared-cache.ts';
import { takenRow } from './taking.ts';
import { QueryError, type QueryRunner, type QueryRunnerOptions } from './types.ts';

/** Nothing is started and nothing heavy is loaded until the first query. */
export function createQueryRunner(runnerOptions: QueryRunnerOptions): QueryRunner {
  const pool = new Pool(runnerOptions);
  const prepared = new PreparedCache();
  return {
    async prepare(sql, options = {}) {
      const known = prepared.get(sql);
      if (known !== undefined) return known;
      const { done } = await pool.run('prepare', sql, options);
      if (done.kind !== 'prepare') throw wrongReport(done);
      const { columns, tables, sensitive } = done;
      return prepared.add(sql, { columns, tables, sensitive });
    },
    async explain(sql, options = {}) {
      const { done } = await pool.run('explain', sql, options);
      if (done.kind !== 'explain') throw wrongReport(done);
      const { columns, tables, sensitive, plan, versions } = done;
      return { columns, tables, sensitive, plan, versions };
    },
    async run(sql, options = {}) {
      const { done, rows } = await pool.run('run', sql, options);
      if (done.kind !== 'run') throw wrongReport(done);
      const { columns, truncated, warnings, tookMs } = done;
      return { columns, rows, truncated, warnings, tookMs };
    },
    async describe(sql, options = {}) {
      const { done } = await pool.run('describe', sql, options);
      if (done.kind !== 'describe') throw wrongReport(done);
      const { columns, tables, sensitive } = done;
      return { columns, tables, sensitive };
    },
    async take(wanted, options = {}) {
      const [sql, more] =
        typeof wanted === 'string' ? [wanted, {}] : [wanted.query, { shape: wanted }];
      const { done, rows } = await pool.run('take', sql, { ...options, ...more });
      if (done.kind !== 'take') throw wrongReport(done);
      const { shape, hash, truncated } = done;
      return { shape, hash: new Uint8Array(hash), truncated, rows: rows.map(takenRow) };
    },
    stop: () => pool.stop(),
  };
}

function wrongReport(done: Done): QueryError {
  return new QueryError('failed', `the query process reported "${done.kind}" for another job`);
}
