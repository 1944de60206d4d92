/**
 * The declaration of a host table: one per file. From it come the virtual table, docs/tables.md,
 * `swarmplane tables` and the typed history tables, so everything about a table is said here once.
 */

import { CodedError } from '../base/index.ts';
import type { VersionOrder } from './version-order.ts';

/** osquery's column types. */
export type ColumnType = 'TEXT' | 'INTEGER' | 'BIGINT' | 'UNSIGNED_BIGINT' | 'DOUBLE' | 'BLOB';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** One sentence. */
  readonly doc: string;
  /** Left out of `select *`, as osquery does. */
  readonly hidden?: boolean;
  /**
   * It tells how busy or how full the host is, or which process happens to serve, and not what the host
   * is: history leaves it out, so that it makes no changes.
   */
  readonly load?: boolean;
  /** A query must constrain it by equality, LIKE/GLOB (paths) or a join; else a clear error. */
  readonly required?: boolean;
  /** Equality on it is cheap: the collector uses it. */
  readonly index?: boolean;
  /**
   * It says where to look: rows exist for the values that a query gives by equality, a list or a join,
   * or for default places where it gives none. A query that compares it otherwise is refused.
   */
  readonly steers?: boolean;
  /**
   * The only value that it has here, in every row: a query that asks for another is refused, as osquery
   * would look elsewhere for it.
   */
  readonly always?: 0 | null;
  /** Where what is asked for then is found, if anywhere: the end of a sentence. */
  readonly instead?: string;
  /**
   * A text that a row has not is NULL, as osquery sets the column only where there is one. Texts of
   * all its other columns are '' then; those of tables that osquery has not are NULL.
   */
  readonly unset?: true;
  /** A constraint changes what the collector returns (osquery's "additional"). */
  readonly additional?: boolean;
  /** How texts in it compare: order, equality, grouping. Without it byte by byte. */
  readonly collate?: 'nocase' | VersionOrder;
}

export type Value = string | number | bigint | Uint8Array | null;
/** Column name to value; a missing column is NULL. */
export type Row = { [column: string]: Value | undefined };

export type ConstraintOp = 'eq' | 'like' | 'glob' | 'gt' | 'ge' | 'lt' | 'le' | 'ne';

export interface Constraint {
  readonly column: string;
  readonly op: ConstraintOp;
  readonly value: Value;
}

/** Facts about the swarm, handed in by the agent as plain data. */
export interface HostFacts {
  /** Rows of swarm_members and so on: each only there for a query that names its table. */
  readonly members?: readonly Row[];
  readonly links?: readonly Row[];
  readonly alarms?: readonly Row[];
  readonly seals?: readonly Row[];
  readonly tracks?: readonly Row[];
  /** Events of the files that this host's configuration names, and what kept some from being watched. */
  readonly fileEvents?: { readonly events: readonly Row[]; readonly problems: readonly string[] };
  /** What this host's own configuration lets tables read or ask; nothing where it is not given. */
  readonly allowed?: {
    /** Paths that config_lines may read, as GLOB patterns where ** goes over folders. */
    readonly configLines: readonly string[];
    /** Web servers that curl may ask: `host` or `host:port`. */
    readonly curlHosts: readonly string[];
  };
  /** Version of swarmplane, node id, name, configuration path: for osquery_info and the like. */
  readonly agent: Row;
}

export interface CollectContext {
  readonly facts: HostFacts;
  /** Root of the file system: '/' but in tests. All paths are taken below it. */
  readonly root: string;
  /** Aborted when the query's time is over. */
  readonly signal: AbortSignal;
  /** The columns the query reads; a collector may skip costly others. */
  readonly columns: ReadonlySet<string>;
  /** All that is known to hold for the rows; a collector may use it, SQLite checks again. */
  readonly constraints: readonly Constraint[];
  /** Loads a library; what that takes is not on the query's time, as starting its process is not. */
  load<T>(body: () => Promise<T>): Promise<T>;
  /** Something that is missing and that the person should know, e.g. "not root: other users' files are not seen". */
  warn(message: string): void;
}

interface TableBase {
  readonly name: string;
  readonly description: string;
  readonly columns: readonly Column[];
  /** Columns that tell two rows of one host apart: the key of history tables. */
  readonly key: readonly string[];
  readonly cost: 'cheap' | 'moderate' | 'expensive';
  /** Readable over the network only with a role certificate. */
  readonly sensitive?: boolean;
  readonly aliases?: readonly string[];
  /** True for tables that osquery does not have. */
  readonly beyondOsquery?: boolean;
}

/** Whole table at once, prefetched when a prepared statement reads it. */
export interface SnapshotTable extends TableBase {
  readonly kind: 'snapshot';
  /** @throws TableError when the host cannot serve the table at all */
  collect(context: CollectContext): Promise<Row[]> | Row[];
}

/** Driven by constraints, synchronous, called once per combination of constrained values. */
export interface LookupTable extends TableBase {
  readonly kind: 'lookup';
  lookup(context: CollectContext): Iterable<Row>;
}

export type HostTable = SnapshotTable | LookupTable;

/** What rows of a table look like: its visible columns in declared order, and which of them are its key. */
export interface Shape {
  readonly columns: readonly ShapeColumn[];
  readonly key: readonly string[];
  /** The text of the query whose rows these are; none of a host table. */
  readonly query?: string;
}

export interface ShapeColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/** One value for each column of a shape. */
export type ShapeRow = readonly Value[];

/** The host cannot serve a table; the sentence says why. An error of that host, never an empty result. */
export class TableError extends CodedError<'table_unavailable' | 'table_absent'> {
  constructor(
    message: string,
    options?: ErrorOptions,
    code: 'table_unavailable' | 'table_absent' = 'table_unavailable',
  ) {
    super(code, message, options);
  }
}

/** The host has no such thing at all, as no rpm on Debian: history has no gap where nothing can be. */
export class TableAbsentError extends TableError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options, 'table_absent');
  }
}
