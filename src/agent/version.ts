import { readFileSync } from 'node:fs';

/**
 * Unix milliseconds at which this source was written; raised with each release. A clock that shows an
 * earlier time is wrong, as on a machine without a battery for it.
 */
export const WRITTEN_AT = Date.UTC(2026, 10, 28);

/** From package.json, which lies above both src and dist. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  }
).version;
