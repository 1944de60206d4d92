/**
 * agent: one host. Joins net, swarm, tables and query; serves the control socket; keeps the state
 * folder. What cli and hub use of the rooms below goes through here; client.ts is the light half.
 */
export { Agent, CONFIG_FILE, loadConfig, type AgentOptions } from './agent.ts';
export * from './client.ts';
export { addAction, isHostName, parseConfig, renderConfig } from './config.ts';
export type { Config, LogLevel } from './config.ts';
export * from './history-types.ts';
export type { HistoryStatus } from './history.ts';
export {
  decodeCollectAnswer,
  decodeTrackAnswer,
  encodeCollectBody,
  encodeTrackBody,
} from './history-body.ts';
export {
  decodeStatement,
  encodeStatement,
  signStatement,
  verifyStatement,
  type Origin,
  type SignedStatement,
} from './history-statement.ts';
export { OperatorDesk, ROLES, type NewEpochOrder, type TokenTerms } from './operator.ts';
export { planRotation } from './rotation.ts';
export type { KnownMember, KnownToken, Placed, RotationPlan } from './rotation.ts';
export { readRecordFile, writeRecordFile } from './record-file.ts';
export { broken, fine, skipped, warning } from './finding.ts';
export type { AgentFigures } from './figures.ts';
export type { HistogramFigures } from './histogram.ts';
export { outdatedSwarm } from './secrets-file.ts';
export { resetIdentity, type IdentityReset } from './identity-reset.ts';
export { createLog, type Log } from './log.ts';
export { hasLeft } from './left-mark.ts';
export { openSeal, type OpenSeal } from './seal.ts';
export {
  initSwarm,
  FIRST_TOKEN,
  isInitialised,
  notAMember,
  OPERATOR_KEY_FILE,
  prepareJoin,
} from './set-up.ts';
export type {
  AskEvent,
  Asker,
  AskSpec,
  CommandSpec,
  HostAnswer,
  PinnedKey,
  RequestEvent,
  Seals,
} from './types.ts';
export type {
  Alarm,
  MemberView,
  RequestSpec,
  SealSpec,
  SealView,
  Targets,
} from '../swarm/index.ts';
export { WRITTEN_AT } from './version.ts';
