/** Texts that a hub looks at: what keeps one of them waiting keeps no other, and no host. */
import { expect, it, onTestFinished } from 'vitest';
import { Hub } from '../../../src/hub/hub.ts';
import { silentLog } from '../../../src/hub/log.ts';
import { until } from '../../helpers/eventually.ts';
import { eachPostgres } from '../../helpers/postgres.ts';
import { temporaryFolder } from '../hub-fixture.ts';
import { QUICK } from '../quick.ts';
import { HistoryAsker } from './asker.ts';
import { HistoryHost } from './host.ts';
import { HistorySite } from './site.ts';

eachPostgres('a hub that describes texts', (postgres) => {
  it('goes on with hosts and other texts while somebody reads what a new table is to be in', async () => {
    const site = await HistorySite.make(postgres());
    const host = new HistoryHost();
    const asker = new HistoryAsker({ web1: host });
    asker.look = () =>
      Promise.resolve({ columns: [{ name: 'n', type: 'BIGINT' }], tables: [], sensitive: [] });
    const hub = await Hub.start({
      databaseUrl: site.database.url,
      asker,
      log: silentLog,
      tuning: { ...QUICK, alertsMs: 60, stallMs: 200, stallLookMs: 50 },
      spoolFolder: temporaryFolder(),
    });
    onTestFinished(() => hub.stop());
    // A first hub tracks tables by itself.
    await until(() => asker.wishes.has(host.nodeId));
    const stranger = await site.database.pool(site.database.superUrl).connect();
    onTestFinished(() => stranger.release(true));
    await stranger.query('begin; select from inventory.changes');
    await site.query(`select swarmplane.track_query('people', 'select 1 as n')`);
    const [alert] = await rowsOf<{ message: string }>(
      site,
      `select message from swarmplane.alert
        where kind = 'hub_stalled' and key = 'hub1 history' and resolved_at is null`,
    );
    expect(alert!.message).toContain('inventory.changes AccessShareLock');

    await site.query(
      `insert into swarmplane.schedule (name, sql, every, active) values ('later', 'select 2 as n', '1 day', false)`,
    );
    await rowsOf(site, `select from swarmplane.schedule where described ? 'columns'`);
    // Not by track(), which waits for what the hub holds while it waits.
    await site.query(
      `update swarmplane.track_wish set every = '30 minutes' where table_name = 'packages'`,
    );
    await site.query(`select swarmplane.wish_soon()`);
    const everyOf = () =>
      asker.wishes.get(host.nodeId)?.tables.map(({ table, every }) => `${table} ${every}`);
    await until(() => everyOf()?.includes('packages 1800'));
    expect(everyOf()).not.toContain('people 3600');

    await stranger.query('rollback');
    await until(() => everyOf()?.includes('people 3600'));
    await rowsOf(
      site,
      `select from swarmplane.alert where kind = 'hub_stalled' having bool_and(resolved_at is not null)`,
    );
  });
});

function rowsOf<T extends Record<string, unknown>>(site: HistorySite, sql: string): Promise<T[]> {
  return until(async () => {
    const rows = await site.query<T>(sql);
    return rows.length > 0 ? rows : undefined;
  });
}
