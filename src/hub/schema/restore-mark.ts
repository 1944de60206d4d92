/**
 * A database into which a restore is under way, or was when it was killed, has the table
 * swarmplane.restore_unfinished: no hub takes it for whole.
 */
import type pg from 'pg';
import { HubError, messageOf } from '../errors.ts';

export async function markUnfinished(client: pg.ClientBase, file: string): Promise<void> {
  await client.query(
    'create schema swarmplane; create table swarmplane.restore_unfinished (file text, since timestamptz default now())',
  );
  await client.query('insert into swarmplane.restore_unfinished (file) values ($1)', [file]);
}

export async function markFinished(client: pg.ClientBase): Promise<void> {
  await client.query('drop table swarmplane.restore_unfinished');
}

export async function isUnfinished(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ marked: boolean }>(
    `select to_regclass('swarmplane.restore_unfinished') is not null as marked`,
  );
  return rows[0]!.marked;
}

/** @throws HubError restore_unfinished */
export async function refuseUnfinished(client: pg.ClientBase): Promise<void> {
  if (!(await isUnfinished(client))) return;
  const { file, since } = await readMark(client);
  throw new HubError(
    'restore_unfinished',
    `only a part of a backup is in this database: a restore of ${file} began at ${since} and has not ended`,
    { hint: `wait for it if it still runs, or run it again: swarmplane hub restore ${file}` },
  );
}

async function readMark(client: pg.ClientBase): Promise<{ file: string; since: string }> {
  try {
    const { rows } = await client.query<{ file: string; since: string }>(
      `select file, to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since from swarmplane.restore_unfinished`,
    );
    return rows[0] ?? { file: 'FILE', since: 'a time unknown' };
  } catch (error) {
    return { file: 'FILE', since: `a time unknown (${messageOf(error)})` };
  }
}
