/** What belongs to this build: its version, and where migrations/ and sql/ lie (above src and dist alike). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);

export const RELEASE: string = (
  JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }
).version;

export const MIGRATIONS_DIR = fileURLToPath(new URL('migrations', root));
export const SQL_DIR = fileURLToPath(new URL('sql', root));
