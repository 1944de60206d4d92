/** A query runner over the tables of fixtures/tables.mjs, or those of a host, and what their collectors were told. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createQueryRunner, QueryError, type QueryRunner } from '../../src/query/index.ts';
import type { QueryLimits, QueryRunnerOptions } from '../../src/query/types.ts';
import type { Value } from '../../src/tables/types.ts';

const NO_FACTS = { members: [], links: [], alarms: [], agent: {} };

export class Fixture {
  readonly root = mkdtempSync(join(tmpdir(), 'swarmplane-query-'));
  readonly runner: QueryRunner;

  constructor(
    limits: Partial<QueryLimits> = {},
    more: Partial<QueryRunnerOptions> = {},
    tables: 'fixtures' | 'own' = 'fixtures',
  ) {
    const registry = new URL('./fixtures/tables.mjs', import.meta.url).href;
    this.runner = createQueryRunner({
      facts: () => NO_FACTS,
      root: this.root,
      ...(tables === 'own' ? {} : { registry }),
      // The machine is shared: what takes milliseconds may take seconds.
      limits: { timeMs: 20_000, ...limits },
      ...more,
    });
  }

  async rows(sql: string): Promise<readonly (readonly Value[])[]> {
    return (await this.runner.run(sql)).rows;
  }

  /** The first column. */
  async values(sql: string): Promise<readonly Value[]> {
    return (await this.rows(sql)).map(([value]) => value!);
  }

  /** "code: message" of the error it must give. */
  async error(sql: string, options?: Parameters<QueryRunner['run']>[1]): Promise<string> {
    try {
      await this.runner.run(sql, options);
    } catch (error) {
      if (error instanceof QueryError) return `${error.code}: ${error.message}`;
      throw error;
    }
    throw new Error(`no error from ${sql}`);
  }

  /** Lines the collectors wrote since the last look. */
  calls(): readonly string[] {
    const file = join(this.root, 'calls.log');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    rmSync(file);
    return lines;
  }

  async close(): Promise<void> {
    await this.runner.stop();
    rmSync(this.root, { recursive: true, force: true });
  }
}
