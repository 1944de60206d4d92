/**
 * The same view is spelt otherwise by another PostgreSQL, and by the same one after a dump was restored:
 * the server writes what it has read, and adds casts and names as it goes. So both texts are read and
 * written by this server until that changes nothing any more.
 */
import type pg from 'pg';
import { codeOf } from '../errors.ts';

/** Of the texts of two views, in the open transaction. False as well where this server cannot read one of them. */
export async function meanTheSame(
  client: pg.ClientBase,
  expected: string,
  found: string,
): Promise<boolean> {
  const key = `${expected}\n${found}`;
  if (KNOWN.has(key)) return true;
  const [a, b] = [await settled(client, expected), await settled(client, found)];
  if (a === undefined || a !== b) return false;
  KNOWN.add(key);
  return true;
}

/** Pairs of this process that were compared: hubs look every few minutes, and each view made is work for vacuum. */
const KNOWN = new Set<string>();

async function settled(client: pg.ClientBase, text: string): Promise<string | undefined> {
  let before = text;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const after = await respelt(client, before);
    if (after === undefined || after === before) return after;
    before = after;
  }
  return before;
}

const ROUNDS_MAX = 4;

async function respelt(client: pg.ClientBase, text: string): Promise<string | undefined> {
  await client.query('savepoint spelling');
  try {
    await client.query(`create temporary view swarmplane_spelling as ${text}`);
    const { rows } = await client.query<{ text: string }>(
      `select pg_get_viewdef('pg_temp.swarmplane_spelling'::regclass) as text`,
    );
    return rows[0]!.text;
  } catch (error) {
    // A column or table it reads is gone, or its syntax is of a newer server: not the same, then.
    if (/^(42|0A)/.test(codeOf(error) ?? '') && codeOf(error) !== '42501') return undefined;
    throw error;
  } finally {
    await client.query('rollback to savepoint spelling');
  }
}
