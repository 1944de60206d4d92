/** SQLite's result codes and messages as errors a person can act on. */
import type { Column, HostTable } from '../tables/types.ts';
import type { Database } from './database.ts';
import { meantOtherwise } from './meant.ts';
import { nearNames } from './near-names.ts';
import { timeLimit, type Session } from './session.ts';
import { collectorError } from './collector-error.ts';
import { memoryLimit, QueryError } from './types.ts';

const SQLITE_NOMEM = 7;
const SQLITE_INTERRUPT = 9;
const SQLITE_TOOBIG = 18;

/** Why a statement could not be prepared. */
export function prepareError(database: Database, session: Session, rc: number): QueryError {
  const message = database.message();
  const meant = meantOtherwise(session.sql, message);
  if (meant?.code === 'not_authorized') return meant;
  if (session.denied !== undefined) return session.denied;
  if (session.failure !== undefined) return collectorError(undefined, session.failure);
  if (rc === SQLITE_NOMEM) return memoryLimit();
  if (rc === SQLITE_INTERRUPT) return timeLimit(session);
  if (/no query solution/i.test(message)) {
    const [more] = session.unserved;
    if (more !== undefined) return notGiven(...more);
    const [misled] = session.unsteered;
    if (misled !== undefined && session.unconstrained.size === 0) return notGiven(...misled);
    return constraintRequired([...session.unconstrained]);
  }
  const table = /^no such table: (?:\w+\.)?(.*)$/.exec(message)?.[1];
  if (table !== undefined) return noSuchTable(database, table);
  if (/^no such column: /.test(message)) return noSuchColumn(database, session, message);
  if (/may not be modified$/.test(message)) {
    return new QueryError('not_authorized', `only a select is run on hosts: ${message}`);
  }
  return meant ?? new QueryError('syntax', message);
}

/** Why a statement stopped in the middle. */
export function stepError(session: Session, rc: number, message: string): QueryError {
  if (session.failure !== undefined) return collectorError(session.reading, session.failure);
  if (rc === SQLITE_INTERRUPT) return timeLimit(session);
  if (rc === SQLITE_NOMEM || rc === SQLITE_TOOBIG) return memoryLimit();
  return new QueryError('failed', message);
}

function constraintRequired(tables: readonly HostTable[]): QueryError {
  const [table] = tables;
  if (table === undefined) return new QueryError('constraint_required', 'no query solution');
  const names = table.columns.filter(({ required }) => required).map(({ name }) => name);
  const [column = ''] = names;
  const listed = names.map((name) => `"${name}"`).join(' or ');
  const steered = table.columns.some(({ required, steers }) => required && steers);
  const how =
    table.kind === 'lookup' ? '=, in, like or a join' : steered ? '=, in or a join' : 'a constant';
  return new QueryError(
    'constraint_required',
    `table "${table.name}" is not read without its column ${listed} given by ${how}, ` +
      `for example: select * from ${table.name} where ${column} = ${exampleValue(column)}`,
  );
}

/** A query that compares a column in a way in which this host cannot look for it. */
export function notGiven(table: HostTable, column: Column): QueryError {
  return column.always === undefined ? unsteered(table, column) : unserved(table, column);
}

/** A query for rows that no host has. */
function unserved(table: HostTable, { name, always, instead }: Column): QueryError {
  const value = always === null ? 'NULL' : always;
  return new QueryError(
    'not_served',
    `"${name}" of table "${table.name}" is always ${value}: what else osquery has there is not served here; ` +
      (instead ?? 'leave it out'),
  );
}

/** A query that would be answered from places other than those it names. */
function unsteered(table: HostTable, { name }: Column): QueryError {
  return new QueryError(
    'constraint_required',
    `"${name}" of table "${table.name}" says where to look, so it is given by =, in or a join whose ` +
      `other side is read before it, for example: select * from ${table.name} where ${name} = ${exampleValue(name)}`,
  );
}

function exampleValue(column: string): string {
  if (column === 'path') return "'/etc/hosts'";
  if (column === 'directory') return "'/etc'";
  return column === 'pid' || column === 'uid' ? '1' : "'...'";
}

function noSuchTable(database: Database, name: string): QueryError {
  const reason = database.whyMissing(name);
  if (reason !== undefined) return reason;
  const near = nearNames(name, database.tableNames);
  const hint =
    near.length > 0
      ? `did you mean ${near.map((it) => `"${it}"`).join(' or ')}?`
      : '`swarmplane tables` shows the tables there are';
  return new QueryError('no_such_table', `no such table: "${name}"; ${hint}`);
}

function noSuchColumn(database: Database, session: Session, message: string): QueryError {
  const name = message.replace(/^no such column: /, '');
  const bare = name.replace(/ - should this be.*$/, '').replace(/^.*\./, '');
  const named = (session.sql.match(/\w+/g) ?? []).map((word) => database.table(word));
  const columns = named.flatMap((table) => table?.columns.map((it) => it.name) ?? []);
  const [near] = nearNames(bare, [...new Set(columns)]);
  const hint =
    near === undefined ? '`swarmplane tables NAME` lists columns' : `did you mean "${near}"?`;
  return new QueryError('no_such_column', `no such column: "${name}"; ${hint}`);
}
