/**
 * swarm: the deciding core, sans-IO. Membership, flooding, replies, completeness.
 * docs/protocol.md sections 7 and 8.
 */
export * from './types.ts';
export { ALARM_KINDS } from './alarm-kinds.ts';
export type { AlarmKind } from './alarm-kinds.ts';
export { CLONE_REMEDY } from './clone.ts';
export { SwarmCore } from './core.ts';
export { SwarmError } from './errors.ts';
export type { SwarmErrorCode } from './errors.ts';
export { restore } from './restore.ts';
export { packRecords } from './records.ts';
export { HOSTS_MAX } from './admissions.ts';
export { mostOf } from './seats.ts';
export { DEFAULT_TUNING } from './tuning.ts';
