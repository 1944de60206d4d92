/**
 * Key lists (docs/protocol.md section 6) as the core sees them: no entry of a peer is believed that
 * the key book does not hold or cannot take up. What lies between is fetched: a link waits for it
 * before it counts, a member record is set aside until then.
 */
import { decodeMessage, equalBytes, fromHex, toHex, WireError } from '../../wire/index.ts';
import type {
  KeysMessage,
  KeysWantMessage,
  MemberBody,
  SignedObject,
  SwarmMessage,
} from '../../wire/index.ts';
import type { KeyBook, Verdict } from '../../secure/index.ts';
import type { KeyEntry, NamedHead, NodeId, PeerIdentity } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Standing } from './admissions.ts';
import type { CloseCode, LinkId, LinkInfo } from '../types.ts';

/** Key of the persist effect; `KeyBook.parse` reads it back. */
export const KEY_BOOK_KEY = 'key-book';

export interface KeysHandlers {
  judge(peer: PeerIdentity): Standing;
  /** A link will not come up: the other end may be told why. */
  refused(id: LinkId, node: NodeId): void;
  /** The other end of a link that waits shall show what is missing here. */
  lacks(id: LinkId): void;
  /** What the operator signed, or what asks for it; false for any other message. */
  operators(id: LinkId, message: SwarmMessage): boolean;
  /** What a message on a link that waits has cost, in bytes. */
  worked(id: LinkId, type: SwarmMessage['t'], cost: { read: number; sent: number }): void;
  /** A link whose peer was good after all. */
  admitted(id: LinkId, peer: PeerIdentity, info: LinkInfo, messages: readonly Uint8Array[]): void;
  /** A record whose key is known by now. */
  record(record: SignedObject<MemberBody>): void;
  /** An identity that signed two lists: it loses its link. */
  frozen(node: NodeId): void;
  /** The operator has decided on a node's list: a key that is not in it counts no more. */
  settled(node: NodeId): void;
  /** Links that may know a node's list. */
  linksFor(node: NodeId): readonly LinkId[];
}

interface WaitingLink {
  readonly peer: PeerIdentity;
  readonly info: LinkInfo;
  readonly messages: Uint8Array[];
  bytes: number;
  /** What it waits for first. */
  stage: 'admission' | 'keys';
  /** It will not come up: it stays a moment so that the peer can read why. */
  doomed: boolean;
}

export class Keys {
  #context: Context;
  #book: KeyBook | undefined;
  #handlers: KeysHandlers;
  #waiting = new Map<LinkId, WaitingLink>();
  #aside = new Map<NodeId, SignedObject<MemberBody>>();

  constructor(context: Context, handlers: KeysHandlers) {
    this.#context = context;
    this.#book = context.options.keyBook;
    this.#handlers = handlers;
  }

  get size(): number {
    return this.#waiting.size + this.#aside.size;
  }

  /** Of messages on links that wait. */
  get bytes(): number {
    let bytes = 0;
    for (const link of this.#waiting.values()) bytes += link.bytes;
    return bytes;
  }

  /** True when the link may come up now; else it waits, or is on its way out. */
  admits(id: LinkId, peer: PeerIdentity, info: LinkInfo): boolean {
    const link: WaitingLink = {
      peer,
      info,
      messages: [],
      bytes: 0,
      stage: 'admission',
      doomed: false,
    };
    return this.#goOnWith(id, link);
  }

  /** What admissions follow from has changed: links that wait are looked at again. */
  recheck(): void {
    for (const [id, link] of [...this.#waiting]) {
      if (link.stage !== 'admission' || !this.#goOnWith(id, link)) continue;
      this.handleDown(id);
      this.#handlers.admitted(id, link.peer, link.info, link.messages);
    }
  }

  /** Links that wait. */
  waiting(): LinkId[] {
    return [...this.#waiting.keys()];
  }

  #goOnWith(id: LinkId, link: WaitingLink): boolean {
    const standing = this.#handlers.judge(link.peer);
    if (standing === 'refused') {
      this.#handlers.refused(id, link.peer.nodeId);
      this.#drop(id, 'out', NOT_ADMITTED);
      return false;
    }
    if (standing === 'admitted') return this.#knows(id, link);
    if (this.#waiting.has(id)) return false;
    this.#wait(id, link, FETCH_MS);
    this.#handlers.lacks(id);
    return false;
  }

  /** Its key list, once it is admitted: the book keeps nobody else. */
  #knows(id: LinkId, link: WaitingLink): boolean {
    const { peer } = link;
    const verdict = this.#judge([peer.entry.bytes]);
    if (verdict !== undefined && isGood(verdict)) return true;
    if (verdict?.kind !== 'gap' && verdict?.kind !== 'older') {
      this.#drop(id, 'keys', 'its key list is not accepted');
      return false;
    }
    link.stage = 'keys';
    link.doomed = verdict.kind === 'older';
    this.#wait(id, link, link.doomed ? DOOMED_MS : FETCH_MS);
    if (link.doomed) this.#showOlder(id, peer);
    else this.want(id, peer.nodeId, verdict.kind === 'gap' ? verdict.from : 0);
    return false;
  }

  #wait(id: LinkId, link: WaitingLink, ms: number): void {
    // Whoever has the key of the epoch can make ids up, each with a link that waits.
    if (!this.#waiting.has(id) && this.#waiting.size >= WAITING_MAX) {
      this.#drop(this.#context.pick(this.waiting()), 'keys', TOO_MANY);
    }
    this.#waiting.set(id, link);
    const { timers, now } = this.#context;
    timers.set('keys', String(id), now.mono + ms);
  }

  /** A message on a link that waits; false when the link is not one of these. */
  handleMessage(id: LinkId, bytes: Uint8Array): boolean {
    const link = this.#waiting.get(id);
    if (link === undefined) return false;
    try {
      const message = decodeMessage(bytes);
      if (message === undefined) return true;
      const before = this.#context.sentEarly;
      if (message.t === 'keys-want') this.handleWant(id, message);
      else if (message.t === 'keys') this.#handleFetched(id, link, message);
      else if (!this.#handlers.operators(id, message)) this.#store(id, link, bytes);
      const sent = this.#context.sentEarly - before;
      this.#handlers.worked(id, message.t, { read: bytes.length, sent });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#drop(id, 'broke_protocol', error.message);
    }
    return true;
  }

  /** The link is gone; true when it was one that waited. */
  handleDown(id: LinkId): boolean {
    this.#context.timers.clear('keys', String(id));
    return this.#waiting.delete(id);
  }

  handleTimer(id: LinkId): void {
    const link = this.#waiting.get(id);
    if (link === undefined) return;
    const never = link.stage === 'keys' ? 'its key list never came' : NOT_SHOWN;
    this.#drop(id, 'keys', link.doomed ? OLD_KEY : never);
  }

  /** Asks a peer for entries of a node's list, from a version on. */
  want(id: LinkId, node: NodeId, from: number): void {
    this.#send(id, { t: 'keys-want', node: fromHex(node), from });
  }

  /** Answers with what the book holds; key lists are no secret. */
  handleWant(id: LinkId, message: KeysWantMessage): void {
    const list = this.#book?.list(toHex(message.node)) ?? [];
    const entries = list.slice(message.from, message.from + ENTRIES_MAX).map((one) => one.bytes);
    if (entries.length > 0) this.#send(id, { t: 'keys', entries });
  }

  /** Entries on a link that is up. */
  handleKeys(id: LinkId, message: KeysMessage): void {
    const node = this.#nodeOf(message);
    // A list of nobody who is known here was not asked for.
    if (node === undefined || !this.#isExpected(node)) return;
    const verdict = this.#judge(message.entries);
    if (verdict === undefined) return;
    const record = this.#aside.get(node);
    if (verdict.kind === 'extended' && record !== undefined) this.#goOn(id, node, record);
    else if (isGood(verdict) && record !== undefined) this.#release(node, record);
  }

  /** Whether the entry of a member record is to be believed; a record that came too early waits. */
  believes(record: SignedObject<MemberBody>): boolean {
    const verdict = this.#judge([record.body.entry]);
    if (verdict === undefined) return false;
    if (verdict.kind !== 'gap') return isGood(verdict);
    const node = toHex(record.body.node);
    if (this.#aside.size < ASIDE_MAX || this.#aside.has(node)) this.#aside.set(node, record);
    for (const id of this.#handlers.linksFor(node)) this.want(id, node, verdict.from);
    return false;
  }

  /** A record under the own id: its entry may tell that this host was restored or copied. */
  observeOwn(entry: Uint8Array): void {
    const verdict = this.#judge([entry]);
    const newest = equalBytes(entry, this.#context.self.entry.bytes);
    if (newest && verdict?.kind === 'same')
      this.#context.alarmOver('rollback', this.#context.nodeId);
  }

  /** The operator's word on a fork; again at each start, from the kept records. */
  settle(head: NamedHead): void {
    const book = this.#book;
    if (book === undefined || head.nodeId === this.#context.nodeId) return;
    book.settle(head);
    this.#touch();
    if (book.frozen(head.nodeId) !== undefined) return;
    this.#handlers.settled(head.nodeId);
    this.#context.alarmOver('fork', head.nodeId);
  }

  /** Whether an entry stands in its node's pinned list. */
  holds({ nodeId, version, bytes }: KeyEntry): boolean {
    const known = this.#book?.list(nodeId)[version];
    return this.#book === undefined || (known !== undefined && equalBytes(known.bytes, bytes));
  }

  handleKeepTimer(): void {
    const bytes = this.#book!.toBytes();
    this.#context.persist({ key: KEY_BOOK_KEY, what: 'the key book', bytes });
  }

  /** Whether nodes leave the book that the present epoch has no place for. Forks are remembered. */
  retain(isKept: (node: NodeId) => boolean): void {
    if (this.#book?.retain(isKept) === true) this.#touch();
  }

  #isExpected(node: NodeId): boolean {
    return this.#aside.has(node) || (this.#book?.list(node).length ?? 0) > 0;
  }

  /** Undefined for entries that are in no order at all. Without a book everything is good. */
  #judge(entries: readonly Uint8Array[]): Verdict | undefined {
    if (this.#book === undefined) return { kind: 'same' };
    let verdict: Verdict;
    try {
      verdict = this.#book.judge(entries);
    } catch (error) {
      if ((error as { code?: unknown }).code === 'bad_key_list') return undefined;
      throw error;
    }
    if (verdict.kind === 'pinned' || verdict.kind === 'extended') this.#touch();
    if (verdict.kind === 'fork' && verdict.first) this.#handleFork(verdict.proof);
    if (verdict.kind === 'rollback') this.#alarmRollback(verdict.version);
    return verdict;
  }

  #handleFork({ nodeId, version }: { nodeId: NodeId; version: number }): void {
    this.#touch();
    this.#context.alarm(
      'fork',
      nodeId,
      `${nodeId.slice(0, 12)} has signed two different key entries of version ${version}: its state folder was copied or its key stolen; it is frozen until the operator names the good one with \`swarmplane operator unfreeze\`, or expels it`,
      nodeId,
    );
    this.#aside.delete(nodeId);
    this.#handlers.frozen(nodeId);
  }

  #alarmRollback(version: number): void {
    this.#context.alarm(
      'rollback',
      this.#context.nodeId,
      `others know version ${version} of this host's keys, which is not here: it was restored from an old state; restore the newest one, or remove the state folder and join anew`,
    );
  }

  #showOlder(id: LinkId, { nodeId, entry }: PeerIdentity): void {
    this.#context.alarm(
      'old_key',
      nodeId,
      `${nodeId.slice(0, 12)} shows version ${entry.version} of its keys, which it has rotated away: it was restored from an old state, or somebody stole that key`,
      nodeId,
    );
    this.handleWant(id, { t: 'keys-want', node: fromHex(nodeId), from: entry.version + 1 });
  }

  #handleFetched(id: LinkId, link: WaitingLink, message: KeysMessage): void {
    if (link.doomed || link.stage !== 'keys') return;
    const { nodeId, entry } = link.peer;
    const before = this.#book!.list(nodeId).length;
    if (this.#nodeOf(message) !== nodeId || this.#judge(message.entries) === undefined) {
      return this.#drop(id, 'keys', 'its key list is not accepted');
    }
    const verdict = this.#judge([entry.bytes]);
    if (verdict?.kind === 'gap' && this.#book!.list(nodeId).length > before) {
      return this.want(id, nodeId, verdict.from);
    }
    if (verdict === undefined || !isGood(verdict)) {
      return this.#drop(id, 'keys', 'its key list is not accepted');
    }
    this.handleDown(id);
    this.#handlers.admitted(id, link.peer, link.info, link.messages);
  }

  /** After a part of a list: the record is good by now, or the next part is asked for. */
  #goOn(id: LinkId, node: NodeId, record: SignedObject<MemberBody>): void {
    const verdict = this.#judge([record.body.entry]);
    if (verdict?.kind === 'gap') this.want(id, node, verdict.from);
    else this.#release(node, record);
  }

  #release(node: NodeId, record: SignedObject<MemberBody>): void {
    this.#aside.delete(node);
    this.#handlers.record(record);
  }

  #store(id: LinkId, link: WaitingLink, bytes: Uint8Array): void {
    if (link.doomed) return;
    link.messages.push(bytes);
    link.bytes += bytes.length;
    if (link.messages.length > STORED_MAX || link.bytes > STORED_BYTES_MAX) {
      this.#drop(id, 'keys', 'it said too much before its key list came');
      return;
    }
    if (this.bytes <= STORED_ALL_MAX) return;
    const [loudest] = [...this.#waiting].reduce((most, one) =>
      one[1].bytes > most[1].bytes ? one : most,
    );
    this.#drop(loudest, 'keys', TOO_MANY);
  }

  #nodeOf(message: KeysMessage): NodeId | undefined {
    const first = message.entries[0];
    return first && this.#context.options.parseEntry(first)?.nodeId;
  }

  #send(id: LinkId, message: SwarmMessage): void {
    this.#context.send(id, message);
  }

  #drop(id: LinkId, code: CloseCode, reason: string): void {
    this.handleDown(id);
    this.#close(id, code, reason);
  }

  #close(link: LinkId, code: CloseCode, reason: string): void {
    this.#context.effects.push({ kind: 'close', link, code, reason });
  }

  #touch(): void {
    const { timers, now } = this.#context;
    if (!timers.has('keep-keys', '')) timers.set('keep-keys', '', now.mono + KEEP_MS);
  }
}

function isGood(verdict: Verdict): boolean {
  return verdict.kind === 'pinned' || verdict.kind === 'extended' || verdict.kind === 'same';
}

const NOT_ADMITTED = 'it shows no admission to the present epoch';
const NOT_SHOWN = 'what admits it never came';
const TOO_MANY = 'too many links wait for what lets them in';
const OLD_KEY = 'it shows a key that it has rotated away';
/** Entries in one message: 128 KiB at most. */
const ENTRIES_MAX = 128;
const ASIDE_MAX = 1024;
const STORED_MAX = 256;
const STORED_BYTES_MAX = 1024 * 1024;
/** Of all links that wait. */
const STORED_ALL_MAX = 16 * STORED_BYTES_MAX;
const WAITING_MAX = 256;
const FETCH_MS = 10_000;
const DOOMED_MS = 1_000;
const KEEP_MS = 1_000;
