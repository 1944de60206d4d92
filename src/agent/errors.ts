import { CodedError } from '../base/index.ts';

/** What can go wrong in one host's agent, for people: what failed, and what to do next. */
export class AgentError extends CodedError<AgentErrorCode> {
  constructor(code: AgentErrorCode, message: string, hint?: string, options?: ErrorOptions) {
    super(code, message, { ...(hint !== undefined && { hint }), ...options });
  }
}

export type AgentErrorCode =
  | 'state_unwritable'
  | 'state_corrupt'
  | 'state_outdated'
  | 'not_initialised'
  | 'already_initialised'
  | 'already_running'
  | 'holds_hub'
  | 'not_running'
  | 'has_left'
  | 'still_there'
  | 'config_invalid'
  | 'unknown_host'
  | 'ambiguous_host'
  | 'host_gone'
  | 'socket_path_too_long'
  | 'control_failed'
  | 'unreachable'
  | 'operator_key'
  | 'not_commander'
  | 'invalid_request';
