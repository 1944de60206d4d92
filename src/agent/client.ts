/**
 * agent's second door: what talks to a running agent, without the code that makes one. A command
 * that only asks is on the screen before the swarm's code would have loaded.
 */
export { DEFAULT_PORT, formatAddress, parseAddress } from './address.ts';
export { PackedAnswer } from './answer.ts';
export { CONTROL_SOCKET, control, controlOnce, type ControlRequest } from './control-protocol.ts';
export { AgentError } from './errors.ts';
export { defaultStateFolder, StateFolder } from './state-folder.ts';
export type { Account, HostOutcome, HostState } from '../swarm/index.ts';
export { VERSION } from './version.ts';
export { encodeFields, utf8 } from '../wire/index.ts';
