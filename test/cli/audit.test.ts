/** `swarmplane audit verify` on a machine that is not the hub: real nodes, a real PostgreSQL, its superuser. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it } from 'vitest';
import { sealHash } from '../../src/hub/audit/seal.ts';
import { SEAL_COLUMNS, storedSeal } from '../../src/hub/audit/seal-rows.ts';
import { Identity } from '../../src/secure/index.ts';
import { attachSignature, decodeSigned, signingBytes } from '../../src/wire/index.ts';
import type { SealBody } from '../../src/wire/index.ts';
import { withPostgres } from '../helpers/postgres.ts';
import { eventually, TestSwarm, type CliResult } from '../helpers/swarm.ts';

const postgres = withPostgres();

it('proves an audit by keys and nodes, and finds what even the key of the hub cannot hide', async () => {
  const database = await postgres().createDatabase();
  const auditor = await database.urlAs('carol', ['swarmplane_auditor']);
  const superuser = database.pool(database.superUrl);
  await setting(superuser, '20');
  const swarm = await TestSwarm.start(['h1', 'h2', 'h3'], { hub: true, database: database.url });
  try {
    const verify = (...more: string[]): Promise<CliResult> =>
      swarm.host('h3').cli('audit', 'verify', '--database', auditor, ...more);

    // the hub seals what there is when it starts, and the nodes hear of it
    const whole = await eventually(async () => {
      const said = await verify();
      return /^3 of 3 nodes remember these seals$/m.test(said.stdout) ? said : undefined;
    }, 'all nodes remember the first seal');
    expect(whole).toMatchObject({ code: 0, stderr: '' });
    expect(whole.stdout).toMatch(/^nothing is wrong$/m);

    // what nodes remember outlives them; the second seal comes with the second start of the hub
    await Promise.all(swarm.hosts.map((host) => host.end()));
    await setting(superuser, '30');
    for (const host of swarm.hosts) host.start();
    await swarm.whole();
    await eventually(async () => {
      const { stdout } = await verify();
      return /^\d+ rows, 2 seals$/m.test(stdout) && stdout.includes('3 of 3') ? true : undefined;
    }, 'the second seal is known to all');

    await tamper(superuser, `update swarmplane.audit set actor = 'nobody' where id = 1`);
    const edited = await verify();
    expect(edited.code).toBe(2);
    expect(edited.stdout).toMatch(/^FAULT row_edited: row 1 \(.*, nobody, setting.update, /m);

    await rebuild(superuser, join(swarm.host('h1').state, 'identity.key'));
    const alone = await verify('--hosts', 'h2', '--json');
    expect(alone.code).toBe(2);
    const { faults } = JSON.parse(alone.stdout) as { faults: { kind: string; message: string }[] };
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(['chain_rebuilt']));
    expect(faults[0]!.message).toContain('(h2)');

    const nowhere = await verify('--database', 'postgres://carol@127.0.0.1:1/x');
    expect(nowhere).toMatchObject({ code: 1, stdout: '' });
    expect(nowhere.stderr).toContain('cannot reach PostgreSQL');
  } finally {
    await swarm.stop();
  }
}, 180_000);

/** Something to audit. */
async function setting(pool: pg.Pool, attempts: string): Promise<void> {
  await pool.query(`update swarmplane.setting set value = $1 where name = 'attempts_max'`, [
    attempts,
  ]);
}

async function tamper(pool: pg.Pool, sql: string): Promise<void> {
  const tables = ['swarmplane.audit', 'swarmplane.audit_seal'];
  const triggers = (say: string): string =>
    tables.map((one) => `alter table ${one} ${say} trigger user;`).join(' ');
  await pool.query(`begin; ${triggers('disable')} ${sql}; ${triggers('enable')} commit`);
}

/** Everything computed anew after the edit, and signed with the hub's own key, stolen from its disk. */
async function rebuild(pool: pg.Pool, keyFile: string): Promise<void> {
  const identity = Identity.parse(new Uint8Array(readFileSync(keyFile)));
  await tamper(pool, 'update swarmplane.audit a set hash = swarmplane.audit_hash(a)');
  await tamper(
    pool,
    `update swarmplane.audit_seal s
        set rows = (select string_agg(int8send(a.id) || int8send(swarmplane.micros(a.at)) || a.hash, '' order by a.id)
                      from swarmplane.audit a where a.id between s.first_id and s.last_id)`,
  );
  const { rows } = await pool.query(
    `select ${SEAL_COLUMNS} from swarmplane.audit_seal s order by s.number`,
  );
  let previous: Uint8Array = Buffer.alloc(32);
  for (const seal of rows.map(storedSeal)) {
    const hash = sealHash({ ...seal, previous });
    const said = decodeSigned(new Uint8Array(seal.head!)).body as SealBody;
    const signed = signingBytes({ ...said, hash: new Uint8Array(hash) });
    const head = attachSignature(signed, identity.sign(signed));
    const text = (bytes: Uint8Array): string => `'\\x${Buffer.from(bytes).toString('hex')}'::bytea`;
    await tamper(
      pool,
      `update swarmplane.audit_seal set previous = ${text(previous)}, hash = ${text(hash)}, head = ${text(head)}
        where number = ${seal.number}`,
    );
    previous = hash;
  }
}
