/** Reads migrations/ (numbered, frozen once released) and sql/ (re-appliable) from disk. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError } from '../errors.ts';

export interface Migration {
  readonly version: number;
  /** NNN-topic, without the ending. */
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
  /** `-- breaking` stands on a line of its own before the first statement: hubs without this file must stop. */
  readonly breaking: boolean;
}

export interface SqlFile {
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

const NAME = /^(\d{3})-([a-z0-9]+(?:-[a-z0-9]+)*)\.sql$/;

/** In order of version, 1, 2, 3 and so on without a gap. @throws HubError bad_migration */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const migrations: Migration[] = [];
  for (const file of await sqlNames(folder)) {
    const match = NAME.exec(file);
    if (match === null)
      throw bad(
        `${join(folder, file)}: not a migration's name`,
        'name it NNN-topic.sql, such as 007-audit.sql',
      );
    const text = await readText(folder, file);
    const version = Number(match[1]);
    if (version !== migrations.length + 1)
      throw bad(
        `${join(folder, file)}: number ${migrations.length + 1} was expected`,
        'migrations are numbered from 001 on, each number once and none left out',
      );
    migrations.push({
      version,
      name: file.slice(0, -'.sql'.length),
      text,
      checksum: sha256(text),
      breaking: /^--\s*breaking\b/im.test(header(text)),
    });
  }
  return migrations;
}

/** In order of name. */
export async function readSqlFiles(folder: string): Promise<SqlFile[]> {
  const names = await sqlNames(folder);
  return Promise.all(
    names.map(async (name) => {
      const text = await readText(folder, name);
      return { name, text, checksum: sha256(text) };
    }),
  );
}

/** The comment lines at the top. */
function header(text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !/^\s*(--.*)?$/.test(line));
  return lines.slice(0, end === -1 ? lines.length : end).join('\n');
}

async function sqlNames(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => name.endsWith('.sql')).sort();
  } catch (error) {
    throw new HubError('bad_migration', `cannot read ${folder}`, {
      cause: error,
      hint: 'the package is incomplete: install swarmplane again',
    });
  }
}

/** A checkout on another system may have other line ends; the checksum must not care. */
async function readText(folder: string, file: string): Promise<string> {
  return (await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n');
}

/** Of all files together, in the order of their names. */
export function fingerprint(
  files: readonly { readonly name: string; readonly checksum: string }[],
): string {
  return sha256(files.map((file) => `${file.name} ${file.checksum}\n`).join(''));
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function bad(message: string, hint: string): HubError {
  return new HubError('bad_migration', message, { hint });
}
