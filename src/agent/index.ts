/**
 * agent: one host. Joins net, swarm, tables and query; serves the control socket; keeps the state
 * folder. What cli and hub use of the rooms below goes through here; client.ts is the light half.
 */
export { Agent, type AgentOptions } from './agent.ts';
export * from './client.ts';
export {
  addAction,
  CONFIG_FILE,
  loadConfig,
  parseConfig,
  renderConfig,
  type Config,
} from './config/config.ts';
export { isHostName } from '../wire/index.ts';
export * from '../takings/index.ts';
export type { Description } from '../query/index.ts';
export type { HistoryStatus } from './history/history.ts';
export {
  OperatorDesk,
  recoverKey,
  ROLES,
  type NewEpochOrder,
  type TokenTerms,
} from './operator/operator.ts';
export {
  addedBy,
  addKey,
  endedBy,
  expelledBy,
  isCounting,
  keyMeant,
  makeKey,
  placeOf,
  revokeAgain,
  revokeKey,
  signAgain,
  type AgainChoice,
} from './operator/operator-keys.ts';
export { planRotation } from './operator/rotation.ts';
export type { KnownMember, KnownToken, Placed, RotationPlan } from './operator/rotation.ts';
export { readRecordFile, writeRecordFile } from './operator/record-file.ts';
export { broken, fine, skipped, warning } from './doctor/finding.ts';
export type { AgentFigures } from './requests/figures.ts';
export type { HistogramFigures } from './requests/histogram.ts';
export { outdatedSwarm } from './state/secrets-file.ts';
export { resetIdentity, type IdentityReset } from './setup/identity-reset.ts';
export { replaceFile, syncFolder, writeAt } from './state/durable-file.ts';
export { createLog, type Log, type LogLevel } from './log.ts';
export { isInitialised, notAMember } from './state/membership.ts';
export { hasLeft } from './state/left-mark.ts';
export { openSeal, type OpenSeal } from './requests/audit-seal.ts';
export { initSwarm, FIRST_TOKEN, HUB_DAYS, prepareJoin } from './setup/set-up.ts';
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
