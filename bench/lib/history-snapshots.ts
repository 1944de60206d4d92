/**
 * The peer: every taking kept whole, one typed row for each package, in a table with the index that its
 * questions need. Nothing is hashed, signed, compared or numbered.
 */
import type pg from 'pg';
import { valuesToJson } from '../../src/hub/database/json-text.ts';
import { PACKAGES, type Package } from './history-fleet.ts';

const COLUMNS = PACKAGES.columns.map(({ name }) => name).join(', ');
const READERS = PACKAGES.columns.map(({ type }, at) =>
  type === 'TEXT' ? `v.row ->> ${at}` : `(v.row ->> ${at})::bigint`,
);
const INSERT = `
  insert into snapshot.deb_packages (at, node_id, ${COLUMNS})
  select $1, n.id, ${READERS.join(', ')}
    from swarmplane.node n, jsonb_array_elements($3::jsonb) v (row)
   where n.identity = $2`;

export async function prepareSnapshots(pool: pg.Pool): Promise<void> {
  const typed = PACKAGES.columns.map(
    ({ name, type }) => `${name} ${type === 'TEXT' ? 'text' : 'bigint'}`,
  );
  await pool.query(`
    create schema snapshot;
    create table snapshot.deb_packages (
      at timestamptz not null, node_id integer not null, ${typed.join(', ')});
    create index on snapshot.deb_packages (node_id, at);
    create index on snapshot.deb_packages using brin (at)`);
}

/** One taking, one transaction. */
export async function keepSnapshot(
  pool: pg.Pool,
  nodeId: string,
  at: number,
  packages: readonly Package[],
): Promise<void> {
  const rows = `[${packages.map(({ values }) => valuesToJson(values)).join(',')}]`;
  const values = [new Date(at), nodeId, rows];
  await pool.query({ name: 'snapshot', text: INSERT, values });
}

export interface Question {
  readonly what: string;
  readonly history: string;
  readonly snapshots: string;
  readonly values: (day: Date, dayBefore: Date) => readonly unknown[];
}

/** The same questions to history and to snapshots, with the same answers. */
export const QUESTIONS: readonly Question[] = [
  {
    what: 'as of an instant, one host',
    history: `select name, version from inventory.deb_packages_as_of($1) where host = $2`,
    snapshots: `select name, version from snapshot.deb_packages
      where at = $1 and node_id = (select id from swarmplane.node where name = $2)`,
    values: (day) => [day, 'host7'],
  },
  {
    what: 'one package over the fleet, as of an instant',
    history: `select host, version from inventory.deb_packages_as_of($1) where name = $2`,
    snapshots: `select n.name as host, s.version from snapshot.deb_packages s
      join swarmplane.node n on n.id = s.node_id where s.at = $1 and s.name = $2`,
    values: (day) => [day, PACKAGE],
  },
  {
    what: 'one package over the fleet, now',
    history: `select host, version from inventory.deb_packages where name = $1`,
    snapshots: `select n.name as host, s.version from snapshot.deb_packages s
      join swarmplane.node n on n.id = s.node_id
      where s.at = (select max(at) from snapshot.deb_packages where node_id = n.id) and s.name = $1`,
    values: () => [PACKAGE],
  },
  {
    what: "one day's changes of the fleet",
    history: `select host, key ->> 'name' as name, before ->> 'version' as before, after ->> 'version' as after
      from inventory.deb_packages_changes where at > $2 and at <= $1`,
    snapshots: `select n.name as host, coalesce(a.name, b.name) as name, b.version as before, a.version as after
      from (select * from snapshot.deb_packages where at = $2) b
      full join (select * from snapshot.deb_packages where at = $1) a using (node_id, name, arch, admindir)
      join swarmplane.node n on n.id = node_id
      where b.version is distinct from a.version`,
    values: (day, dayBefore) => [day, dayBefore],
  },
];

const PACKAGE = 'libcrypto-mail44';
