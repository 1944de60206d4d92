/**
 * osquery's tables and queries people run: data beside the repository, not part of it. Where they
 * are not, the tests that read them are skipped, by name.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const FOLDER = resolve(import.meta.dirname, '../../../shared/corpus');

export const OSQUERY_SPECS = resolve(FOLDER, 'osquery_specs.json');
export const OSQUERY_QUERIES = resolve(FOLDER, 'osquery_queries.json');
export const hasCorpus = existsSync(OSQUERY_SPECS) && existsSync(OSQUERY_QUERIES);
