/** What `swarmplane history` shows: the changes of a host's table, or its rows at an instant. */
import type pg from 'pg';
import { HubError } from '../errors.ts';

export interface Change {
  readonly at: Date;
  /** first: it was there when the table was taken first. */
  readonly change: 'first' | 'added' | 'removed' | 'changed';
  readonly key: Readonly<Record<string, unknown>>;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

export interface HistoryOf {
  /** Number of the node in the database. */
  readonly node: number;
  readonly host: string;
  readonly table: string;
  /** When it was taken last; undefined where it never was. */
  readonly seenAt: Date | undefined;
  /** When it was taken first; undefined where that never succeeded. */
  readonly firstAt: Date | undefined;
  /** Why it could not be taken last; undefined where it was. */
  readonly missing: string | undefined;
}

/** @throws HubError no_such_host, not_tracked */
export async function findHistory(pool: pg.Pool, host: string, table: string): Promise<HistoryOf> {
  const nodes = await pool.query<{ id: number; name: string }>(
    `select id, name from swarmplane.node where $1 in (name, identity) order by out_since is not null, id desc`,
    [host],
  );
  const [node] = nodes.rows;
  if (node === undefined)
    throw new HubError('no_such_host', `no host is called ${JSON.stringify(host)}`, {
      hint: 'names are in table swarmplane.node',
    });
  const { rows } = await pool.query<{
    seen_at: Date | null;
    first_at: Date | null;
    missing: string | null;
  }>(
    `select h.seen_at, h.first_at, h.gap_reason as missing
       from swarmplane.tracked_table t
       left join swarmplane.head h on h.table_name = t.name and h.node_id = $2
      where t.name = $1`,
    [table, node.id],
  );
  if (rows[0] === undefined)
    throw new HubError('not_tracked', `table ${JSON.stringify(table)} is not tracked`, {
      hint: `select swarmplane.track('TABLE') begins; tracked ones are in swarmplane.tracked_table`,
    });
  const { seen_at, first_at, missing } = rows[0];
  return {
    node: node.id,
    host: node.name,
    table,
    seenAt: seen_at ?? undefined,
    firstAt: first_at ?? undefined,
    missing: missing ?? undefined,
  };
}

/** After `since`, which may have microseconds, oldest first; `next` is where to go on. */
export async function readChanges(
  pool: pg.Pool,
  { node, table }: HistoryOf,
  since: string,
): Promise<{ changes: Change[]; next: string }> {
  const { rows } = await pool.query<Change & { exact: string }>(
    `select at, change, key, before, after, at::text as exact
       from inventory.${quote(`${table}_changes`)}
      where node_id = $1 and at > $2
      order by at, key, change`,
    [node, since],
  );
  return { changes: rows, next: rows.at(-1)?.exact ?? since };
}

/** Rows at an instant, values as text. */
export async function readAsOf(
  pool: pg.Pool,
  { node, table }: HistoryOf,
  at: string,
): Promise<{ columns: string[]; rows: (string | null)[][] }> {
  const asOf = quote(`${table}_as_of`);
  const { fields, rows } = await pool.query<(string | null)[]>({
    text: `select r.* from inventory.${asOf}($2) r where r.node_id = $1 order by r.*::text`,
    values: [node, at],
    rowMode: 'array',
    types: { getTypeParser: () => (value: string) => value },
  });
  const shown = fields.map(({ name }) => name);
  const from = shown.indexOf('since') + 1;
  return { columns: shown.slice(from), rows: rows.map((row) => row.slice(from)) };
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
