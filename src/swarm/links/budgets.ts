/**
 * How much work each linked member may make this host do by what is said on its link alone: digests,
 * wants, pulls, probes, signatures that are none, and what is beyond its origin's share, which an honest
 * relay would have kept to itself. Microseconds by a fixed table; beyond the budget the link is not read
 * for a while. What members sign is charged to them where it is taken.
 */
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import { Rates } from '../engine/rates.ts';
import type { Sharers } from '../engine/shares.ts';
import type { SwarmMessage } from '../../wire/index.ts';
import type { LinkId } from '../types.ts';
import type { Link, Links } from './links.ts';

/** Of one link: from 5 to 50 ms a second, 600 for all of a usual number of them. */
const EACH_MOST = 50_000;
const EACH_LEAST = 5_000;
const ALL = 600_000;
/** At once, and for each member: what the first exchange of tables takes. */
const BURST = 50_000;
const BURST_A_MEMBER = 10;
/**
 * Of a link that waits for its admission. Who makes ids up has as many as it likes, and each is new: what
 * is over its own is held as soon as all of them together are over theirs.
 */
const WAITING_EACH = { perSecond: EACH_LEAST, burst: 10_000 };
const WAITING_ALL = { perSecond: 100_000, burst: 500_000 };
/** No message is worth a longer silence. */
const HOLD_MS_MAX = 30_000;
/** Milliseconds for which a link may be held before its member is named: one in ten, a second at once. */
const HELD = { perSecond: 100, burst: 1_000 };
/** Objects that no honest host hands on, before the link is closed. */
const BAD = { perSecond: 1 / 60, burst: 2 };

/**
 * Microseconds of each message, beside those for bytes that are sent in answer and for signatures that
 * are none. Requests, replies and news have budgets of their origins (requests.ts, own rates of members).
 */
const COSTS: Readonly<Record<SwarmMessage['t'], number>> = {
  heartbeat: 2,
  digest: 50,
  summary: 50,
  want: 50,
  'keys-want': 20,
  keys: 50,
  pull: 20,
  holds: 50,
  tokens: 50,
  record: 150,
  'part-want': 20,
  part: 500,
  probe: 300,
  probed: 150,
  'seals-have': 50,
  seals: 10,
  news: 30,
  frozen: 10,
  request: 30,
  reply: 10,
  accepted: 30,
  flood: 30,
};
/** What they bring about is others' traffic, not an answer to who sent them. */
const ASK_NOTHING: ReadonlySet<SwarmMessage['t']> = new Set([
  'seals',
  'news',
  'frozen',
  'request',
  'reply',
  'accepted',
  'flood',
]);
/** Bytes sent in answer to what asks for them, in a microsecond. */
const BYTES_A_MICROSECOND = 100;
/** Bytes that are opened, decoded and looked up, in a microsecond. */
const READ_A_MICROSECOND = 100;
/** Members looked at, in a microsecond. */
const MEMBERS_A_MICROSECOND = 1;
const LOOKS_AT_ALL: ReadonlySet<string> = new Set(['digest', 'summary']);

export class Budgets {
  #context: Context;
  #links: Links;
  #standing: Pick<Sharers, 'members' | 'isHub'>;
  #onFull: (node: NodeId) => void;
  #work: Rates;
  #held: Rates;
  #bad: Rates;
  #waiting: Rates;

  constructor(
    context: Context,
    links: Links,
    standing: Pick<Sharers, 'members' | 'isHub'>,
    onFull: (node: NodeId) => void,
  ) {
    this.#context = context;
    this.#links = links;
    this.#standing = standing;
    this.#onFull = onFull;
    this.#work = new Rates(context, (node) => ({
      perSecond: this.#each(node),
      burst: this.#atOnce(),
    }));
    this.#held = new Rates(context, () => HELD);
    this.#bad = new Rates(context, () => BAD);
    this.#waiting = new Rates(context, (link) => (link === '' ? WAITING_ALL : WAITING_EACH));
  }

  /** How many have made some work lately. */
  get size(): number {
    return this.#work.size;
  }

  /** What a message has cost; the link is held where that was too much. */
  charge(link: Link, type: SwarmMessage['t'], cost: Cost): void {
    const wait = Math.min(
      HOLD_MS_MAX,
      Math.ceil(this.#work.charge(link.nodeId, this.#micros(type, cost))),
    );
    if (wait === 0 || this.#links.get(link.id) === undefined) return;
    link.heldUntil = this.#context.now.mono + wait;
    this.#context.effects.push({ kind: 'hold', link: link.id, ms: wait });
    if (this.#held.charge(link.nodeId, wait) > 0) this.#onFull(link.nodeId);
  }

  /** The same of a link that did not come up yet, whose peer may be nobody. */
  chargeWaiting(link: LinkId, type: SwarmMessage['t'], cost: Cost): void {
    const micros = this.#micros(type, cost);
    const [own, all] = [String(link), ''].map((key) => this.#waiting.charge(key, micros));
    const wait = Math.ceil(Math.min(own!, all!, HOLD_MS_MAX));
    if (wait > 0) this.#context.effects.push({ kind: 'hold', link, ms: wait });
  }

  /** True when a member has handed on too much that every honest host would have kept to itself. */
  isBroken(node: NodeId): boolean {
    if (this.#bad.take(node)) return false;
    this.#bad.forget(node);
    return true;
  }

  /** Who was expelled leaves nothing behind. */
  forget(node: NodeId): void {
    this.#work.forget(node);
    this.#held.forget(node);
    this.#bad.forget(node);
  }

  sweep(): void {
    this.#work.sweep();
    this.#held.sweep();
    this.#bad.sweep();
    this.#waiting.sweep();
  }

  #micros(type: SwarmMessage['t'], cost: Cost): number {
    const { verifyMicros = VERIFY_MICROS } = this.#context.options;
    const isAsked = !ASK_NOTHING.has(type);
    return (
      COSTS[type] +
      (isAsked ? cost.sent / BYTES_A_MICROSECOND : 0) +
      (isAsked || cost.checked > 0 ? cost.read / READ_A_MICROSECOND : 0) +
      (LOOKS_AT_ALL.has(type) ? this.#standing.members / MEMBERS_A_MICROSECOND : 0) +
      cost.checked * verifyMicros
    );
  }

  /** Hubs ask each host often, whatever the number of links. */
  #each(node: NodeId): number {
    if (this.#standing.isHub(node)) return EACH_MOST;
    return Math.min(EACH_MOST, Math.max(EACH_LEAST, ALL / Math.max(1, this.#links.size)));
  }

  #atOnce(): number {
    return BURST + BURST_A_MEMBER * this.#standing.members;
  }
}

export interface Cost {
  /** Bytes, and bytes in answer. */
  readonly read: number;
  readonly sent: number;
  /** Signatures that were none, or as much work. */
  readonly checked: number;
}

/** An Ed25519 signature on a machine of today; slower ones measure theirs. */
const VERIFY_MICROS = 120;
