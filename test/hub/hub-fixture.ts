/** A database, scripted hosts and hubs over them; everything is stopped after the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type pg from 'pg';
import { Hub, type HubOptions, type HubTuning } from '../../src/hub/hub.ts';
import { silentLog, type Log } from '../../src/hub/log.ts';
import { whileAway } from '../../src/hub/schema/open-database.ts';
import type { TestDatabase, TestPostgres } from '../helpers/postgres.ts';
import { until } from '../helpers/eventually.ts';
import { QUICK } from './quick.ts';
import { ScriptedAsker } from './scripted-asker.ts';

export interface Fixture {
  readonly database: TestDatabase;
  /** As the owner. */
  readonly pool: pg.Pool;
  readonly asker: ScriptedAsker;
  startHub(
    tuning?: Partial<HubTuning>,
    asker?: ScriptedAsker,
    log?: Log,
    more?: Partial<HubOptions>,
  ): Promise<Hub>;
  /** Inserts a request; its id. */
  request(sql: string, columns?: Record<string, unknown>): Promise<number>;
  /** Waits until the request has ended; its counts that are not zero. */
  ended(id: number): Promise<Record<string, number>>;
  /** Waits until the query gives a row that is not empty, null or false. */
  until<T extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<T>;
  query<T extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<T[]>;
}

export async function hubFixture(
  postgres: TestPostgres,
  hosts: readonly string[] = ['hub1', 'web1', 'web2'],
): Promise<Fixture> {
  const database = await postgres.createDatabase({ used: true });
  const pool = database.pool();
  const asker = new ScriptedAsker(hosts);
  await pool.query(
    `update swarmplane.setting set value = '20 milliseconds' where name = 'retry_min'`,
  );
  await pool.query(
    `update swarmplane.setting set value = '100 milliseconds' where name = 'retry_max'`,
  );
  await pool.query(`update swarmplane.setting set value = '1 second' where name = 'lease_time'`);

  // An idle connection of the pool may be one that a fault cut.
  const query = async <T extends pg.QueryResultRow>(
    sql: string,
    values: unknown[] = [],
  ): Promise<T[]> => (await whileAway(() => pool.query<T>(sql, values), silentLog)).rows;
  const untilRow = async <T extends pg.QueryResultRow>(
    sql: string,
    values: unknown[] = [],
  ): Promise<T> => {
    let last: T | undefined;
    const look = async (): Promise<T | undefined> => {
      [last] = await query<T>(sql, values);
      const holds = (value: unknown): boolean => value !== null && value !== false;
      return last !== undefined && Object.values(last).every(holds) ? last : undefined;
    };
    return until(look, () => `${sql} ${JSON.stringify(values)}: ${JSON.stringify(last)}`);
  };
  return {
    database,
    pool,
    asker,
    query,
    until: untilRow,
    startHub: async (tuning = {}, of = asker, log = LOG, more = {}) => {
      const hub = await Hub.start({
        databaseUrl: database.url,
        asker: of,
        spoolFolder: temporaryFolder(),
        log,
        tuning: { ...QUICK, ...tuning },
        ...more,
      });
      onTestFinished(() => hub.stop());
      return hub;
    },
    request: async (sql, columns = {}) => {
      const names = Object.keys(columns).map((name) => `, ${name}`);
      const [row] = await query<{ id: number }>(
        `insert into swarmplane.request (sql${names.join('')})
         values ($1${names.map((_, at) => `, $${at + 2}`).join('')}) returning id`,
        [sql, ...Object.values(columns)],
      );
      return row!.id;
    },
    ended: async (id) => {
      const { counts } = await untilRow<{ counts: Record<string, number> }>(
        `select jsonb_build_object('ok', ok, 'failed', failed, 'refused', refused, 'expired', expired,
                  'unreachable', unreachable, 'cancelled', cancelled) as counts
           from swarmplane.request where id = $1 and state = 'done'`,
        [id],
      );
      return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
    },
  };
}

/** Gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'swarmplane-hub-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const say =
  (level: string) =>
  (facts: object, message: string): void =>
    console.error(level, message, JSON.stringify(facts));
const loud: Log = {
  debug: say('debug'),
  info: say('info'),
  warn: say('warn'),
  error: say('error'),
};

const LOG = process.env['HUB_LOG'] === undefined ? silentLog : loud;
