/** What cli and hub need of a running agent. */
import type { Description } from '../query/index.ts';
import type { Value } from '../tables/types.ts';
import type { KeyEntry } from '../secure/types.ts';
import type {
  Account,
  Alarm,
  CoreEvent,
  HostOutcome,
  MemberView,
  RequestSpec,
  SealSpec,
  SealView,
  Targets,
} from '../swarm/types.ts';

export interface AskSpec {
  readonly sql: string;
  /** `nodes` may be longer than 64 here; the agent splits. */
  readonly targets: Targets;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /**
   * Told before anything is sent, where the query reads sensitive tables: their names. What it throws
   * refuses the query.
   */
  readonly onSensitive?: (tables: readonly string[]) => void;
  /** Told once, when the swarm was asked: the ids that every host's log has of this request. */
  readonly onAsked?: (requestIds: readonly string[]) => void;
}

/** One action for several hosts, each under an id of its own. */
export interface CommandSpec {
  readonly action: string;
  readonly args: Readonly<Record<string, string>>;
  /** Who wants it, for the journals of the hosts. */
  readonly askedBy: string;
  /** Unix milliseconds after which no host starts it any more. */
  readonly expires: number;
  /** UUIDs by node id; the same at every try. */
  readonly ids: ReadonlyMap<string, string>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** As of a query. */
  readonly onAsked?: AskSpec['onAsked'];
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

/** One host's end with its payload as packed there, or the account, which is always the last. */
export type RequestEvent = Extract<CoreEvent, { kind: 'answer' | 'account' }>;

/** One entry of a key list. `time`: Unix seconds; `bytes`: as signed. */
export type PinnedKey = Pick<KeyEntry, 'version' | 'signKey' | 'boxKey' | 'time' | 'bytes'>;

/** One node of the swarm, as the hub drives it. */
export interface Asker {
  readonly nodeId: string;
  readonly name: string;
  /** 32 bytes. */
  readonly swarmId: Uint8Array;
  members(): readonly MemberView[];
  /** Those that are no members any more: `forgotten` and `expelled`. */
  departed(): readonly MemberView[];
  /** Tells the swarm to forget a member that is dead or has left; false for any other. */
  forget(nodeId: string): boolean;
  /**
   * Checks the SQL here first.
   * @throws QueryError when it is refused; nothing was sent then
   */
  ask(spec: AskSpec): AsyncIterable<AskEvent>;
  /** What rows the SQL gives, without asking anybody. @throws QueryError */
  describe(sql: string): Promise<Description>;
  /** For the seals of the audit; the key never leaves the node. */
  readonly seals: Seals;
  /** Sends a request of any kind; `nodes` may be longer than 64, and leaving early withdraws it. */
  request(spec: RequestSpec, signal?: AbortSignal): AsyncIterable<RequestEvent>;
  /**
   * Commands hosts. An answer `ok` has one row (src/agent/actions/result.ts) that says how it went;
   * `refused` with code `running`: not ended yet, ask again.
   * @throws AgentError `not_commander`; nothing was sent then
   */
  command(spec: CommandSpec): AsyncIterable<AskEvent>;
  /** The certificate to show with a request for these sensitive tables; undefined when it has none. */
  certificateFor(tables: readonly string[]): Uint8Array | undefined;
  /** Names of the actions that its certificates allow now, `*` for all; sorted. */
  allowedActions(): readonly string[];
  /** A member's keys as this node has pinned them, oldest first; of a fork the other entry, too. */
  keyList(nodeId: string): readonly PinnedKey[];
  onMember(listener: (member: MemberView) => void): () => void;
  /** Alarms as they are raised, and `over` when their cause has ended. */
  onAlarm(listener: (alarm: Alarm) => void): () => void;
}

export interface Seals {
  /** The end of an audit chain, signed with this node's present key as a SEAL and nothing else. */
  sign(seal: SealSpec): SealView;
  /** To every node. False when it is not news. */
  spread(head: Uint8Array): boolean;
  /** What this node remembers of all chains. */
  all(): readonly SealView[];
}
