/** What `swarmplane doctor` found: one line each, with the next step where there is something to do. */
export interface Finding {
  /** What was looked at, in one word. */
  readonly check: string;
  readonly state: FindingState;
  readonly message: string;
  /** What to do next. */
  readonly hint?: string;
}

/** `skipped`: it could not be looked at, which is neither good nor bad. */
export type FindingState = 'ok' | 'warning' | 'error' | 'skipped';

export function fine(check: string, message: string): Finding {
  return { check, state: 'ok', message };
}

export function warning(check: string, message: string, hint: string): Finding {
  return { check, state: 'warning', message, hint };
}

export function broken(check: string, message: string, hint: string): Finding {
  return { check, state: 'error', message, hint };
}

export function skipped(check: string, message: string, hint?: string): Finding {
  return { check, state: 'skipped', message, ...(hint === undefined ? {} : { hint }) };
}
