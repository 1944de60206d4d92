/** Short ways to declare columns. */
import type { Column, ColumnType } from '../types.ts';

type ColumnOptions = Omit<Column, 'name' | 'type' | 'doc'>;

export const text = (name: string, doc: string, options?: ColumnOptions): Column =>
  column('TEXT', name, doc, options);

export const integer = (name: string, doc: string, options?: ColumnOptions): Column =>
  column('INTEGER', name, doc, options);

export const bigint = (name: string, doc: string, options?: ColumnOptions): Column =>
  column('BIGINT', name, doc, options);

export const unsigned = (name: string, doc: string, options?: ColumnOptions): Column =>
  column('UNSIGNED_BIGINT', name, doc, options);

export const double = (name: string, doc: string, options?: ColumnOptions): Column =>
  column('DOUBLE', name, doc, options);

export const blob = (name: string, doc: string, options?: ColumnOptions): Column =>
  column('BLOB', name, doc, options);

/**
 * A column that osquery fills on Windows or macOS only. osquery declares it hidden elsewhere, so
 * that a query written for several platforms prepares everywhere; it is always NULL here.
 */
export const elsewhere = (platform: 'windows' | 'darwin' | 'other', base: Column): Column => ({
  ...base,
  doc: `${base.doc} (${PLATFORM_NAMES[platform]} only; NULL here).`,
  hidden: true,
  unset: true,
});

/** A column that moves by itself while nobody changes the machine: shown to queries, left out of history. */
export const load = (base: Column): Column => ({ ...base, load: true });

/** osquery's column for queries inside a container's namespaces: only the host's own are looked from. */
export const pidWithNamespace = (): Column =>
  integer('pid_with_namespace', 'Process whose namespaces to look from: 0, the host itself.', {
    hidden: true,
    additional: true,
    always: 0,
  });

/** osquery fills it for rows from inside a container; those are not served here. */
export const mountNamespaceId = (): Column =>
  text('mount_namespace_id', 'Mount namespace of a row from inside a container; NULL here.', {
    hidden: true,
    always: null,
  });

function column(type: ColumnType, name: string, doc: string, options: ColumnOptions = {}): Column {
  return { name, type, doc, ...options };
}

const PLATFORM_NAMES = { windows: 'Windows', darwin: 'macOS', other: 'other platforms' };
