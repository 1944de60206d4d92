/** What somebody with a superuser's rights does to the audit, and that it is found and named. */
import { expect, it } from 'vitest';
import type pg from 'pg';
import { openSeal } from '../../../src/agent/requests/audit-seal.ts';
import { verifyAudit, type AuditReport } from '../../../src/hub/audit/verify.ts';
import { auditRowHash, sealHash } from '../../../src/hub/audit/seal.ts';
import { SEAL_COLUMNS, storedSeal } from '../../../src/hub/audit/seal-rows.ts';
import { withPostgres } from '../../helpers/postgres.ts';
import { hubFixture, type Fixture } from '../hub-fixture.ts';
import { ScriptedAsker } from '../scripted-asker.ts';

const postgres = withPostgres();

/** An audit with several seals, the last of which settles the ids of the others. */
async function sealedAudit(): Promise<Rig> {
  const fixture = await hubFixture(postgres());
  const hub = await fixture.startHub();
  for (let n = 1; n <= 4; n++) {
    await fixture.request(`select ${n}`);
    await fixture.until(ALL_SEALED);
  }
  await expect.poll(() => fixture.asker.seals.heads.at(-1)?.number).toBeGreaterThan(3);
  await hub.stop();
  const superuser = fixture.database.pool(fixture.database.superUrl);
  return { fixture, superuser, verify: (more) => verify(fixture, more) };
}

interface Rig {
  readonly fixture: Fixture;
  readonly superuser: pg.Pool;
  verify(more?: { memories?: boolean; otherChains?: string[] }): Promise<AuditReport>;
}

async function verify(
  { database, asker }: Fixture,
  { memories = true, otherChains = [] }: { memories?: boolean; otherChains?: string[] } = {},
): Promise<AuditReport> {
  const pool = database.pool(await database.urlAs('carol', ['swarmplane_auditor']));
  const { seals } = asker;
  return verifyAudit({
    pool,
    open: openSeal,
    otherChains,
    keys: async (hub) => (hub === asker.nodeId ? [seals.identity.newest.signKey] : []),
    memories: memories ? [{ node: 'web1', heads: seals.heads.map(({ head }) => head) }] : [],
  });
}

/** As superuser, guards off. */
async function tamper(pool: pg.Pool, sql: string): Promise<void> {
  const tables = ['swarmplane.audit', 'swarmplane.audit_seal'];
  await pool.query(`begin; ${tables.map((one) => `alter table ${one} disable trigger user;`).join('')}
    ${sql}; ${tables.map((one) => `alter table ${one} enable trigger user;`).join('')} commit`);
}

const kinds = (report: AuditReport): string[] => [
  ...new Set(report.faults.map(({ kind }) => kind)),
];

const ALL_SEALED = `
  select from (
    select (select count(*) from swarmplane.audit) as rows,
           (select coalesce(sum(count), 0) from swarmplane.audit_seal where head is not null) as sealed
  ) x where rows = sealed and rows > 0`;

it('nothing is wrong with an audit that nobody touched, and new rows are counted, not blamed', async () => {
  const { fixture, verify } = await sealedAudit();
  await fixture.request('select 5');
  const report = await verify();
  expect(report).toMatchObject({ faults: [], notes: [], unsealed: 1, witnesses: ['web1'] });
  expect(report.rows).toBeGreaterThan(6);
  expect(report.seals).toBeGreaterThan(3);
});

it('an edited row is named, also when its hash was computed anew', async () => {
  const { superuser, verify } = await sealedAudit();
  await tamper(superuser, `update swarmplane.audit set actor = 'bob' where id = 4`);
  const report = await verify();
  expect(kinds(report)).toEqual(['row_edited']);
  expect(report.faults[0]!.message).toMatch(/^row 4 \(.*, bob, request.insert/);

  await tamper(
    superuser,
    `update swarmplane.audit a set hash = swarmplane.audit_hash(a) where id = 4`,
  );
  expect(kinds(await verify())).toEqual(['row_edited']);
});

it('a deleted row is named', async () => {
  const { superuser, verify } = await sealedAudit();
  await tamper(superuser, `delete from swarmplane.audit where id = 4`);
  const report = await verify();
  expect(kinds(report)).toEqual(['row_deleted']);
  expect(report.faults[0]!.message).toMatch(/^row 4 of .*, which seal \d+ holds, is gone$/);
});

it('a row put in among the sealed is named, with an old id, a taken one, or a new one', async () => {
  const { superuser, verify } = await sealedAudit();
  const columns = 'id, at, actor, action, object, xid, hash';
  const put = (id: string, at: string): Promise<void> =>
    tamper(
      superuser,
      `insert into swarmplane.audit (${columns}) overriding system value
       select ${id}, ${at}, 'bob', 'request.insert', 'request 99', xid, '' from swarmplane.audit where id = 4;
       update swarmplane.audit a set hash = swarmplane.audit_hash(a) where actor = 'bob'`,
    );
  await put('4', `at + interval '1 second'`);
  expect((await verify()).faults).toMatchObject([{ kind: 'row_inserted' }]);
  await tamper(superuser, `delete from swarmplane.audit where actor = 'bob'`);
  // a gap that a rollback left
  await put('0', 'at');
  expect((await verify()).faults).toMatchObject([{ kind: 'row_inserted' }]);
  await tamper(superuser, `delete from swarmplane.audit where actor = 'bob'`);
  await put('1000', `at - interval '1 hour'`);
  const { faults } = await verify();
  expect(faults).toMatchObject([{ kind: 'row_inserted' }]);
  expect(faults[0]!.message).toMatch(
    /^row 1000 .* was put in later: it was written after seal \d+$/,
  );
});

it('a seal that was changed, taken out or moved is named', async () => {
  const { superuser, verify } = await sealedAudit();
  await tamper(
    superuser,
    `create table copy as table swarmplane.audit_seal;
    update swarmplane.audit_seal set at = at - interval '1 day' where number = 2`,
  );
  expect(kinds(await verify())).toEqual(['seal_edited', 'seal_signature']);
  const undo = `delete from swarmplane.audit_seal; insert into swarmplane.audit_seal select * from copy`;
  await tamper(superuser, `${undo}; delete from swarmplane.audit_seal where number = 2`);
  expect(kinds(await verify())).toContain('seal_missing');
  await tamper(superuser, `${undo}; update swarmplane.audit_seal set head = null where number = 2`);
  expect(kinds(await verify())).toEqual(['seal_signature']);
  await tamper(superuser, undo);
  expect(kinds(await verify())).toEqual([]);
});

it('a chain that a superuser rebuilt has no signatures; with the key of the hub the nodes find it', async () => {
  const { fixture, superuser, verify } = await sealedAudit();
  await rebuild(superuser, fixture.asker, false);
  expect(kinds(await verify({ memories: false }))).toEqual(['seal_signature']);
  expect(kinds(await verify())).toEqual(['seal_signature', 'chain_rebuilt']);

  await rebuild(superuser, fixture.asker, true);
  expect(kinds(await verify({ memories: false }))).toEqual([]);
  const report = await verify();
  expect(kinds(report)).toEqual(['chain_rebuilt']);
  expect(report.faults[0]!.message).toMatch(
    /^seal \d+ is not the one that hub [0-9a-f]{12} signed .*web1\)$/,
  );
});

it('a chain that ends before what nodes remember, and one they alone know, is named', async () => {
  const { fixture, superuser, verify } = await sealedAudit();
  await tamper(
    superuser,
    `delete from swarmplane.audit_seal where number = (select max(number) from swarmplane.audit_seal)`,
  );
  expect(kinds(await verify())).toContain('chain_cut_off');

  // a hub that remembers it goes on with a new chain, and says so
  await fixture.request('select 9');
  await fixture.startHub();
  await fixture.until(ALL_SEALED);
  await fixture.until(`select from swarmplane.alert where kind = 'audit_cut_off'`);
  const [chains] = await fixture.query<{ count: number }>(
    'select count(distinct chain) from swarmplane.audit_seal',
  );
  expect(chains!.count).toBe(2);
  expect(kinds(await verify())).toEqual(['chain_cut_off']);

  const foreign = fixture.asker.seals.sign({
    chain: 'f'.repeat(32),
    number: 1,
    hash: '0'.repeat(64),
    at: 0,
  });
  fixture.asker.seals.spread(foreign.head);
  expect(kinds(await verify())).toContain('chain_unknown');
  expect(kinds(await verify({ otherChains: ['f'.repeat(32)] }))).toEqual(['chain_cut_off']);
});

/** Edits row 4 and computes everything that follows from it anew; signs it with the hub's key, if he has it. */
async function rebuild(pool: pg.Pool, asker: ScriptedAsker, withKey: boolean): Promise<void> {
  await tamper(pool, `update swarmplane.audit a set object = 'request 77' where id = 4`);
  const { rows: seals } = await pool.query(
    `select ${SEAL_COLUMNS} from swarmplane.audit_seal s order by s.number`,
  );
  const { rows: entries } = await pool.query<Parameters<typeof auditRowHash>[0]>(
    `select id, swarmplane.micros(at) as micros, actor, action, object,
            before::text as before, after::text as after from swarmplane.audit order by id`,
  );
  let previous: Uint8Array = Buffer.alloc(32);
  for (const seal of seals.map(storedSeal)) {
    const rows = Buffer.concat(
      entries
        .filter(({ id }) => id >= seal.firstId && id <= seal.lastId)
        .map((entry) => {
          const place = Buffer.alloc(16);
          place.writeBigUInt64BE(BigInt(entry.id));
          place.writeBigUInt64BE(BigInt(entry.micros), 8);
          return Buffer.concat([place, auditRowHash(entry)]);
        }),
    );
    const hash = Buffer.from(sealHash({ ...seal, previous, rows }));
    const { number, chain, micros } = seal;
    const { head } = asker.seals.sign({
      chain: chain.replaceAll('-', ''),
      number,
      hash: hash.toString('hex'),
      at: Math.floor(micros / 1_000),
    });
    const values = [previous, rows, hash, withKey ? head : seal.head].map(
      (bytes) => `'\\x${Buffer.from(bytes!).toString('hex')}'`,
    );
    await tamper(
      pool,
      `update swarmplane.audit_seal
          set (previous, rows, hash, head) = (${values.map((value) => `${value}::bytea`).join(', ')})
        where number = ${number}`,
    );
    previous = hash;
  }
  await tamper(pool, 'update swarmplane.audit a set hash = swarmplane.audit_hash(a)');
}
