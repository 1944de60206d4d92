/** Who gets the key of the next epoch and who does not, before the operator has signed anything. */

/** One host as `records` tells it. */
export interface KnownMember {
  readonly nodeId: string;
  readonly name: string;
  /** Newest key entry as signed. */
  readonly entry: Uint8Array;
  readonly state: string;
  /** Unix milliseconds of its last change of state. */
  readonly since: number;
  /** Of the token it came by, where that is one of this epoch. */
  readonly tag: string | null;
  readonly onRoll: boolean;
  /** False for one that the present epoch left out. */
  readonly admitted: boolean;
  /** It has signed two key lists. */
  readonly frozen: boolean;
}

export interface KnownToken {
  readonly tag: string;
  readonly version: number;
  readonly state: 'open' | 'ended';
  readonly bytes: Uint8Array;
  readonly uses: number;
  /** Unix seconds. */
  readonly made: number;
  readonly notAfter: number;
  readonly note: string;
  readonly host: string;
  /** Hosts that were seen to come by it. */
  readonly seen: number;
}

export interface RotationChoice {
  /** Node ids; undefined for all. */
  readonly only?: ReadonlySet<string>;
  readonly expel: ReadonlySet<string>;
  /** Tags whose hosts are left out, unless the roll has them. */
  readonly dropTokens: ReadonlySet<string>;
  /** Tags that brought more hosts than they may, and whose hosts stay all the same. */
  readonly keepTokens: ReadonlySet<string>;
  /** Those not heard of for 400 days too. */
  readonly away: boolean;
}

export type Why =
  | 'roll'
  | 'token'
  /** Left out by the present epoch, and taken in again. */
  | 'stranded'
  /** Not heard of for 90 days. */
  | 'away'
  | 'expelled'
  | 'not named'
  | 'token dropped'
  | 'frozen'
  | 'gone for 400 days'
  /** By its own word: it comes back by a token. */
  | 'left'
  /** By this swarm's word; the same. */
  | 'forgotten';

export interface Placed {
  readonly member: KnownMember;
  readonly why: Why;
}

export interface RotationPlan {
  readonly stay: readonly Placed[];
  readonly out: readonly Placed[];
  /** Tokens that brought more than they may, for which nothing was chosen: the command stops. */
  readonly undecided: readonly KnownToken[];
}

export function planRotation(
  members: readonly KnownMember[],
  tokens: readonly KnownToken[],
  choice: RotationChoice,
  nowMs: number,
): RotationPlan {
  const placed = members.map((member) => ({ member, ...placeOf(member, choice, nowMs) }));
  const overused = tokens.filter((token) => token.seen > token.uses && token.state === 'open');
  const decided = (tag: string) => choice.dropTokens.has(tag) || choice.keepTokens.has(tag);
  return {
    stay: placed.filter(({ stays }) => stays),
    out: placed.filter(({ stays }) => !stays),
    undecided: choice.only === undefined ? overused.filter(({ tag }) => !decided(tag)) : [],
  };
}

function placeOf(
  member: KnownMember,
  { only, expel, dropTokens, away }: RotationChoice,
  nowMs: number,
): { stays: boolean; why: Why } {
  const out = (why: Why) => ({ stays: false, why });
  if (expel.has(member.nodeId)) return out('expelled');
  if (only !== undefined && !only.has(member.nodeId)) return out('not named');
  if (only === undefined && (member.state === 'left' || member.state === 'forgotten')) {
    return out(member.state);
  }
  if (!member.onRoll && member.tag !== null && dropTokens.has(member.tag)) {
    return out('token dropped');
  }
  if (member.frozen) return out('frozen');
  const silentMs = member.state === 'dead' ? nowMs - member.since : 0;
  if (silentMs > GONE_MS && !away && only === undefined) return out('gone for 400 days');
  if (!member.admitted) return { stays: true, why: 'stranded' };
  if (silentMs > AWAY_MS) return { stays: true, why: 'away' };
  return { stays: true, why: member.onRoll ? 'roll' : 'token' };
}

const DAY_MS = 86_400_000;
const AWAY_MS = 90 * DAY_MS;
const GONE_MS = 400 * DAY_MS;
