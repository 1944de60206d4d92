/** The ready questions of sql/examples, and what must hold in the schema so that it can go to several machines. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shapeOf } from '../../../src/tables/canonical.ts';
import { findTable } from '../../../src/tables/index.ts';
import type { Row, ShapeRow } from '../../../src/tables/types.ts';
import { sqlDir, withPostgres } from '../../helpers/postgres.ts';
import { HistoryHost } from './host.ts';
import { daysAgo, HistorySite } from './site.ts';

const DAY = 86_400_000;

describe('ready questions', () => {
  const postgres = withPostgres();

  it('are answered from what hosts took', async () => {
    const site = await HistorySite.make(postgres());
    const ask = (name: string, change: (sql: string) => string = (sql) => sql) =>
      site.lines(change(readFileSync(join(sqlDir, 'examples', `${name}.sql`), 'utf8')));
    const web1 = await Tables.make(site, 'web1');
    const web2 = await Tables.make(site, 'web2');
    const debian = (major: number) => ({ platform: 'debian', major, version: `${major}.1` });
    const openssl = (version: string) => ({ name: 'openssl', version });
    const listens = { pid: 1, fd: 3, socket: 77, protocol: 6, address: '::', port: 8080 };
    const start = daysAgo(5);
    for (const [host, major] of [
      [web1, 12],
      [web2, 13],
    ] as const)
      await host.take('os_version', start, [debian(major)]);
    await web1.take('deb_packages', start, [openssl('1')]);
    await web2.take('deb_packages', start, [openssl('1')]);
    await web1.take('deb_packages', start + DAY, [openssl('2')]);
    await web2.take('deb_packages', start + 3 * DAY, [openssl('2')]);
    await web1.take('listening_ports', start, []);
    await web1.take('listening_ports', daysAgo(1), [listens]);

    expect(await ask('newest-debian')).toEqual(['web1 12.1']);
    expect(await ask('changed-yesterday')).toEqual([
      expect.stringMatching(/^listening_ports .* added /),
    ]);
    expect(await ask('port-opened')).toEqual([expect.stringMatching(/^web1 .* added$/)]);
    const lives = await ask('package-lifetimes');
    expect(lives).toEqual([expect.stringMatching(/^1 2 /), expect.stringMatching(/^2 2 /)]);
    const share = await ask('patched-share', (sql) =>
      sql
        .replaceAll('3.0.15-1', '2')
        .replace('2026-11-01 00:00 UTC', new Date(start).toISOString()),
    );
    expect(share.slice(0, 5)).toEqual([
      '0 0 2 0.0',
      '1 1 2 50.0',
      '2 1 2 50.0',
      '3 2 2 100.0',
      '4 2 2 100.0',
    ]);
  });

  it('could be asked over several machines: the schema is one that Citus can distribute', async () => {
    const site = await HistorySite.make(postgres());
    const big = `(select c.oid from pg_class c
      where not c.relispartition and (
        c.oid in ('swarmplane.result'::regclass, 'swarmplane.taking'::regclass)
        or (c.relnamespace = 'inventory'::regnamespace and c.relkind in ('r', 'p'))))`;
    const keys = await site.lines(`
      select c.relname || ' ' || a.attname as key
        from pg_index i
        join pg_class c on c.oid = i.indexrelid
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
       where i.indisunique and i.indrelid in ${big} order by 1`);
    expect(keys).toEqual([
      'packages_current_pkey node_id',
      'result_pkey node_id',
      'taking_pkey node_id',
    ]);
    const deep = await site.lines(`
      select p.relname from pg_inherits i join pg_class p on p.oid = i.inhrelid where p.relkind = 'p'
         and p.relnamespace in ('swarmplane'::regnamespace, 'inventory'::regnamespace)`);
    expect(deep, 'one level of partitions').toEqual([]);
    const referring = await site.lines(`
      select conrelid::regclass::text as t from pg_constraint where contype = 'f' and conrelid in ${big}
         and confrelid <> 'swarmplane.node'::regclass`);
    expect(referring, 'no reference to a table that stays on the coordinator').toEqual([]);
    const triggers = await site.lines(`
      select tgrelid::regclass || ' ' || tgname from pg_trigger where not tgisinternal and tgrelid in ${big}`);
    expect(triggers, 'those that docs/operating.md says are to be dropped').toEqual([
      'inventory.packages_history _100_refuse_change',
      'inventory.packages_history _101_refuse_truncate',
    ]);
  });

  it('changes rows of big tables by no function that each machine would answer otherwise', async () => {
    const site = await HistorySite.make(postgres());
    const writes = async () => {
      const bodies = await site.lines(
        `select pg_get_functiondef(oid) from pg_proc where pronamespace = 'swarmplane'::regnamespace`,
      );
      return bodies.flatMap(writesToBigTables);
    };
    const found = await writes();
    expect(
      found.filter((sql) => sql.startsWith('update')),
      'written once',
    ).toEqual([]);
    // of taking when it is compacted, of what holds now when a taking closes it
    expect(found.length).toBeGreaterThanOrEqual(2);
    const called = (sql: string) => [...sql.matchAll(/([a-z_][a-z0-9_]*) ?\(/g)].map(([, f]) => f);
    const volatile = (sql: string) =>
      site.lines(
        `select distinct proname from pg_proc where provolatile = 'v' and proname = any ($1)`,
        [called(sql)],
      );
    for (const sql of found) expect(await volatile(sql), sql).toEqual([]);
    const defaults = await site.lines(`
      select adrelid::regclass || ' ' || pg_get_expr(adbin, adrelid) from pg_attrdef
       where adrelid in ('swarmplane.result'::regclass, 'swarmplane.taking'::regclass)
          or adrelid in (select oid from pg_class where relnamespace = 'inventory'::regnamespace)`);
    expect(defaults).toContain('taking now()');
    for (const sql of defaults) expect(await volatile(sql), sql).toEqual([]);

    // and it would be seen
    await site.query(`create function swarmplane.careless() returns void language sql as
      $$ UPDATE swarmplane.taking SET received_at = Clock_Timestamp() $$`);
    const careless = (await writes()).filter((sql) => !found.includes(sql));
    expect(careless).toHaveLength(1);
    expect(await volatile(careless[0]!)).toEqual(['clock_timestamp']);
  });
});

/** Statements in a function that change or delete rows of tables that would be distributed, in lower case. */
function writesToBigTables(definition: string): string[] {
  const code = definition.replace(/--.*$/gm, '').toLowerCase().replace(/\s+/g, ' ');
  return [
    ...code.matchAll(
      /\b(?:update|delete from|merge into) (?:only )?(inventory\.|swarmplane\.(?:result|taking)\b)[^;]*/g,
    ),
  ].map(([sql]) => sql);
}

/** The tables of one host, as real declarations have them. */
class Tables {
  readonly #site: HistorySite;
  readonly #hosts = new Map<string, HistoryHost>();

  private constructor(site: HistorySite) {
    this.#site = site;
  }

  static async make(site: HistorySite, name: string): Promise<Tables> {
    const tables = new Tables(site);
    const first = new HistoryHost();
    await site.add(name, first);
    for (const table of ['os_version', 'deb_packages', 'listening_ports']) {
      const shape = shapeOf(findTable(table)!);
      await site.declare(table, shape);
      tables.#hosts.set(table, new HistoryHost(table, shape, first.identity));
    }
    return tables;
  }

  async take(table: string, at: number, rows: readonly Row[]): Promise<void> {
    const host = this.#hosts.get(table)!;
    const values = (row: Row): ShapeRow => host.shape.columns.map(({ name }) => row[name] ?? null);
    const taking = host.take(at, rows.map(values));
    expect(await this.#site.ingest(host, [taking])).toMatchObject({ became: 'taken' });
  }
}
