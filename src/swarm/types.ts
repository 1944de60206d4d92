/**
 * The contract of the sans-IO core. Nothing here names a socket, a timer, a clock or randomness:
 * `now` and random bytes are arguments, what takes time is an Effect.
 */
import type { AlarmKind } from './alarm-kinds.ts';
import type { KeyBook, OperatorSet } from '../secure/index.ts';
import type {
  Crypto,
  EpochHead,
  EpochId,
  KeyEntry,
  NodeId,
  OperatorRecord,
  PeerIdentity,
  RevocationRecord,
  TokenRecord,
} from '../secure/types.ts';

/** Both clocks in milliseconds: `mono` never jumps, `wall` is Unix time. */
export interface Now {
  readonly mono: number;
  readonly wall: number;
}

/** An authenticated connection, numbered by the driver, never used again after it went down. */
export type LinkId = number;

/** What a pair is made from, and when that was, Unix milliseconds. */
export interface KeptPrekey {
  readonly made: number;
  /** 32 random bytes. */
  readonly seed: Uint8Array;
}

/** By tag: prefixes of node ids, 32 hex digits each. */
export type KeptSeats = ReadonlyMap<string, readonly string[]>;

export interface CoreOptions {
  readonly self: SelfDescription;
  readonly swarmId: Uint8Array;
  readonly epoch: number;
  /** The EPOCH head that the secrets name; none before this host was admitted. */
  readonly head?: EpochHead;
  readonly crypto: Crypto;
  /** Parses and verifies a key entry; undefined when it is none (secure's `parseKeyEntry`). Never throws. */
  readonly parseEntry: (bytes: Uint8Array) => KeyEntry | undefined;
  /**
   * Verifies a record of the operator under the keys that count; undefined when it is none, or no
   * operator key is known. Never throws.
   */
  readonly parseRecord?: (
    bytes: Uint8Array,
    operators: OperatorSet | undefined,
  ) => OperatorRecord | undefined;
  /** The operator's keys as the secrets have them; without it no statement about keys is taken. */
  readonly operators?: () => OperatorSet | undefined;
  /** Without one every well-formed entry is believed (the simulator's keys are no real ones). */
  readonly keyBook?: KeyBook;
  /** `n` random bytes; seeded in the simulator. */
  readonly random: (n: number) => Uint8Array;
  /**
   * Signed objects (MEMBER, ACCUSE, FORGET) kept from the last run.
   * `restore()` makes this and `incarnation` from what `persist` effects gave.
   */
  readonly members?: readonly KeptObject[];
  /** The incarnation kept from the last run; the new one is higher. */
  readonly incarnation?: number;
  /** The prekeys kept from the last run, the newest first. */
  readonly prekeys?: readonly KeptPrekey[];
  /** Records of the operator kept from the last run. */
  readonly records?: KeptRecords;
  /** Seats of join tokens kept from the last run. */
  readonly seats?: KeptSeats;
  /** SEALs kept from the last run. */
  readonly seals?: readonly Uint8Array[];
  /** Alarms of the last run that are open: they are ended here when their cause has gone. */
  readonly alarms?: readonly Pick<Alarm, 'kind' | 'key'>[];
  /** `host:port` addresses from configuration, dialled until one answers. */
  readonly seeds?: readonly string[];
  readonly tuning?: Partial<Tuning>;
  /** What checking one signature takes here, microseconds. */
  readonly verifyMicros?: number;
}

/** A signed object about a member, as kept on the own disk. */
export interface KeptObject {
  readonly bytes: Uint8Array;
  /** Unix milliseconds at which it was heard; 0 where that does not matter. */
  readonly wall: number;
}

export interface SelfDescription {
  readonly nodeId: NodeId;
  readonly entry: KeyEntry;
  readonly bootId: Uint8Array;
  readonly name: string;
  /** `host:port` others may dial. */
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** The software's version, for people. */
  readonly version: string;
  /** True on a hub, so that people see which member it is. */
  readonly hub: boolean;
  /** This host's newest admission by a token; empty where only rolls admitted it. */
  readonly admission: Uint8Array;
}

/** What the operator makes in one go: records as signed, and the parts of the EPOCH among them. */
export interface OperatorBundle {
  readonly records: readonly Uint8Array[];
  readonly parts: readonly Uint8Array[];
}

export interface KeptRecords {
  /** As signed. */
  readonly records: readonly Uint8Array[];
  readonly parts: readonly {
    readonly epoch: EpochId;
    readonly number: number;
    readonly bytes: Uint8Array;
  }[];
}

/** What one who asks to join by a token gets: the token, or why it lets nobody in here and now. */
export type TokenDoor =
  | { readonly token: TokenRecord }
  | {
      readonly code:
        'unknown_token' | 'token_ended' | 'token_used_up' | 'wrong_clock' | 'swarm_full';
    };

/** Who is in the swarm by the operator's word, as this host knows it. */
export interface Rolls {
  readonly head: EpochHead | undefined;
  /** Number of the newest epoch that is known here: above `head` where this host was left out of it. */
  readonly newest: number;
  /** Another epoch is in force, which this host has not entered: it has no slot, or cannot open it. */
  readonly isBehind: boolean;
  /** Prefixes of hosts that were expelled, and hold the key of the present epoch all the same. */
  readonly exposed: readonly string[];
  /** Prefixes of node ids, 32 hex digits. */
  readonly roll: ReadonlySet<string>;
  /** False while parts are fetched. */
  readonly isWhole: boolean;
  readonly tokens: readonly TokenView[];
  /** Revocation lists in force. */
  readonly lists: readonly RevocationRecord[];
  /** Keys of the operator; none before this host was admitted. */
  readonly operators: OperatorSet | undefined;
  /** Head and hub certificates, as signed. */
  readonly named: readonly Uint8Array[];
  /** The key that made the present epoch was revoked, and no other one has made another yet. */
  readonly isVoid: boolean;
}

export interface TokenView extends TokenRecord {
  /** Prefixes of the nodes that came by it, in the order in which they were seen here. */
  readonly seats: readonly string[];
}

/** Times in milliseconds. Defaults are docs/protocol.md's. */
export interface Tuning {
  readonly heartbeatMs: number;
  readonly linkDeadMs: number;
  readonly redialMinMs: number;
  readonly redialMaxMs: number;
  readonly seedRedialMs: number;
  readonly acceptedAfterMs: number;
  readonly clockSkewMaxMs: number;
  /** News waits this long for company before it is sent on. */
  readonly newsDelayMs: number;
  /** A lost link may come back this long before its end is accused. */
  readonly lostGraceMs: number;
  /** A suspect is dead after this times 4 log10(members), unless three accuse it. */
  readonly suspectMs: number;
  readonly digestMs: number;
  /** A suspect host without a link that said nothing is waited for this long in a request. */
  readonly unreachableGraceMs: number;
  /** The same for a host that is alive by the table and has no link: it may just be relinking. */
  readonly relinkGraceMs: number;
  /** A member dead for longer is not expected in accounts. */
  readonly deadExpectedMs: number;
  /** What others say is to be forgotten must have been dead here for so long. */
  readonly forgetAfterMs: number;
  /** A prekey is replaced after this, less up to a sixth, and sealed to for twice as long. */
  readonly prekeyMs: number;
  /** Mean time between two probes. */
  readonly probeMeanMs: number;
  /** Answers to a probe are waited for this long. */
  readonly probeAnswerMs: number;
  /** How many witnesses a probe asks, beside its target. */
  readonly probeWitnesses: number;
}

/**
 * `consistent`: three witnesses or more know the target as this host does, and nobody differs.
 * `conflict`: somebody knows another node or key there. `unknown`: too few witnesses know it.
 */
export type ProbeVerdict = 'consistent' | 'conflict' | 'unknown';

/** The last probe of one member. */
export interface ProbeResult {
  readonly nodeId: NodeId;
  /** What was asked about. */
  readonly name: string;
  readonly address: string;
  readonly verdict: ProbeVerdict;
  /** Unix milliseconds. */
  readonly at: number;
  /** Witnesses. */
  readonly asked: readonly NodeId[];
  /** Those that know the target as this host does. */
  readonly same: readonly NodeId[];
  /** Those that know another node or key there; the target itself may be among them. */
  readonly others: readonly NodeId[];
  /** Of a conflict: the question and the signed answers of `others`, packed. */
  readonly proof?: Uint8Array;
}

/**
 * `left`, `forgotten` and `expelled` are out: no account expects them, nobody dials them. What ends
 * each is a table in docs/protocol.md section 7.
 */
export type MemberState = 'alive' | 'suspect' | 'dead' | 'left' | 'forgotten' | 'expelled';

/** One member as people and tables see it. */
export interface MemberView {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  readonly hub: boolean;
  readonly state: MemberState;
  readonly incarnation: number;
  /** Unix milliseconds of the last change of state seen here. */
  readonly since: number;
  /** True for this node itself. */
  readonly self: boolean;
  /** True while a link to it is up. */
  readonly linked: boolean;
  /** The member's newest key entry, as signed. */
  readonly entry: KeyEntry;
  /** The tag of the token that its record names, if any. */
  readonly tag?: string;
  /** True where the operator made that token for this very name, and it goes by it here. */
  readonly named: boolean;
  /** False for one that the present epoch left out: it cannot be reached any more. */
  readonly admitted: boolean;
}

export type Targets =
  | { readonly kind: 'all' }
  /** At most 64. */
  | { readonly kind: 'nodes'; readonly nodes: readonly NodeId[] };

/** What `startRequest` takes. */
export interface RequestSpec {
  /** `query`: body is SQL. Later kinds: `action`, `track`. */
  readonly kind: string;
  readonly body: Uint8Array;
  readonly targets: Targets;
  /** Milliseconds until the account is closed. */
  readonly timeoutMs: number;
  /** Role certificate of this node, if it needs one (docs/protocol.md section 9). */
  readonly certificate?: Uint8Array;
}

/** 32 hex digits. */
export type RequestId = string;

/** A verified request of another member (or of this node itself), to be carried out here. */
export interface IncomingRequest {
  readonly id: RequestId;
  readonly origin: NodeId;
  readonly originName: string;
  /** What its origin has a share of: nothing is counted of this node itself. */
  readonly share: 'own' | 'hub' | 'member';
  readonly kind: string;
  readonly body: Uint8Array;
  readonly certificate?: Uint8Array;
  /** Milliseconds left when it was handed over. */
  readonly remainingMs: number;
}

/** How carrying out ended. `payload` is opaque to the core (the agent's packed answer, at most 4 MiB). */
export interface RunOutcome {
  readonly status: 'ok' | 'error' | 'refused';
  /** For error and refused: a stable code, e.g. `no_such_table`, `busy`, `authority`, `limits`. */
  readonly code?: string;
  /** For error and refused: a sentence for people. */
  readonly message?: string;
  readonly rowCount: number;
  readonly truncated: boolean;
  readonly tookMs: number;
  readonly payload: Uint8Array;
}

/** What the core wants done by its driver. Each is answered by `handleEffectDone`, but for `hold` and `close`. */
export type Effect =
  /** Keep bytes over a restart, fsynced, before answering. */
  | {
      readonly kind: 'persist';
      readonly id: number;
      readonly key: string;
      readonly bytes: Uint8Array;
    }
  /** Open a connection; success is told by `handleLinkUp`, the end of the try by `handleEffectDone`. */
  | {
      readonly kind: 'dial';
      readonly id: number;
      readonly address: string;
      readonly nodeId?: NodeId;
    }
  /** Carry out a request; answered with `{ kind: 'run', outcome }`. */
  | { readonly kind: 'run'; readonly id: number; readonly request: IncomingRequest }
  /** The origin withdrew a request that a `run` effect is out for. Answer the run effect soon all the same. */
  | { readonly kind: 'cancel'; readonly id: number; readonly runId: number }
  /** Read nothing more of this link for so many milliseconds. */
  | { readonly kind: 'hold'; readonly link: LinkId; readonly ms: number }
  | {
      readonly kind: 'close';
      readonly link: LinkId;
      readonly code: CloseCode;
      /** For the log. */
      readonly reason: string;
    };

/** Why the core gives a link up; what it costs the peer is the driver's to say. */
export type CloseCode =
  /** Bytes that were no message of this protocol: the peer has to wait before it is linked again. */
  | 'broke_protocol'
  | 'silent'
  /** This host itself was held up: nothing on its links can be trusted to be of now. */
  | 'suspended'
  /** A better link to the same member, or one that leads to this host itself. */
  | 'replaced'
  /** The peer is not, or no longer, admitted. */
  | 'out'
  /** Two key lists, or two copies, of one identity. */
  | 'frozen'
  /** Its key list is missing, refused or another one than the operator named. */
  | 'keys';

export type EffectResult =
  | { readonly kind: 'persist'; readonly ok: boolean }
  | { readonly kind: 'dial'; readonly ok: boolean; readonly reason?: string }
  | { readonly kind: 'run'; readonly outcome: RunOutcome };

/** The end state of one host in a request's account: each expected host has exactly one. */
export type HostState =
  'ok' | 'error' | 'refused' | 'partial' | 'timeout' | 'unreachable' | 'expired';

export interface HostOutcome {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly state: HostState;
  readonly code?: string;
  readonly message?: string;
  readonly rowCount: number;
  readonly truncated: boolean;
  /** As the host measured it; undefined where it never said. */
  readonly tookMs?: number;
  /** Name of the host over whose link its last word came; undefined where it came straight, or never. */
  readonly over?: string;
}

/** Every expected host once, then strangers that answered. Rows are never returned without it. */
export interface Account {
  readonly requestId: RequestId;
  readonly hosts: readonly HostOutcome[];
  readonly unexpected: readonly HostOutcome[];
}

/** The end of an audit chain, for this node to sign: it is a hub. */
export interface SealSpec {
  /** The chain's uuid as 32 hex digits. */
  readonly chain: string;
  readonly number: number;
  /** Of the seal, 64 hex digits. */
  readonly hash: string;
  /** Unix milliseconds. */
  readonly at: number;
}

/** A signed SEAL (docs/protocol.md section 10). */
export interface SealView extends SealSpec {
  readonly hub: NodeId;
  readonly keyVersion: number;
  /** As signed. */
  readonly head: Uint8Array;
}

export interface Alarm {
  readonly kind: AlarmKind;
  /** One open alarm per (kind, key). */
  readonly key: string;
  readonly message: string;
  /** Unix milliseconds. */
  readonly at: number;
  /** The cause has ended: an open alarm of this kind and key is resolved. */
  readonly over?: true;
}

export type CoreEvent =
  /** One host ended; `payload` is whole and verified for `ok`, empty otherwise. Exactly once per host. */
  | {
      readonly kind: 'answer';
      readonly requestId: RequestId;
      readonly outcome: HostOutcome;
      readonly payload: Uint8Array;
      /** True for a host outside the expected set. */
      readonly unexpected: boolean;
      /** Signed proof as received (head and final chunk signatures), for the hub to store. */
      readonly proof: Uint8Array;
    }
  /** The last event of a request. */
  | { readonly kind: 'account'; readonly requestId: RequestId; readonly account: Account }
  | { readonly kind: 'member'; readonly member: MemberView; readonly before?: MemberState }
  /** A host came by a join token, for the first time here: the `seat`th of `uses`. */
  | {
      readonly kind: 'joined';
      readonly nodeId: NodeId;
      readonly name: string;
      readonly tag: string;
      readonly seat: number;
      readonly uses: number;
    }
  /** A revocation list, at the start and when one came. */
  | { readonly kind: 'record'; readonly record: RevocationRecord }
  /**
   * An EPOCH above the present one, with the part that would have the own slot: open it, keep the
   * secrets, then call `setEpoch`. Without a part there is no slot for sure.
   */
  | { readonly kind: 'epoch'; readonly head: EpochHead; readonly part?: Uint8Array }
  /** Other keys of the operator are known, as signed: keep them with the secrets. */
  | { readonly kind: 'operators'; readonly statements: readonly Uint8Array[] }
  /** What `install` began has ended; `ok` when it is on the disk and on its way. */
  | { readonly kind: 'installed'; readonly effect: number; readonly ok: boolean }
  | { readonly kind: 'alarm'; readonly alarm: Alarm };

/** The core. All calls return at once; drain `pollEffect`, `pollSend` and `pollEvent` after each. */
export interface Core {
  handleLinkUp(now: Now, link: LinkId, peer: PeerIdentity, info: LinkInfo): void;
  handleLinkDown(now: Now, link: LinkId, reason: string): void;
  /** One decrypted message. Bytes that are no message close that link by an effect, nothing else. */
  handleMessage(now: Now, link: LinkId, message: Uint8Array): void;
  handleEffectDone(now: Now, effectId: number, result: EffectResult): void;
  handleTimeout(now: Now): void;
  /** `mono` of the next wanted `handleTimeout`, undefined when none. */
  nextTimeout(): number | undefined;
  pollSend(): { link: LinkId; message: Uint8Array } | undefined;
  pollEffect(): Effect | undefined;
  pollEvent(): CoreEvent | undefined;

  /** Asks. The account arrives as an event no later than `timeoutMs`. */
  startRequest(now: Now, spec: RequestSpec): RequestId;
  /** Withdraws; the account still comes. */
  cancelRequest(now: Now, id: RequestId): void;
  /** The whole table but those that are forgotten, self included, sorted by name. */
  members(): readonly MemberView[];
  /** Those that are no members any more, as they were last: `forgotten` and `expelled`; sorted by name. */
  departed(): readonly MemberView[];
  /** The last probe of each member that was probed in this run. */
  probes(): readonly ProbeResult[];
  /** Counts and bytes of everything that grows. */
  sizes(): Readonly<Record<string, number>>;
  /** No longer expected in accounts; spreads to every member. False when unknown. */
  forget(now: Now, node: NodeId): boolean;
  /**
   * Keeps what the operator made, whole and before anything is sent, then spreads it. The event
   * `installed` with this number tells the end; undefined when it is no news, or not the operator's.
   */
  install(now: Now, bundle: OperatorBundle): number | undefined;
  /** What a member under another epoch key answered with, which its end of the handshake verified. */
  catchUp(now: Now, shown: CaughtUp): void;
  /** Who is in the swarm by the operator's word. */
  rolls(): Rolls;
  /** The operator says, here and now, that a node is a hub. */
  isHub(now: Now, node: NodeId): boolean;
  /** What is wrong with the certificate of the hub that runs here; undefined where nothing is. */
  hubProblem(now: Now): string | undefined;
  /** Whether hosts may join here by the token of this tag (16 hex digits). */
  door(now: Now, tag: string): TokenDoor;
  /** Keeps a seat for a node that is let in here; else why there is none for it. */
  reserveSeat(
    now: Now,
    token: TokenRecord,
    node: NodeId,
  ): 'unknown_token' | 'token_used_up' | 'expelled' | undefined;
  /** A part of the present EPOCH, for a host that was away. */
  part(number: number): Uint8Array | undefined;
  /** Signs a SEAL, and nothing else, with the own key. */
  signSeal(now: Now, seal: SealSpec): SealView;
  /** Remembers a SEAL and sends it to every link. False when it is none of a hub that is known, or not news. */
  spreadSeal(now: Now, head: Uint8Array): boolean;
  /** The SEALs this node remembers, by chain, hub and number. */
  seals(): readonly SealView[];
  /** Says `left` to everybody; send what `pollSend` gives, then close. */
  leave(now: Now): void;
  /** New own addresses, name or labels: a new incarnation of the own record. */
  describe(now: Now, self: Partial<SelfDescription>): void;
  /** This host is in this epoch now; its secrets are on the disk. */
  setEpoch(now: Now, head: EpochHead): void;
}

export interface CaughtUp {
  readonly head: EpochHead;
  /** Statements about keys of the operator. */
  readonly operators: readonly Uint8Array[];
  readonly part?: { readonly number: number; readonly bytes: Uint8Array };
}

export interface LinkInfo {
  readonly initiator: boolean;
  /** Where the peer was dialled, for links opened here. */
  readonly address?: string;
}
