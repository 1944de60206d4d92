/** The audit sealed by hubs: nothing left out, one chain, and what goes by retention. */
import { expect, it } from 'vitest';
import { auditRowHash, sealedRows, sealHash } from '../../src/hub/audit-seal.ts';
import { SEAL_COLUMNS, storedSeal, type StoredSeal } from '../../src/hub/seal-rows.ts';
import { eachPostgres } from '../helpers/postgres.ts';
import { hubFixture, type Fixture } from './hub-fixture.ts';
import { ScriptedAsker } from './scripted-asker.ts';

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
});

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
