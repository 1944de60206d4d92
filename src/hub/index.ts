/** The hub: PostgreSQL as the place where work is asked for and kept. */
export { connect, endPool, openPool, redactUrl, type ConnectOptions } from './database/database.ts';
export { readAlerts, watchAlerts, type Alert, type WatchOptions } from './alerts/feed.ts';
export { answerAlert, type AlertAnswer } from './alerts/answer.ts';
export { ALERT_CHANNEL, type WebhookTarget } from './alerts/teller.ts';
export { checkDatabase } from './doctor/database-check.ts';
export { findPackage } from './postgres/postgres-binaries.ts';
export { hubUrlBehind, isEmbeddedUrl } from './postgres/cluster.ts';
export { loginOf, type Login } from './database/login.ts';
export {
  grant,
  GRANT_ROLES,
  type Granted,
  type GrantOptions,
  type GrantRole,
} from './database/grants.ts';
export type { HubFigures } from './figures.ts';
export { HubError } from './errors.ts';
export type { Log } from './log.ts';
export { migrate, refuseNewer, type Migrated, type MigrateOptions } from './schema/migrate.ts';
export type { Drift } from './schema/drift.ts';
export { EmbeddedPostgres, type EmbeddedOptions, type ServerState } from './postgres/embedded.ts';
export { depart, type Departed, type Departure } from './departure.ts';
export { runSql, type SqlResult } from './database/sql-shell.ts';
export {
  createListener,
  type Listener,
  type ListenerOptions,
  type WakeReason,
} from './database/listener.ts';
export { stallText, type ToldStall } from './stall-watch.ts';
export { DEFAULT_TUNING, Hub, type HubOptions, type HubStatus, type HubTuning } from './hub.ts';
export {
  backupDatabase,
  backupEmbedded,
  restoreDatabase,
  restoreEmbedded,
  type BackedUp,
  type DatabaseBackupOptions,
} from './backup/embedded-backup.ts';
export type { Restored } from './backup/restore.ts';
export { verifyAudit, type AuditReport, type Fault } from './audit/verify.ts';
export type { NodeMemory } from './audit/memory.ts';
export { findHistory, readAsOf, readChanges, type Change, type HistoryOf } from './history/read.ts';
export { verifyHistory, type Fetched, type Finding, type Verified } from './history/verify.ts';
