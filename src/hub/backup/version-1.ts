/** Statements of backups of version 1, in which what needs sql/ stood among what comes before it. */
import type { CatalogStatements } from './catalog.ts';
import { splitStatements } from '../database/sql-split.ts';

export interface StatementsOfVersion1 {
  readonly roles: readonly string[];
  readonly tables: readonly string[];
  readonly objects: readonly string[];
  readonly sequences: readonly string[];
}

export function statementsOfVersion1(old: StatementsOfVersion1): CatalogStatements {
  const split = (texts: readonly string[]): string[][] =>
    texts.map((text) => splitStatements(text).map((statement) => statement.text));
  const tables = split(old.tables).map(withoutOurs);
  const objects = split(old.objects)
    .map(withoutOurs)
    .filter((group) => group.length > 0);
  const isAccess = (group: readonly string[]): boolean =>
    group.every((text) => /^grant /i.test(text));
  return {
    extensions: [],
    roles: old.roles,
    tables: tables
      .map((group) => group.filter((text) => COMES_BEFORE_ROWS.test(text)))
      .filter((group) => group.length > 0),
    objects: [
      ...tables.flatMap((group) =>
        group.filter((text) => !COMES_BEFORE_ROWS.test(text)).map((text) => [text]),
      ),
      ...objects.filter((group) => !isAccess(group)),
    ],
    access: objects.filter(isAccess).flat(),
    sequences: old.sequences,
    leftOut: [],
  };
}

/**
 * Who of our roles reads what is this release's matter: it may keep more from them than the one that
 * wrote the file. Policies likewise.
 */
function withoutOurs(group: readonly string[]): string[] {
  return group.filter((text) => !/^(grant .* to swarmplane_\w+\b|create policy )/is.test(text));
}

/** Indexes, policies, triggers and grants do not: they may need functions of sql/. */
const COMES_BEFORE_ROWS = /^(create (table|schema)|alter table [^;]* owner to) /i;
