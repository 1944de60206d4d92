/** What cli and hub need of a running agent. */
import type { Value } from '../tables/types.ts';
import type { KeyEntry } from '../secure/types.ts';
import type { Account, Alarm, HostOutcome, MemberView, Targets } from '../swarm/types.ts';

export interface AskSpec {
  readonly sql: string;
  /** `nodes` may be longer than 64 here; the agent splits. */
  readonly targets: Targets;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** One host's end, with its rows. */
export interface HostAnswer {
  readonly outcome: HostOutcome;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
  readonly warnings: readonly string[];
  /** Signed proof as received, for keeping. */
  readonly proof: Uint8Array;
}

export type AskEvent =
  | { readonly kind: 'answer'; readonly answer: HostAnswer }
  /** Always the last. */
  | { readonly kind: 'account'; readonly account: Account };

/** One entry of a key list. `time`: Unix seconds; `bytes`: as signed. */
export type PinnedKey = Pick<KeyEntry, 'version' | 'signKey' | 'boxKey' | 'time' | 'bytes'>;

/** One node of the swarm, as the hub drives it. */
export interface Asker {
  readonly nodeId: string;
  readonly name: string;
  members(): readonly MemberView[];
  /**
   * Checks the SQL here first.
   * @throws QueryError when it is refused; nothing was sent then
   */
  ask(spec: AskSpec): AsyncIterable<AskEvent>;
  /** A member's keys as this node has pinned them, oldest first; of a fork the other entry, too. */
  keyList(nodeId: string): readonly PinnedKey[];
  onMember(listener: (member: MemberView) => void): () => void;
  /** Alarms as they are raised, and `over` when their cause has ended. */
  onAlarm(listener: (alarm: Alarm) => void): () => void;
}
