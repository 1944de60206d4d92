/**
 * swarm: the deciding core, sans-IO. Membership, flooding, replies, completeness.
 * docs/protocol.md sections 7 and 8.
 */
export * from './types.ts';
export { ALARM_KINDS } from './alarm-kinds.ts';
export type { AlarmKind } from './alarm-kinds.ts';
export { CLONE_REMEDY } from './members/clone.ts';
export { SwarmCore } from './core.ts';
export { SwarmError } from './errors.ts';
export type { SwarmErrorCode } from './errors.ts';
export { restore } from './wiring/restore.ts';
export { packRecords } from './trust/kept-records.ts';
export { HOSTS_MAX } from './trust/admissions.ts';
export { mostOf } from './trust/seats.ts';
export { DEFAULT_TUNING } from './tuning.ts';
