/** What an action is, what is asked of it, and how it ended. */
import { CodedError } from '../../base/index.ts';

/** One entry of `actions:` in the configuration. */
export interface ActionConfig {
  readonly name: string;
  readonly enabled: boolean;
  /** Absolute path. */
  readonly program: string;
  /** Fixed text with placeholders such as `{unit}`. */
  readonly args: readonly string[];
  /** One for each placeholder; a value must match it from its first character to its last. */
  readonly patterns: ReadonlyMap<string, RegExp>;
  /** Whom it runs as; undefined is the user of the agent. */
  readonly user?: string;
  readonly timeLimitMs: number;
  /** Bytes kept of standard output, and as many of standard error. */
  readonly outputLimit: number;
  readonly env: Readonly<Record<string, string>>;
}

/** What a hub asks of one host. */
export interface Command {
  /** UUID of the delivery: the same at every try. */
  readonly id: string;
  readonly action: string;
  readonly args: Readonly<Record<string, string>>;
  /** Who asked for it, as the hub says. */
  readonly askedBy: string;
  /** Unix milliseconds. */
  readonly expires: number;
}

/**
 * `exit`: by itself; `signal`: somebody killed it; `time_limit`: it was killed because its time was
 * over; `interrupted`: the agent ended while it ran; `not_started`: the program could not be started.
 */
export type ActionEnd = 'exit' | 'signal' | 'time_limit' | 'interrupted' | 'not_started';

export interface ActionOutcome {
  readonly ended: ActionEnd;
  readonly exitCode: number | null;
  /** E.g. `SIGTERM`. */
  readonly signal: string | null;
  /** The first bytes, as UTF-8; what is none becomes U+FFFD. */
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes written in all. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** Some output was not kept. */
  readonly truncated: boolean;
  readonly tookMs: number;
  /** For people, where nothing else says why. */
  readonly error: string | null;
}

/** Why a command is not carried out; nothing was started then. */
export class ActionRefusal extends CodedError<ActionRefusalCode> {}

/** `busy` and `running` are asked again, the others are final. */
export type ActionRefusalCode =
  | 'authority'
  | 'bad_command'
  | 'no_such_action'
  | 'action_disabled'
  | 'bad_args'
  | 'user'
  | 'command_reused'
  | 'command_expired'
  | 'journal'
  | 'busy'
  | 'running';
