/**
 * agent: one host. Joins net, swarm, tables and query; serves the control socket; keeps the state
 * folder. What cli and hub use of the rooms below goes through here.
 */
export { Agent, CONFIG_FILE, loadConfig, type AgentOptions } from './agent.ts';
export { PackedAnswer } from './answer.ts';
export {
  DEFAULT_PORT,
  formatAddress,
  isHostName,
  parseAddress,
  parseConfig,
  type Config,
  type LogLevel,
} from './config.ts';
export { CONTROL_SOCKET, control, controlOnce, type ControlRequest } from './control-protocol.ts';
export { AgentError } from './errors.ts';
export { createLog, type Log } from './log.ts';
export {
  initSwarm,
  isInitialised,
  JOIN_TOKEN_FILE,
  OPERATOR_KEY_FILE,
  prepareJoin,
} from './set-up.ts';
export { defaultStateFolder, StateFolder } from './state-folder.ts';
export type { AskEvent, Asker, AskSpec, HostAnswer } from './types.ts';
export type {
  Account,
  Alarm,
  HostOutcome,
  HostState,
  MemberView,
  Targets,
} from '../swarm/index.ts';
export { VERSION } from './version.ts';
