/**
 * How the member table spreads: news is flooded, a new link and a digest that differs exchange
 * summaries, and each side sends what the other knows differently. Losing any message is repaired
 * by the next digest.
 */
import {
  decodeSigned,
  equalBytes,
  fromHex,
  NEWS_BYTES,
  SUMMARY_ENTRY_BYTES,
  toHex,
} from '../../wire/index.ts';
import type { NewsMessage, SignedObject, SummaryMessage, WantMessage } from '../../wire/index.ts';
import type { Context } from '../engine/context.ts';
import type { Except, Link, Links } from '../links/links.ts';
import { objectsOf } from './member.ts';
import type { Member } from './member.ts';
import type { Members } from './members.ts';
import { prefixOf, TableDigest } from './table-digest.ts';
import type { LinkId } from '../types.ts';

/** Takes in one signed object about a member; true when it was news. */
export type Apply = (object: SignedObject, from: LinkId) => boolean;

/** Members of tokens that brought more than they may: other hosts may have taken up others of their nodes. */
export interface Disputes {
  /** Another one whenever another member may be disputed. */
  readonly version: number;
  has(member: Member): boolean;
}

export class Gossip {
  #context: Context;
  #members: Members;
  #links: Links;
  #apply: Apply;
  #disputes: Disputes;
  #table: TableDigest;
  #digests = 0;
  /** The own record must not be seen before its incarnation is on disk. */
  #hidesSelf = true;
  /**
   * Ends of the signatures of what was taken lately: a flood brings each object once by every link,
   * and only the first is worth decoding. Only what was verified gets in here.
   */
  #taken = new Set<string>();
  #news: { bytes: Uint8Array; except: Except }[] = [];

  constructor(context: Context, members: Members, links: Links, apply: Apply, disputes: Disputes) {
    this.#disputes = disputes;
    this.#table = new TableDigest(context.crypto);
    this.#context = context;
    this.#members = members;
    this.#links = links;
    this.#apply = apply;
  }

  start(): void {
    this.#nextDigest();
  }

  /** From now on the own record may be shown. */
  showSelf(): void {
    this.#hidesSelf = false;
  }

  /** Who was out may be in again, with the record that it had: what was taken is taken once more. */
  forgetTaken(): void {
    this.#taken.clear();
  }

  /** Floods a signed object, together with what comes within a moment. */
  spread(bytes: Uint8Array, except?: Except): void {
    if (this.#news.length >= NEWS_MAX) this.handleNewsTimer();
    this.#news.push({ bytes, except });
    const { timers, now, tuning } = this.#context;
    if (this.#news.length === 1) timers.set('news', '', now.mono + tuning.newsDelayMs);
  }

  handleNewsTimer(): void {
    const news = this.#news;
    this.#news = [];
    this.#context.timers.clear('news', '');
    if (news.length === 0) return;
    for (const link of this.#links.all()) {
      const objects = news.filter((item) => item.except !== link.id).map((item) => item.bytes);
      this.#send(link, objects);
    }
  }

  /** Both ends of a new link tell each other what they know. */
  handleLinkUp(link: Link): void {
    const self = this.#members.get(this.#context.nodeId);
    if (!this.#hidesSelf && self !== undefined) this.#send(link, [self.record.bytes]);
    this.#sendSummary(link, false);
  }

  /** @throws WireError on an object that is none */
  handleNews(link: Link, message: NewsMessage): void {
    for (const bytes of message.objects) {
      const key = toHex(bytes.subarray(-16));
      if (this.#taken.has(key)) continue;
      // A copy: what is kept of it would keep the whole message alive that it came in.
      const object = decodeSigned(bytes.slice());
      if (!this.#apply(object, link.id)) continue;
      this.#noteTaken(key);
      this.spread(object.bytes, link.id);
    }
  }

  handleSummary(link: Link, message: SummaryMessage): void {
    const theirs = new Map<string, Uint8Array>();
    for (let at = 0; at < message.entries.length; at += SUMMARY_ENTRY_BYTES) {
      const prefix = toHex(message.entries.subarray(at, at + 8));
      theirs.set(prefix, message.entries.subarray(at + 8, at + SUMMARY_ENTRY_BYTES));
    }
    const [from, to] = [toHex(message.from), toHex(message.to)];
    const objects: Uint8Array[] = [];
    for (const member of this.#shown()) {
      const prefix = member.nodeId.slice(0, 16);
      if (prefix < from || prefix > to) continue;
      const hash = theirs.get(prefix);
      if (hash === undefined || !equalBytes(hash, this.#table.stateHash(member))) {
        objects.push(...objectsOf(member));
      }
    }
    this.#send(link, objects);
    if (message.back) this.#sendSummary(link, false);
  }

  handleDigest(link: Link, hash: Uint8Array): void {
    if (!equalBytes(hash, this.digest())) this.#sendSummary(link, true);
  }

  handleDigestTimer(): void {
    const links = [...this.#links.all()];
    if (links.length > 0) {
      const link = this.#context.pick(links);
      this.#links.send(link, { t: 'digest', hash: this.digest() });
      // The digest passes over those of a disputed token, or two tables would never be equal.
      if (
        ++this.#digests % DISPUTED_EVERY === 0 &&
        [...this.#shown()].some((one) => this.#disputes.has(one))
      ) {
        this.#sendSummary(link, true);
      }
    }
    this.#nextDigest();
  }

  handleWant(link: Link, message: WantMessage): void {
    const member = this.#members.get(toHex(message.node));
    if (member?.admitted && !this.#isHidden(member)) this.#send(link, objectsOf(member));
  }

  /** The same on every node whose table says the same. */
  digest(): Uint8Array {
    const basis = `${this.#members.version} ${this.#disputes.version} ${this.#hidesSelf}`;
    return this.#table.hash(basis, () =>
      this.#sorted().filter((member) => !this.#disputes.has(member)),
    );
  }

  #noteTaken(key: string): void {
    this.#taken.add(key);
    if (this.#taken.size > TAKEN_MAX) this.#taken.delete(this.#taken.values().next().value!);
  }

  #nextDigest(): void {
    const { timers, now, tuning } = this.#context;
    timers.set('digest', '', now.mono + this.#context.jitter(tuning.digestMs));
  }

  #sendSummary(link: Link, back: boolean): void {
    const members = this.#sorted();
    const last = Math.max(1, Math.ceil(members.length / SUMMARY_MEMBERS));
    for (let part = 0; part < last; part++) {
      const slice = members.slice(part * SUMMARY_MEMBERS, (part + 1) * SUMMARY_MEMBERS);
      this.#links.send(link, {
        t: 'summary',
        // The ranges of all parts together cover every id, so that what is missing is seen, too.
        from: part === 0 ? LOWEST : prefixOf(slice[0]!),
        to: part === last - 1 ? HIGHEST : before(prefixOf(members[(part + 1) * SUMMARY_MEMBERS]!)),
        entries: this.#table.entries(slice),
        back: back && part === last - 1,
      });
    }
  }

  #sorted(): Member[] {
    return [...this.#shown(this.#members.ordered())];
  }

  *#shown(members = this.#members.all()): Iterable<Member> {
    for (const member of members) if (member.admitted && !this.#isHidden(member)) yield member;
  }

  #isHidden(member: Member): boolean {
    return this.#hidesSelf && member.nodeId === this.#context.nodeId;
  }

  #send(link: Link, objects: readonly Uint8Array[]): void {
    let batch: Uint8Array[] = [];
    let size = 0;
    for (const object of objects) {
      if (size + object.length > NEWS_BYTES && batch.length > 0) {
        this.#links.send(link, { t: 'news', objects: batch });
        [batch, size] = [[], 0];
      }
      batch.push(object);
      size += object.length;
    }
    if (batch.length > 0) this.#links.send(link, { t: 'news', objects: batch });
  }
}

const NEWS_MAX = 512;
/** Digests between two summaries that repair what digests pass over. */
const DISPUTED_EVERY = 10;
const TAKEN_MAX = 4096;
const SUMMARY_MEMBERS = 4096;
const LOWEST = new Uint8Array(8);
const HIGHEST = new Uint8Array(8).fill(255);

/** The prefix just below; there is one, as no two members share a prefix in practice. */
function before(prefix: Uint8Array): Uint8Array {
  const value = BigInt(`0x${toHex(prefix)}`);
  return value === 0n ? prefix : fromHex((value - 1n).toString(16).padStart(16, '0'));
}
