/**
 * query: SQL prepared and confined. SQLite over virtual host tables runs in a child process; the
 * reduce step over answers runs on alasql in another. Importing this loads neither.
 * docs/query-language.md is what it promises.
 */
export { createQueryRunner } from './runner.ts';
export { reduce } from './reduce.ts';
export * from './types.ts';
