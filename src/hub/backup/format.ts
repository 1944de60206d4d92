/**
 * The file of a backup: gzip of lines of JSON. A head, then `statements`, then per table a `table`
 * line, `rows` lines with rows in PostgreSQL's own text form (no value loses a digit) and a `sum`
 * line, then a `done` line, without which the file is not whole.
 *
 * Version 1 had no `sum` lines and other statements; it is still read.
 */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { CatalogStatements } from './catalog.ts';
import { statementsOfVersion1, type StatementsOfVersion1 } from './version-1.ts';
import { HubError, codeOf, messageOf } from '../errors.ts';

export const FORMAT = 'swarmplane-backup';
export const FORMAT_VERSION = 2;

export type BackupLine =
  | {
      readonly kind: 'head';
      readonly format: typeof FORMAT;
      readonly version: number;
      readonly release: string;
      readonly at: string;
      /** Version of the last migration. */
      readonly migration: number;
    }
  | { readonly kind: 'statements'; readonly statements: CatalogStatements }
  | ({ readonly kind: 'table' } & CopiedTable)
  | { readonly kind: 'rows'; readonly rows: readonly string[] }
  | { readonly kind: 'sum'; readonly rows: number; readonly hash: string }
  | { readonly kind: 'done'; readonly tables: number; readonly rows: number };

export interface CopiedTable {
  /** With its schema, quoted. */
  readonly name: string;
  /** Quoted; those that can be written: not the generated ones. */
  readonly columns: readonly string[];
  /** Of each column. Version 1 has none: its rows have every column, as the table has them. */
  readonly types?: readonly string[];
}

/** @throws HubError not_a_backup, backup_incomplete, backup_too_new, unreadable */
export async function* readBackup(file: string): AsyncGenerator<BackupLine> {
  let version = 0;
  try {
    for await (const text of splitLines(unzipped(file))) {
      const line = parse(text, file);
      if (line.kind === 'head') version = line.version;
      if (version === 0) throw notABackup(file);
      yield version === 1 && line.kind === 'statements'
        ? {
            ...line,
            statements: statementsOfVersion1(line.statements as unknown as StatementsOfVersion1),
          }
        : line;
    }
  } catch (error) {
    throw explain(error, file);
  }
}

function unzipped(file: string): AsyncIterable<Buffer> {
  const input = createReadStream(file);
  const output = input.pipe(createGunzip());
  input.on('error', (error) => output.destroy(error));
  output.on('close', () => input.destroy());
  return output;
}

async function* splitLines(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending: string[] = [];
  for await (const chunk of source) {
    const parts = decoder.decode(chunk, { stream: true }).split('\n');
    for (const part of parts.slice(0, -1)) {
      yield pending.join('') + part;
      pending = [];
    }
    pending.push(parts.at(-1)!);
  }
  const rest = pending.join('');
  if (rest !== '') yield rest;
}

function parse(line: string, file: string): BackupLine {
  let value: BackupLine;
  try {
    value = JSON.parse(line) as BackupLine;
  } catch (error) {
    throw notABackup(file, error);
  }
  if (value.kind !== 'head') return value;
  if (value.format !== FORMAT) throw notABackup(file);
  if (value.version > FORMAT_VERSION)
    throw new HubError(
      'backup_too_new',
      `${JSON.stringify(file)} was written by swarmplane ${value.release}`,
      {
        hint: `install swarmplane ${value.release} or newer`,
      },
    );
  return value;
}

export function notABackup(file: string, cause?: unknown): HubError {
  return new HubError(
    'not_a_backup',
    `${JSON.stringify(file)} is not a backup of a swarmplane hub`,
    { cause, hint: 'give a file that `swarmplane hub backup FILE` wrote' },
  );
}

function explain(error: unknown, file: string): unknown {
  const code = codeOf(error);
  if (code === 'Z_BUF_ERROR')
    return new HubError('backup_incomplete', `${JSON.stringify(file)} ends before its end`, {
      cause: error,
      hint: 'take another backup; this one was cut short',
    });
  if (code.startsWith('Z_')) return notABackup(file, error);
  if (['ENOENT', 'EACCES', 'EISDIR'].includes(code))
    return new HubError('unreadable', `cannot read ${JSON.stringify(file)}: ${messageOf(error)}`, {
      cause: error,
      hint: 'give a file that `swarmplane hub backup FILE` wrote, readable for who restores',
    });
  return error;
}
