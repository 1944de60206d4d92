/** What goes with time: whole months of history, and takings that say nothing new. What stays is as true as before. */
import { describe, expect, it } from 'vitest';
import { checkHistory } from '../../../src/hub/history/verify.ts';
import { withPostgres } from '../../helpers/postgres.ts';
import { SWARM_ID, type HistoryHost } from './host.ts';
import { daysAgo, HistorySite, iso } from './site.ts';

const HOUR = 3_600_000;
const AS_OF = `select name || ' ' || version as row from inventory.packages_as_of($1) order by 1`;
const PARTITIONS = `
  select p.relname as parent, right(c.relname, 6) as month
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    join pg_class p on p.oid = i.inhparent
   where p.relname in ('taking', 'packages_history')
   order by 1, 2`;

describe('retention of history', () => {
  const postgres = withPostgres();

  it('drops whole months that are older than history_kept, and nothing of those that are not', async () => {
    const { site, web1 } = await made();
    for (let days = 200; days > 0; days -= 20)
      web1.take(daysAgo(days), [
        ['bash', '1', 1],
        ['vim', `of ${days}`, 1],
      ]);
    expect(await site.ingest(web1, web1.journal)).toMatchObject({ taken: 10 });
    const instants = [55, 40, 21, 1].map((days) => iso(daysAgo(days) + HOUR));
    const before = await states(site, instants);
    expect(await dropOld(site), 'nothing is older than 400 days').toBe(0);
    await site.query(`update swarmplane.setting set value = '60 days' where name = 'history_kept'`);
    const all = await site.lines(PARTITIONS);
    const [{ first }] = (await site.query(
      `select to_char(now() at time zone 'UTC' - interval '60 days', 'YYYYMM') as first`,
    )) as [{ first: string }];
    const kept = all.filter((line) => line.split(' ')[1]! >= first);

    expect(await dropOld(site)).toBe(all.length - kept.length);
    expect(all.length - kept.length).toBeGreaterThan(4);
    expect(await site.lines(PARTITIONS)).toEqual(kept);
    expect(await dropOld(site), 'a second time').toBe(0);
    expect(await states(site, instants)).toEqual(before);
    // of what is before that only rows are left that outlived it
    expect(await site.lines(AS_OF, [iso(daysAgo(150))])).toEqual(['bash 1']);
    expect(await site.lines('select name from inventory.packages order by 1')).toEqual([
      'bash',
      'vim',
    ]);
    expect(await findings(site, web1)).toEqual([]);
    web1.take(daysAgo(0), [['bash', '2', 1]]);
    expect(await site.ingest(web1, web1.journal)).toMatchObject({ taken: 1 });
    expect(await findings(site, web1)).toEqual([]);
  });

  it('compacts takings that repeat both of their neighbours, and every instant stays as it was', async () => {
    const { site, web1 } = await made();
    const T = daysAgo(30);
    const kinds: string[] = [];
    const take = (version: string) =>
      kinds.push(web1.take(T + kinds.length * HOUR, [['bash', version, 1]]).kind);
    const gap = (reason: string) =>
      kinds.push(web1.gap(T + kinds.length * HOUR, 'failed', reason).kind);
    for (let n = 0; n < 6; n++) take('1');
    for (let n = 0; n < 4; n++) take('2');
    for (let n = 0; n < 4; n++) gap('no such file');
    gap('it hung');
    for (let n = 0; n < 3; n++) take('2');
    expect(kinds.join(' ')).toBe(
      'full same same same same same delta same same same gap gap gap gap gap same same same',
    );
    await site.ingest(web1, web1.journal);
    const instants = kinds.map((_, n) => iso(T + (n + 0.5) * HOUR));
    const before = [await states(site, instants), await gaps(site)];

    expect(await compact(site, '40 days')).toBe(0);
    // of each run the first and the last stay: 3 of 5, 1 of 3, 1 of 3; gaps were as short when they came
    expect(await compact(site, null)).toBe(3 + 1 + 1);
    expect([await states(site, instants), await gaps(site)]).toEqual(before);
    expect(await compact(site, null), 'a second time').toBe(0);
    expect(await findings(site, web1)).toEqual([]);
    expect(await site.ingest(web1, web1.journal)).toMatchObject({ became: 'repeated' });
  });

  async function made(): Promise<{ site: HistorySite; web1: HistoryHost }> {
    const site = await HistorySite.make(postgres());
    return { site, web1: await site.add('web1') };
  }
});

async function dropOld(site: HistorySite): Promise<number> {
  return Number((await site.lines('select swarmplane.drop_old_history()'))[0]);
}

async function compact(site: HistorySite, olderThan: string | null): Promise<number> {
  return Number((await site.lines('select swarmplane.compact_history($1)', [olderThan]))[0]);
}

async function states(site: HistorySite, instants: readonly string[]): Promise<string[][]> {
  return Promise.all(instants.map((at) => site.lines(AS_OF, [at])));
}

/** From when to when what is not known, and why. */
async function gaps(site: HistorySite): Promise<string[]> {
  return site.lines('select distinct since, until, reason from swarmplane.gap order by 1, 2, 3');
}

async function findings(site: HistorySite, { identity }: HistoryHost): Promise<readonly unknown[]> {
  const keys = new Map([[identity.newest.version, identity.newest.signKey]]);
  const client = await site.pool.connect();
  try {
    const all = [];
    const options = { swarmId: SWARM_ID, keysOf: () => Promise.resolve(keys) };
    for await (const one of checkHistory(client, options)) all.push(...one.findings);
    return all;
  } finally {
    client.release();
  }
}
