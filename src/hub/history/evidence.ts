/** What the database keeps of one tracked table of one host, read so that no digit is lost. */
import type pg from 'pg';
import { canonicalRow } from '../../tables/canonical.ts';
import type { ColumnType, Shape, ShapeRow } from '../../tables/types.ts';

/** Microseconds since 1970: PostgreSQL's own precision. */
export type Instant = bigint;

export interface KeptShape extends Shape {
  readonly hash: Uint8Array;
}

export interface KeptTaking {
  readonly at: Instant;
  readonly hostAt: Instant;
  readonly receivedAt: Instant;
  readonly line: Uint8Array;
  readonly sequence: number;
  readonly kind: 'full' | 'delta' | 'same' | 'gap';
  readonly base: Uint8Array | undefined;
  readonly hash: Uint8Array | undefined;
  readonly shape: number | undefined;
  readonly keyVersion: number | undefined;
  readonly signature: Uint8Array | undefined;
  readonly reasonCode: string | undefined;
  readonly reason: string | undefined;
  readonly droppedFrom: number | undefined;
  readonly droppedTo: number | undefined;
}

export interface KeptRow {
  readonly from: Instant;
  /** Undefined while it holds. */
  readonly to: Instant | undefined;
  readonly shape: number;
  readonly rowHash: Uint8Array;
  readonly values: ShapeRow;
  /** Columns that the row's shape does not have and that hold something all the same. */
  readonly foreign: readonly string[];
}

export interface TrackedColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** What it is called in the tables of schema inventory. */
  readonly column: string;
}

export interface TrackedTable {
  readonly name: string;
  readonly columns: readonly TrackedColumn[];
  /** Before this nothing is kept that could be checked. */
  readonly keptSince: Instant;
  readonly shapes: ReadonlyMap<number, KeptShape>;
}

/** One tracked table of one host. */
export interface Subject {
  readonly nodeId: string;
  /** The node's number in the database. */
  readonly node: number;
  readonly table: string;
  readonly headHash: Uint8Array | undefined;
  /** Hex; undefined where nothing was ever taken. */
  readonly headLine: string | undefined;
  readonly headSequence: number;
}

const MICROS = (column: string): string =>
  `case ${column} when '-infinity' then 0 else floor(extract(epoch from ${column}) * 1000000) end::bigint::text`;

export async function readTracked(client: pg.ClientBase): Promise<Map<string, TrackedTable>> {
  const tables = await client.query<{ name: string; columns: TrackedColumn[]; kept: string }>(
    `select name, columns, ${MICROS('kept_since')} as kept from swarmplane.tracked_table`,
  );
  const shapes = await client.query<
    Omit<Shape, 'query'> & { id: number; table_name: string; hash: Buffer; query: string | null }
  >('select id, table_name, hash, columns, key, query from swarmplane.table_shape');
  return new Map(
    tables.rows.map(({ name, columns, kept }) => {
      const own = shapes.rows.filter(({ table_name }) => table_name === name);
      const byId = own.map(({ id, hash, columns, key, query }) => {
        return [id, { hash, columns, key, ...(query !== null && { query }) }] as const;
      });
      return [name, { name, columns, keptSince: BigInt(kept), shapes: new Map(byId) }];
    }),
  );
}

export interface SubjectFilter {
  readonly nodeId?: string | undefined;
  readonly table?: string | undefined;
}

export async function readSubjects(
  client: pg.ClientBase,
  { nodeId, table }: SubjectFilter,
): Promise<Subject[]> {
  const { rows } = await client.query<{
    identity: string;
    node: number;
    table: string;
    hash: Buffer | null;
    line: string | null;
    sequence: string;
  }>(
    `select n.identity, n.id as node, t.table_name as table, h.hash, encode(h.line, 'hex') as line, coalesce(h.sequence, 0)::text as sequence
       from (select node_id, table_name from swarmplane.head
              union
             select distinct node_id, table_name from swarmplane.taking) t
       join swarmplane.node n on n.id = t.node_id
       left join swarmplane.head h on h.node_id = t.node_id and h.table_name = t.table_name
      where ($1::text is null or n.identity = $1) and ($2::text is null or t.table_name = $2)
      order by n.identity, t.table_name`,
    [nodeId ?? null, table ?? null],
  );
  return rows.map(({ identity, node, table, hash, line, sequence }) => ({
    nodeId: identity,
    node,
    table,
    headHash: hash ?? undefined,
    headLine: line ?? undefined,
    headSequence: Number(sequence),
  }));
}

/** In the order in which they were taken in. */
export async function readTakings(client: pg.ClientBase, subject: Subject): Promise<KeptTaking[]> {
  const { rows } = await client.query<Record<string, string | Buffer | number | null>>(
    `select ${MICROS('at')} as at, ${MICROS('host_at')} as "hostAt", ${MICROS('received_at')} as "receivedAt",
            line, sequence::text, kind, base, hash, shape, key_version as "keyVersion", signature, reason_code as "reasonCode", reason,
            dropped_from::text as "droppedFrom", dropped_to::text as "droppedTo"
       from swarmplane.taking
      where node_id = $1 and table_name = $2
      order by taking.at`,
    [subject.node, subject.table],
  );
  return rows.map((row) => ({
    ...(Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, value ?? undefined]),
    ) as unknown as KeptTaking),
    at: BigInt(row['at'] as string),
    hostAt: BigInt(row['hostAt'] as string),
    receivedAt: BigInt(row['receivedAt'] as string),
    sequence: Number(row['sequence']),
    droppedFrom: row['droppedFrom'] === null ? undefined : Number(row['droppedFrom']),
    droppedTo: row['droppedTo'] === null ? undefined : Number(row['droppedTo']),
  }));
}

/** Rows that hold and rows that held. */
export async function readRows(
  client: pg.ClientBase,
  { node, table }: Subject,
  { columns, shapes }: TrackedTable,
): Promise<KeptRow[]> {
  const list = columns.map(({ type, column }) => {
    const quoted = quote(column);
    return type === 'BLOB' || type === 'TEXT' ? quoted : `${quoted}::text as ${quoted}`;
  });
  const own = ['shape', 'row_hash', `${MICROS('valid_from')} as valid_from`];
  const part = (name: string, to: string) =>
    `select ${[...own, `${to} as valid_to`, ...list].join(', ')} from inventory.${quote(table + name)} where node_id = $1`;
  const { rows } = await client.query<(string | Buffer | number | null)[]>({
    text: `${part('_current', 'null')} union all ${part('_history', MICROS('valid_to'))}`,
    values: [node],
    rowMode: 'array',
  });
  return rows.map(([shape, rowHash, from, to, ...values]) => {
    const of = shapes.get(shape as number);
    const place = (name: string, type: ColumnType) =>
      columns.findIndex((column) => column.name === name && column.type === type);
    const places = (of?.columns ?? []).map(({ name, type }) => place(name, type));
    const said = places.map((at) => (values[at] ?? null) as ShapeRow[number]);
    return {
      shape: shape as number,
      rowHash: rowHash as Buffer,
      from: BigInt(from as string),
      to: to === null ? undefined : BigInt(to as string),
      values: of === undefined ? said : canonicalRow(of, said),
      foreign: columns
        .filter((_, at) => values[at] !== null && !places.includes(at))
        .map(({ name }) => name),
    };
  });
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
