/**
 * agent: one host. Joins net, swarm, tables and query; serves the control socket; keeps the state
 * folder. What cli and hub use of the rooms below goes through here; client.ts is the light half.
 */
export { Agent, CONFIG_FILE, loadConfig, type AgentOptions } from './agent.ts';
export * from './client.ts';
export { addAction, isHostName, parseConfig, renderConfig } from './config.ts';
export type { Config, LogLevel } from './config.ts';
export { OperatorDesk, ROLES } from './operator.ts';
export { readRecordFile, writeRecordFile } from './record-file.ts';
export { createLog, type Log } from './log.ts';
export {
  initSwarm,
  isInitialised,
  JOIN_TOKEN_FILE,
  OPERATOR_KEY_FILE,
  prepareJoin,
} from './set-up.ts';
export type { AskEvent, Asker, AskSpec, CommandSpec, HostAnswer } from './types.ts';
export type { Alarm, MemberView, Targets } from '../swarm/index.ts';
