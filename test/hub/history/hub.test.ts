/** Hubs that gather: wishes told, takings committed and only then acknowledged, work shared. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Fetcher } from '../../../src/hub/history/fetcher.ts';
import { HistoryStore, type TurnNote } from '../../../src/hub/history/store.ts';
import { DEFAULT_TUNING, Hub } from '../../../src/hub/hub.ts';
import { silentLog } from '../../../src/hub/log.ts';
import { partsOf } from '../../../src/hub/parts.ts';
import { until } from '../../helpers/eventually.ts';
import { withPostgres } from '../../helpers/postgres.ts';
import { HistoryAsker } from './asker.ts';
import { HistoryHost } from './host.ts';
import { daysAgo, HistorySite, iso } from './site.ts';
import { temporaryFolder } from '../hub-fixture.ts';
import { QUICK } from '../quick.ts';

const HOUR = 3_600_000;

describe('a hub that gathers history', () => {
  const postgres = withPostgres();

  it('tells hosts what is wished for, commits what they took, and only then acknowledges', async () => {
    const { site, asker, hosts } = await swarm(3);
    asker.most = 2;
    const T = daysAgo(2);
    for (const [n, host] of hosts.entries())
      for (let hour = 0; hour < 5; hour++) host.take(T + hour * HOUR, [['bash', `${hour}`, n]]);
    await start(site, asker);
    await rowsIn(
      site,
      `select from swarmplane.head where table_name = 'packages' and sequence = 5`,
      3,
    );
    const wishes = hosts.map(({ nodeId }) => asker.wishes.get(nodeId)!);
    for (const { tables } of wishes)
      expect(tables).toContainEqual({ table: 'packages', every: 3600 });
    expect(new Set(wishes.map(({ version }) => version)).size).toBe(1);
    for (let hour = 0; hour < 5; hour++)
      expect(
        await site.lines('select host, version from inventory.packages_as_of($1) order by 1', [
          iso(T + (hour + 0.5) * HOUR),
        ]),
      ).toEqual([1, 2, 3].map((n) => `web${n} ${hour}`));
    // each question acknowledges what the one before brought
    const acked = asker.fetches
      .filter(({ node }) => node === hosts[0]!.nodeId)
      .map(({ body }) => body.acks.find(({ table }) => table === 'packages')?.sequence);
    expect(acked.slice(0, 3)).toEqual([undefined, 2, 4]);
  });

  it('asks for the whole state once when a delta has nothing to stand on, then leaves it in peace', async () => {
    const { site, asker, hosts } = await swarm(1);
    const [web1] = hosts as [HistoryHost];
    const T = daysAgo(2);
    const hub = await start(site, asker);
    web1.take(T, [['bash', '1', 1]]);
    await wake(site);
    await rowsIn(site, `select from inventory.packages where version = '1'`);
    await hub.stop();
    // the database is put back to before it
    await site.query('delete from inventory.packages_current');
    await site.query('delete from swarmplane.head; delete from swarmplane.taking');
    web1.take(T + HOUR, [['bash', '2', 1]]);
    await start(site, asker);
    await wake(site);
    await rowsIn(site, `select from inventory.packages where version = '2'`);
    expect(await site.query('table inventory.overlap')).toEqual([]);
  });

  it('shares the hosts with other hubs: each taking is asked for by one of them', async () => {
    const { site, asker, hosts } = await swarm(12);
    const T = daysAgo(2);
    await Promise.all([1, 2, 3].map(() => start(site, asker)));
    for (const host of hosts) host.take(T, [['bash', '1', 1]]);
    await wake(site);
    await rowsIn(site, `select from inventory.packages`, 12);
    expect(await site.lines('select count(*) from swarmplane.taking')).toEqual(['12']);
    const [{ count }] = (await site.query(
      `select count(*)::int from swarmplane.alert where kind like 'history%'`,
    )) as [{ count: number }];
    expect(count).toBe(0);
  });

  it('tells a host that keeps the newer list of another hub one above it, at once', async () => {
    const { site, asker, hosts } = await swarm(1);
    const { nodeId } = await site.add('web1', hosts[0]);
    const theirs = Date.now() + 1e9;
    asker.wishes.set(nodeId, { version: theirs, tables: [] });
    const { fetcher, notes } = noting(site, asker);
    fetcher.start();
    await until(() => notes.length >= 2);
    expect(notes[0]).toEqual({ identity: nodeId, version: theirs, soon: 0 });
    expect(notes[1]).toMatchObject({ version: theirs + 1, told: true, refused: [] });
    expect(asker.wishes.get(nodeId)!.version).toBe(theirs + 1);
  });

  it('asks a host that was told again, later each time, until it has taken every table once', async () => {
    const { site, asker, hosts } = await swarm(2);
    const [quick, slow] = hosts as [HistoryHost, HistoryHost];
    await site.add('web1', quick);
    await site.add('web2', slow);
    await site.query(`delete from swarmplane.track_wish where table_name <> 'packages'`);
    const { fetcher, notes } = noting(site, asker);
    const soonOf = ({ nodeId }: HistoryHost) =>
      notes.filter(({ identity }) => identity === nodeId).map(({ soon }) => soon);
    quick.take(daysAgo(2), [['bash', '1', 1]]);
    fetcher.start();
    for (let turns = 1; turns <= 5; turns++) {
      if (turns === 4) slow.take(daysAgo(1), [['bash', '1', 1]]);
      await vi.waitFor(() => expect(soonOf(slow)).toHaveLength(turns), 30_000);
      await wake(site);
      fetcher.wake();
    }
    expect(soonOf(slow)).toEqual([3_000, 3_000, 6_000, undefined, undefined]);
    expect(soonOf(quick).slice(0, 3)).toEqual([3_000, undefined, undefined]);
  });

  it('asks a host that was busy again soon, and one that refuses at its usual turn', async () => {
    const { site, asker, hosts } = await swarm(2);
    const [busy, refusing] = hosts as [HistoryHost, HistoryHost];
    await site.add('web1', busy);
    await site.add('web2', refusing);
    await site.query(`delete from swarmplane.track_wish where table_name <> 'packages'`);
    busy.take(daysAgo(1), [['bash', '1', 1]]);
    asker.refusals.set(busy.nodeId, { code: 'busy', message: 'later' });
    asker.refusals.set(refusing.nodeId, { code: 'authority', message: 'no' });
    const { fetcher, notes } = noting(site, asker);
    const soonsOf = ({ nodeId }: HistoryHost) =>
      notes.filter(({ identity }) => identity === nodeId).map(({ soon }) => soon);
    fetcher.start();
    for (let turns = 1; turns <= 4; turns++) {
      if (turns === 3) asker.refusals.delete(busy.nodeId);
      await until(() => soonsOf(busy).length === turns, `turn ${turns}`);
      await wake(site);
      fetcher.wake();
    }
    expect(soonsOf(busy)).toEqual([3_000, 6_000, 3_000, undefined]);
    expect(new Set(soonsOf(refusing))).toEqual(new Set([undefined]));
  });

  it('stops hurrying for a table that a host never takes', async () => {
    const { site, asker, hosts } = await swarm(1);
    await site.add('web1', hosts[0]);
    const { fetcher, notes } = noting(site, asker);
    const soons = () => notes.map(({ soon }) => soon);
    fetcher.start();
    for (let turns = 1; turns <= 8; turns++) {
      await vi.waitFor(() => expect(soons()).toHaveLength(turns), 30_000);
      await wake(site);
      fetcher.wake();
    }
    expect(soons().slice(0, 8)).toEqual(
      [3, 3, 6, 12, 24, 48, 96, undefined].map((s) => s && s * 1000),
    );
  });

  it('tells hosts when a wish is taken back, and keeps what it has', async () => {
    const { site, asker, hosts } = await swarm(1);
    const [web1] = hosts as [HistoryHost];
    await start(site, asker);
    web1.take(daysAgo(2), [['bash', '1', 1]]);
    await wake(site);
    await rowsIn(site, `select from inventory.packages`);
    const { version } = asker.wishes.get(web1.nodeId)!;
    await site.query(`select swarmplane.untrack('packages')`);
    await until(() => asker.wishes.get(web1.nodeId)!.version !== version, 'it is told');
    const told = asker.wishes.get(web1.nodeId)!;
    expect(told.version).toBeGreaterThan(version);
    expect(told.tables.map(({ table }) => table)).not.toContain('packages');
    expect(await site.lines('select name from inventory.packages')).toEqual(['bash']);
  });

  async function swarm(
    count: number,
  ): Promise<{ site: HistorySite; asker: HistoryAsker; hosts: HistoryHost[] }> {
    const site = await HistorySite.make(postgres());
    const hosts = Array.from({ length: count }, () => new HistoryHost());
    const named = hosts.map((host, n) => [`web${n + 1}`, host] as const);
    return { site, hosts, asker: new HistoryAsker(Object.fromEntries(named)) };
  }
});

async function start(site: HistorySite, asker: HistoryAsker): Promise<Hub> {
  const { url } = site.database;
  const hub = await Hub.start({
    databaseUrl: url,
    asker,
    log: silentLog,
    tuning: QUICK,
    spoolFolder: temporaryFolder(),
  });
  onTestFinished(() => hub.stop());
  return hub;
}

/** A fetcher, not begun, and all that it notes, as soon as that is committed. */
function noting(site: HistorySite, asker: HistoryAsker): { fetcher: Fetcher; notes: TurnNote[] } {
  const notes: TurnNote[] = [];
  const store = new (class extends HistoryStore {
    override async note(said: readonly TurnNote[]): Promise<void> {
      await super.note(said);
      notes.push(...said);
    }
  })(site.pool);
  const [log, parts] = [silentLog, partsOf(DEFAULT_TUNING)];
  const { retentionMs } = DEFAULT_TUNING;
  const fetcher = new Fetcher({
    store,
    asker,
    log,
    askMs: 1_000,
    isSensitive: () => false,
    retentionMs,
    parts,
  });
  onTestFinished(() => fetcher.stop());
  return { fetcher, notes };
}

/** The next turn of every host is now. */
async function wake(site: HistorySite): Promise<void> {
  await site.query('select swarmplane.wish_soon()');
}

/** Hosts' turns come as often as it is looked: a host that was told just now has its next one 3 s later. */
async function rowsIn(site: HistorySite, sql: string, rows = 1): Promise<void> {
  const look = async (): Promise<boolean> => {
    if ((await site.query(sql)).length >= rows) return true;
    await wake(site);
    return false;
  };
  await until(look, `${rows} rows of ${sql}`, { everyMs: 50 });
}
