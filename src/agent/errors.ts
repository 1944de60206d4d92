/** What can go wrong in one host's agent, for people: what failed, and what to do next. */
export class AgentError extends Error {
  readonly code: AgentErrorCode;
  /** The next step, lower-case, no full stop. */
  readonly hint: string | undefined;

  constructor(code: AgentErrorCode, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AgentError';
    this.code = code;
    this.hint = hint;
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
