/** What a statement may do: read registered tables and call allowed functions; nothing else. */
import { ALLOWED_FUNCTIONS } from './allowed-functions.ts';
import { QueryError } from './types.ts';

const SQLITE_OK = 0;
const SQLITE_DENY = 1;

/** Action codes of sqlite3_set_authorizer. */
const ACTION = { PRAGMA: 19, READ: 20, SELECT: 21, FUNCTION: 31, RECURSIVE: 33 };

/** What people tried, for the sentence they get. */
const DENIED_ACTIONS: ReadonlyMap<number, string> = new Map([
  [1, 'CREATE INDEX'],
  [2, 'CREATE TABLE'],
  [3, 'CREATE TEMP INDEX'],
  [4, 'CREATE TEMP TABLE'],
  [5, 'CREATE TEMP TRIGGER'],
  [6, 'CREATE TEMP VIEW'],
  [7, 'CREATE TRIGGER'],
  [8, 'CREATE VIEW'],
  [9, 'DELETE'],
  [10, 'DROP INDEX'],
  [11, 'DROP TABLE'],
  [12, 'DROP TEMP INDEX'],
  [13, 'DROP TEMP TABLE'],
  [14, 'DROP TEMP TRIGGER'],
  [15, 'DROP TEMP VIEW'],
  [16, 'DROP TRIGGER'],
  [17, 'DROP VIEW'],
  [18, 'INSERT'],
  [19, 'PRAGMA'],
  [22, 'BEGIN, COMMIT and ROLLBACK'],
  [23, 'UPDATE'],
  [24, 'ATTACH'],
  [25, 'DETACH'],
  [26, 'ALTER TABLE'],
  [27, 'REINDEX'],
  [28, 'ANALYZE'],
  [29, 'CREATE VIRTUAL TABLE'],
  [30, 'DROP TABLE'],
  [32, 'SAVEPOINT'],
]);

/** Table-valued functions of SQLite that read nothing but their arguments. */
const VALUE_TABLES = new Set(['json_each', 'json_tree']);

export interface Verdict {
  readonly code: number;
  readonly denied?: QueryError;
  /**
   * A host table that the statement names. SQLite makes no such call for a column that only USING
   * or NATURAL names, so what is not named may be read all the same.
   */
  readonly read?: string;
}

const ALLOW: Verdict = { code: SQLITE_OK };

/** Judges one call of the authorizer. `isServed` knows the host tables' names and aliases. */
export function judge(
  action: number,
  first: string,
  second: string,
  isServed: (table: string) => boolean,
): Verdict {
  if (action === ACTION.SELECT || action === ACTION.RECURSIVE) return ALLOW;
  if (action === ACTION.READ) return judgeRead(first, second, isServed);
  if (action === ACTION.FUNCTION) {
    if (ALLOWED_FUNCTIONS.has(second.toLowerCase())) return ALLOW;
    return deny(`the function ${second}() is not allowed in queries`);
  }
  const what = DENIED_ACTIONS.get(action) ?? `action ${action}`;
  const hint = action === ACTION.PRAGMA ? '; `swarmplane tables` shows tables and columns' : '';
  return deny(`${what} is not allowed: a query is one SELECT over host tables${hint}`);
}

function judgeRead(table: string, column: string, isServed: (table: string) => boolean): Verdict {
  if (isServed(table)) return { code: SQLITE_OK, read: table };
  if (VALUE_TABLES.has(table.toLowerCase())) return ALLOW;
  // A common table expression of which no column is read is named here too.
  if (column === '' && !/^(sqlite_|pragma_)/i.test(table)) return ALLOW;
  return deny(
    `reading "${table}" is not allowed; \`swarmplane tables\` shows the tables there are`,
  );
}

function deny(message: string): Verdict {
  return { code: SQLITE_DENY, denied: new QueryError('not_authorized', message) };
}
