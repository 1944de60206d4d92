/**
 * What other programs import as `swarmplane`: asking the agent that runs on this machine. What is not
 * here is not promised (docs/library.md).
 */
export { askAgent, type Answer, type Question } from './control/ask-agent.ts';
export { CONTROL_SOCKET, controlOnce } from './control/control-protocol.ts';
export type { ControlRequest, OperationName, RequestOf, ResultOf } from './control/operations.ts';
export { AgentError, type AgentErrorCode } from './errors.ts';
export { defaultStateFolder } from './state/state-folder.ts';
export { VERSION } from './version.ts';
export type { Account, HostOutcome, HostState } from '../swarm/types.ts';
export type { Value } from '../tables/types.ts';
