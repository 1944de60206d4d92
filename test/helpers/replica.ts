/** What makes a streaming replica of a running server, without programs that the npm package lacks. */
import { execFile, type ChildProcess } from 'node:child_process';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { until } from './eventually.ts';

const SLOT = 'replica';

/** Copies the data of a server as it runs (PostgreSQL, "Making a Base Backup Using the Low Level API"). */
export async function copyLive(superUrl: string, dataDir: string, copy: string): Promise<void> {
  const client = new pg.Client({ connectionString: superUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(`select pg_drop_replication_slot(slot_name) from pg_replication_slots`);
    await client.query(`select pg_create_physical_replication_slot('${SLOT}', true)`);
    await client.query(`select pg_backup_start('${SLOT}', true)`);
    // Files that go meanwhile are no matter: what they held is in the log.
    await promisify(execFile)('cp', ['-a', dataDir, copy]).catch(() => undefined);
    const { rows } = await client.query<{ labelfile: string }>(
      'select labelfile from pg_backup_stop(false)',
    );
    for (const left of ['postmaster.pid', `pg_replslot/${SLOT}`])
      await rm(join(copy, left), { recursive: true, force: true });
    await writeFile(join(copy, 'backup_label'), rows[0]!.labelfile);
    await writeFile(join(copy, 'standby.signal'), '');
    const { port } = new URL(superUrl);
    const conninfo = `primary_conninfo = 'host=127.0.0.1 port=${port} user=postgres'`;
    await appendFile(
      join(copy, 'postgresql.auto.conf'),
      `${conninfo}\nprimary_slot_name = '${SLOT}'\n`,
    );
  } finally {
    await client.end();
  }
}

/** From then on the server says of no commit that it is one before the replica has it. */
export async function waitForReplica(superUrl: string): Promise<void> {
  await queryOnce(superUrl, `alter system set synchronous_standby_names = '*'`);
  await queryOnce(superUrl, 'select pg_reload_conf()');
  const isIn = `select from pg_stat_replication where state = 'streaming' and sync_state = 'sync'`;
  await until(async () => (await queryOnce(superUrl, isIn)) > 0, 'the replica is synchronous');
}

/** @returns how many rows */
export async function queryOnce(url: string, sql: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows.length;
  } finally {
    await client.end();
  }
}

/** Resolves when the server takes connections, or its process has ended. */
export async function untilReady(url: string, child: ChildProcess): Promise<void> {
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await client.end();
    } catch {
      if (child.exitCode !== null || child.signalCode !== null) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
