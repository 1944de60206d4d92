/**
 * agent's second door: what talks to a running agent, without the code that makes one. A command
 * that only asks is on the screen before the swarm's code would have loaded.
 */
import type { Finding } from './doctor/finding.ts';

export { ADDRESS_FORM, DEFAULT_PORT, formatAddress, parseAddress } from '../base/index.ts';
export { PackedAnswer } from './answer.ts';
export { askAgent, type Answer, type Question } from './control/ask-agent.ts';
export { CONTROL_SOCKET, control, controlOnce } from './control/control-protocol.ts';
export type {
  ControlRequest,
  ItemOf,
  OperationName,
  RequestOf,
  ResultOf,
} from './control/operations.ts';
export { AgentError } from './errors.ts';
export { leftAt, unmarkLeft } from './state/left-mark.ts';
export type { Finding, FindingState } from './doctor/finding.ts';
export { defaultStateFolder, OPERATOR_KEY_FILE, StateFolder } from './state/state-folder.ts';
export { printable, printableLines } from './printable.ts';
export type { Account, HostOutcome, HostState } from '../swarm/index.ts';
export { VERSION } from './version.ts';
export { encodeFields, hostNameFrom, utf8 } from '../wire/index.ts';

/** The host's part of `swarmplane doctor`; loaded when it is called. Never rejects. */
export async function checkHost(stateFolder: string): Promise<Finding[]> {
  return (await import('./doctor/host-check.ts')).checkHost(stateFolder);
}
