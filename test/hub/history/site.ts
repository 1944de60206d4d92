/** A database with hosts that hand takings over, without a hub: what ingest does, seen directly. */
import type pg from 'pg';
import { HistoryStore, type Ingested } from '../../../src/hub/history/store.ts';
import { batchText } from '../../../src/hub/history/takings.ts';
import type { Ack, Taking } from '../../../src/agent/index.ts';
import type { Shape } from '../../../src/tables/types.ts';
import type { TestDatabase, TestPostgres } from '../../helpers/postgres.ts';
import { HistoryHost, PACKAGES } from './host.ts';

export class HistorySite {
  readonly database: TestDatabase;
  /** As the owner. */
  readonly pool: pg.Pool;
  readonly store: HistoryStore;

  private constructor(database: TestDatabase) {
    this.database = database;
    this.pool = database.pool();
    this.store = new HistoryStore(this.pool);
  }

  /** With the table `packages` tracked. */
  static async make(postgres: TestPostgres): Promise<HistorySite> {
    const site = new HistorySite(await postgres.createDatabase());
    await site.declare('packages', PACKAGES);
    await site.query(`select swarmplane.track('packages')`);
    return site;
  }

  /** As a hub that starts declares its tables. */
  async declare(name: string, shape: Shape): Promise<void> {
    const columns = shape.columns.map((column) => ({ ...column, doc: 'x' }));
    const table = { name, description: 'x', columns, key: shape.key, sensitive: false };
    await this.query('select swarmplane.report_host_tables($1)', [JSON.stringify([table])]);
  }

  async add<T extends { readonly nodeId: string } = HistoryHost>(
    name: string,
    host: T = new HistoryHost() as unknown as T,
  ): Promise<T> {
    await this.query(
      `insert into swarmplane.node (identity, name, state) values ($1, $2, 'alive')`,
      [host.nodeId, name],
    );
    return host;
  }

  /** What became of the takings of the host's one table, asked for when `known` was committed: now. */
  async ingest(
    host: HistoryHost,
    takings: readonly Taking[],
    wholeAsked: readonly string[] = [],
    known?: readonly Ack[],
  ): Promise<Ingested> {
    const batch = batchText(takings, wholeAsked, known ?? (await this.acks(host)));
    return (await this.store.ingest(host.nodeId, batch))[0]!;
  }

  /** What has been committed of a host. */
  async acks(host: { readonly nodeId: string }): Promise<Ack[]> {
    return this.query<Ack & Record<string, unknown>>(
      `select table_name as table, line, sequence, coalesce(hash, '') as hash from swarmplane.head
        where line is not null and node_id = (select id from swarmplane.node where identity = $1)`,
      [host.nodeId],
    );
  }

  async query<T extends pg.QueryResultRow = Record<string, unknown>>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<T[]> {
    return (await this.pool.query<T>(sql, [...values])).rows;
  }

  /** Rows of a query, each as its values joined by blanks. */
  async lines(sql: string, values: readonly unknown[] = []): Promise<string[]> {
    const rows = await this.query(sql, values);
    return rows.map((row) => Object.values(row).join(' '));
  }

  /** Everything that ingest writes, to see that nothing changed. */
  async everything(): Promise<unknown> {
    return Promise.all(
      [
        'table inventory.packages_current order by node_id, row_hash',
        'table inventory.packages_history order by node_id, row_hash, valid_to',
        'table swarmplane.taking order by node_id, at',
        'table swarmplane.head order by node_id',
      ].map((sql) => this.query(sql)),
    );
  }
}

/** The start of a day in the past, of this or an earlier month. */
export function daysAgo(days: number): number {
  return Math.floor(Date.now() / 86_400_000 - days) * 86_400_000;
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
