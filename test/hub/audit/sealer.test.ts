/** The audit sealed by hubs: nothing left out, one chain, and what goes by retention. */
import { expect, it } from 'vitest';
import { openSeal } from '../../../src/agent/requests/audit-seal.ts';
import { verifyAudit, type AuditReport } from '../../../src/hub/audit/verify.ts';
import { auditRowHash, sealedRows, sealHash } from '../../../src/hub/audit/seal.ts';
import { SEAL_COLUMNS, storedSeal, type StoredSeal } from '../../../src/hub/audit/seal-rows.ts';
import { eachPostgres } from '../../helpers/postgres.ts';
import { hubFixture, type Fixture } from '../hub-fixture.ts';
import { ScriptedAsker } from '../scripted-asker.ts';

eachPostgres('the sealer', (postgres) => {
  it('seals what was audited; SQL and TypeScript compute the same hashes', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    await fixture.query(`set timezone to 'Pacific/Auckland'`);
    await fixture.request('select 1', { reason: 'Grüße, \u{1f512} and "quotes"' });
    await fixture.until(ALL_SEALED);

    const seals = await sealsOf(fixture);
    const rows = await fixture.query<Parameters<typeof auditRowHash>[0] & { hash: Buffer }>(
      `select id, swarmplane.micros(at) as micros, actor, action, object,
              before::text as before, after::text as after, hash
         from swarmplane.audit order by id`,
    );
    expect(rows.length).toBeGreaterThan(3);
    for (const row of rows) expect(row.hash).toEqual(auditRowHash(row));
    expect(seals.flatMap((seal) => sealedRows(seal.rows)).map(({ id }) => id)).toEqual(
      rows.map((row) => row.id),
    );
    for (const [at, seal] of seals.entries()) {
      expect(Buffer.from(seal.hash)).toEqual(sealHash(seal));
      expect(Buffer.from(seal.previous)).toEqual(seals[at - 1]?.hash ?? Buffer.alloc(32));
    }
    const newest = Buffer.from(seals.at(-1)!.hash).toString('hex');
    await expect.poll(() => fixture.asker.seals.heads.at(-1)?.hash).toBe(newest);
  });

  it('leaves no row behind a seal, however late its transaction commits', async () => {
    const fixture = await hubFixture(postgres());
    const asker2 = new ScriptedAsker(['hub2', 'web1', 'web2']);
    await Promise.all([fixture.startHub(), fixture.startHub({}, asker2)]);
    const late = await fixture.pool.connect();
    await late.query('begin');
    await late.query(`insert into swarmplane.request (sql) values ('late')`);
    await Promise.all(
      [1, 2, 3].map(async (writer) => {
        for (let n = 0; n < 40; n++) {
          const client = await fixture.pool.connect();
          await client.query('begin');
          await client.query(
            `insert into swarmplane.request (sql) values ('select ${writer * 1000 + n}')`,
          );
          await client.query(n % 7 === 0 ? 'rollback' : 'commit');
          client.release();
        }
      }),
    );
    // its id is lower than all of theirs: no seal may have settled past it
    const [before] = await fixture.query<{ settled: number; id: number }>(
      `select coalesce(max(settled_id), 0) as settled,
              (select min(id) from swarmplane.audit where after ->> 'sql' like 'select %') as id
         from swarmplane.audit_seal`,
    );
    expect(before!.settled).toBeLessThan(before!.id);
    await late.query('commit');
    late.release();
    await fixture.until(ALL_SEALED);
    const seals = await sealsOf(fixture);
    const ids = seals.flatMap((seal) => sealedRows(seal.rows)).map(({ id }) => id);
    const rows = await fixture.query<{ id: number }>('select id from swarmplane.audit order by id');
    expect(ids.toSorted((a, b) => a - b)).toEqual(rows.map((row) => row.id));
    expect(new Set(seals.map((seal) => seal.chain)).size).toBe(1);
    // and soon nothing is left open before the newest
    await fixture.query(`update swarmplane.setting set value = value where name = 'attempts_max'`);
    await fixture.until(
      `select from swarmplane.audit_seal having max(settled_id) >= ${ids.at(-1)}`,
    );
  });

  it('catches up after months without a hub: partitions made, rows sealed, old ones dropped', async () => {
    const fixture = await hubFixture(postgres());
    await age(fixture, [500, 450, 60]);
    await fixture.query(
      `select swarmplane.make_partitions_of('result', 'week', now() - interval '10 weeks', now())`,
    );
    await fixture.query(
      `select swarmplane.make_partitions_of('delivery_done', 'week', now() - interval '10 weeks', now())`,
    );
    await oldRequest(fixture, 'select old');
    const hub = await fixture.startHub();
    await fixture.until(
      `select from swarmplane.audit_seal where dropped_before is not null and head is not null`,
    );
    await fixture.until(`select from swarmplane.audit having min(at) > now() - interval '70 days'`);
    await fixture.until(ALL_LEFT_SEALED);
    expect(await fixture.query('table swarmplane.audit_default')).toEqual([]);
    await fixture.until(
      `select not exists (select from swarmplane.request where sql = 'select old')`,
    );
    const parts = await fixture.query<{ ends: Date }>(
      `select ends from swarmplane.partition_ends() where parent in ('result', 'delivery_done')`,
    );
    expect(parts.length).toBeGreaterThan(8);
    for (const { ends } of parts) expect(ends.getTime()).toBeGreaterThan(Date.now() - 31 * DAY_MS);

    const { faults, dropped } = await verify(fixture);
    expect(faults).toEqual([]);
    expect(dropped!.rows).toBe(2);

    // a second checkpoint continues the count, and seals of which no row is left go
    await fixture.query(
      `update swarmplane.setting set value = '40 days' where name = 'audit_kept'`,
    );
    await fixture.until(`select from swarmplane.audit_seal having max(dropped_rows) = 3`);
    await fixture.until(`select from swarmplane.audit having min(at) > now() - interval '1 day'`);
    await hub.stop();
    expect((await verify(fixture)).faults).toEqual([]);
  });

  it('drops no row that is not sealed, and says so', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    await fixture.until(ALL_SEALED);
    const late = await fixture.pool.connect();
    await late.query(`begin; select pg_current_xact_id()`);
    await age(fixture, [500]);
    await fixture.until(`select from swarmplane.alert where kind = 'audit_unsealed'`);
    expect(
      await fixture.query(`select from swarmplane.audit where at < now() - interval '400 days'`),
    ).toHaveLength(1);
    expect(
      await fixture.query(`select from swarmplane.audit_seal where dropped_before is not null`),
    ).toEqual([]);
    await late.query('commit');
    late.release();
    await fixture.until(
      `select from swarmplane.audit having min(at) > now() - interval '400 days'`,
    );
  });
});

const DAY_MS = 86_400_000;

/** Writes audit rows that are so many days old. */
async function age(fixture: Fixture, days: readonly number[]): Promise<void> {
  const values = days.map(
    (day) => `(now() - interval '${day} days', 'setting.update', 'setting x')`,
  );
  await fixture.query(
    `insert into swarmplane.audit (at, action, object) values ${values.join(', ')}`,
  );
  await fixture.query('select swarmplane.make_partitions()');
}

/** A request that ended nine weeks ago. */
async function oldRequest({ database, query }: Fixture, sql: string): Promise<void> {
  const pool = database.pool(database.superUrl);
  await query(
    `insert into swarmplane.node (identity, name, state) values (repeat('9', 64), 'gone', 'alive')`,
  );
  await query('insert into swarmplane.request (sql) values ($1)', [sql]);
  await pool.query(`begin; alter table swarmplane.request disable trigger user;
    alter table swarmplane.delivery disable trigger user;
    delete from swarmplane.delivery;
    update swarmplane.request
       set asked_at = now() - interval '9 weeks', closed_at = now() - interval '9 weeks', pending = 0, targets = 0;
    alter table swarmplane.request enable trigger user;
    alter table swarmplane.delivery enable trigger user; commit`);
}

async function verify({ database, asker }: Fixture): Promise<AuditReport> {
  const { seals } = asker;
  return verifyAudit({
    pool: database.pool(),
    open: openSeal,
    otherChains: [],
    keys: async () => [seals.identity.newest.signKey],
    memories: [{ node: 'web1', heads: seals.heads.map(({ head }) => head) }],
  });
}

/** As below, where rows that seals hold may have been dropped. */
const ALL_LEFT_SEALED = `
  select from swarmplane.audit a
   having bool_and(a.id in (select swarmplane.sealed_ids(0)))`;

/** Every row there is stands in a seal with a signature. */
const ALL_SEALED = `
  select from (
    select (select count(*) from swarmplane.audit) as rows,
           (select coalesce(sum(count), 0) from swarmplane.audit_seal where head is not null) as sealed
  ) x where rows = sealed and rows > 0`;

async function sealsOf(fixture: Fixture): Promise<StoredSeal[]> {
  const rows = await fixture.query(
    `select ${SEAL_COLUMNS} from swarmplane.audit_seal s order by s.number`,
  );
  return rows.map(storedSeal);
}
