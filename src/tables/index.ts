/**
 * tables: what a host can be asked about. One file declares one table: its columns with their
 * documentation, and how its rows are come by. Nothing here knows SQL or the network: query makes
 * virtual tables of the declarations, docs/tables.md is generated from them.
 */
export * from './canonical.ts';
export { describeTable, describeTables, tableSummary, type TableSummary } from './describe.ts';
export { statOf, type Rooted } from './lib/files.ts';
export {
  matches as matchesTokens,
  parsePattern,
  type Token as PatternToken,
} from './lib/wildcard.ts';
export { blockingMounts, isBelow } from './lib/mounts.ts';
export { notOffered } from './not-offered.ts';
export { otherSystems } from './other-systems.ts';
export { allTables, findTable } from './registry.ts';
export * from './types.ts';
export * from './version-order.ts';
