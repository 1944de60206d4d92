/**
 * Answers on their way to the origin, own and others': straight where there is a link, else along
 * the way the request came. They are kept until the request ends or a cap is reached, and sent
 * again, the same bytes, when the origin shows a newer way.
 */
import { HOPS_MAX, toHex } from '../../wire/index.ts';
import type { AcceptedMessage, ReplyMessage } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import { sealAnswer } from './answer.ts';
import type { Outcome, SealedChunk } from './answer.ts';
import type { Context } from '../engine/context.ts';
import { Shares, type Sharers } from '../engine/shares.ts';
import type { Link, Links } from '../links/links.ts';
import type { Request } from './request.ts';
import type { LinkId } from '../types.ts';

/** Chunks of 64 KiB sealed in one turn: some 5 ms of work. */
const CHUNKS_PER_TURN = 8;
/** Bytes of answers kept for sending again, a share for each asker; beyond, answers still pass, once. */
const KEPT_BYTES_MAX = 48 * 1024 * 1024;
/** What one host's answers may take of their asker's share, but its first chunk. */
const OF_ONE_HOST = 1 / 8;
const CHUNK_COST = 256;

interface Kept {
  readonly request: Request;
  /** By answering node, then `key:chunk`, the oldest first. */
  readonly chunks: Map<NodeId, Map<string, ReplyMessage>>;
}

/** What is kept for an asker. */
interface Shelf {
  /** The oldest first. */
  readonly requests: Set<Kept>;
  /** By answering node: bytes. */
  readonly hosts: Map<NodeId, number>;
}

interface Sealing {
  readonly request: Request;
  readonly chunks: Iterator<SealedChunk>;
}

export class Replies {
  #context: Context;
  #links: Links;
  #kept = new Map<string, Kept>();
  #shelves = new Map<NodeId, Shelf>();
  #shares: Shares;
  #onFull: (asker: NodeId) => void;
  /** Own answers that are sealed step by step, the oldest first. */
  #sealing: Sealing[] = [];

  constructor(context: Context, links: Links, sharers: Sharers, onFull: (asker: NodeId) => void) {
    this.#context = context;
    this.#links = links;
    this.#shares = new Shares(KEPT_BYTES_MAX, sharers);
    this.#onFull = onFull;
  }

  /** Bytes kept, for the bounds that tests hold. */
  get bytes(): number {
    return this.#shares.size;
  }

  /** Seals and sends this node's own answer: what is small at once, the rest turn by turn. */
  answer(request: Request, outcome: Outcome): void {
    const { crypto, options, node } = this.#context;
    const { replyKey, origin } = request.signed.body;
    const about = { requestHash: request.hash, node, origin };
    const chunks = sealAnswer(crypto, options.random(32), replyKey, about, outcome);
    if (chunks === undefined) return;
    this.#sealing.push({ request, chunks });
    if (this.#sealing.length === 1) this.handleSealTimer();
  }

  handleSealTimer(): void {
    for (let left = CHUNKS_PER_TURN; left > 0 && this.#sealing.length > 0; left--) {
      const { request, chunks } = this.#sealing[0]!;
      const next = chunks.next();
      if (next.done === true) this.#sealing.shift();
      else this.#sendOwn(request, next.value);
    }
    if (this.#sealing.length > 0) {
      this.#context.timers.set('seal', '', this.#context.now.mono + 1);
    }
  }

  #sendOwn(request: Request, chunk: SealedChunk): void {
    const { id, origin } = request.signed.body;
    const { node } = this.#context;
    const message: ReplyMessage = { t: 'reply', id, origin, node, ...chunk, hops: HOPS_MAX };
    this.#keep(request, message);
    this.#send(request, message, undefined);
  }

  /** Tells the origin that this node has begun. Returns the link over which, undefined when there is none. */
  accept(request: Request): LinkId | undefined {
    const { swarm, node } = this.#context;
    const { id, origin } = request.signed.body;
    const signed = this.#context.sign({ kind: 'accepted', swarm, id, origin, node });
    return this.#send(request, { t: 'accepted', signed, hops: HOPS_MAX }, undefined);
  }

  /** Another's answer passes through; each chunk once, unless a beacon asks again. */
  relay(link: Link, request: Request, message: ReplyMessage): void {
    if (message.hops === 0 || this.#has(request, message)) return;
    const onward = { ...message, hops: message.hops - 1 };
    this.#keep(request, onward);
    this.#send(request, onward, link.id);
  }

  /** @throws WireError */
  relayAccepted(link: Link, request: Request, message: AcceptedMessage): void {
    if (message.hops > 0) this.#send(request, { ...message, hops: message.hops - 1 }, link.id);
  }

  handleBeacon(request: Request, isMissing: (nodeId: NodeId) => boolean): void {
    for (const [nodeId, chunks] of this.#kept.get(request.key)?.chunks ?? []) {
      if (!isMissing(nodeId)) continue;
      for (const message of chunks.values()) this.#send(request, message, undefined);
    }
  }

  /** Drops the answers to a request. */
  drop(request: Request): void {
    this.#sealing = this.#sealing.filter((sealing) => sealing.request !== request);
    const kept = this.#kept.get(request.key);
    if (kept === undefined) return;
    this.#kept.delete(request.key);
    for (const [node, chunks] of kept.chunks)
      for (const key of [...chunks.keys()]) this.#letGo(kept, node, key);
    const shelf = this.#shelves.get(request.origin);
    shelf?.requests.delete(kept);
    if (shelf?.requests.size === 0) this.#shelves.delete(request.origin);
  }

  sweep(): void {
    const { mono } = this.#context.now;
    for (const { request } of this.#kept.values()) if (request.endsAt <= mono) this.drop(request);
    this.#sealing = this.#sealing.filter(({ request }) => request.endsAt > mono);
  }

  #send(
    request: Request,
    message: ReplyMessage | AcceptedMessage,
    except: LinkId | undefined,
  ): LinkId | undefined {
    const way = request.nextHop === undefined ? undefined : this.#links.get(request.nextHop);
    const link = this.#links.to(request.origin) ?? way;
    // Without a way it is kept, and a beacon will come along the next one.
    if (link === undefined || link.id === except) return undefined;
    this.#links.send(link, message);
    return link.id;
  }

  #has(request: Request, message: ReplyMessage): boolean {
    const chunks = this.#kept.get(request.key)?.chunks.get(toHex(message.node));
    return chunks?.has(chunkKey(message)) ?? false;
  }

  #keep(request: Request, message: ReplyMessage): void {
    const cost = costOf(message);
    const node = toHex(message.node);
    if (!this.#makeRoom(request.origin, node, cost)) return;
    const shelf = this.#shelves.get(request.origin) ?? { requests: new Set(), hosts: new Map() };
    this.#shelves.set(request.origin, shelf);
    const kept = this.#kept.get(request.key) ?? { request, chunks: new Map() };
    this.#kept.set(request.key, kept);
    shelf.requests.add(kept);
    const chunks = kept.chunks.get(node) ?? new Map<string, ReplyMessage>();
    kept.chunks.set(node, chunks.set(chunkKey(message), message));
    shelf.hosts.set(node, (shelf.hosts.get(node) ?? 0) + cost);
    this.#shares.take(request.origin, cost);
  }

  /** A host's answers give way to its own, and all to later ones of the same asker; to nobody else's. */
  #makeRoom(asker: NodeId, node: NodeId, cost: number): boolean {
    const shelf = this.#shelves.get(asker);
    const ofOne = this.#shares.most(asker) * OF_ONE_HOST;
    const used = (): number => shelf?.hosts.get(node) ?? 0;
    const isOwn = node === this.#context.nodeId;
    while (!isOwn && used() > 0 && used() + cost > ofOne) this.#dropOldest(shelf!, node);
    while (!this.#shares.fits(asker, cost)) {
      this.#onFull(asker);
      if (shelf === undefined || !this.#dropOldest(shelf)) return false;
    }
    return true;
  }

  /** Of one host, or of all. False where there is none. */
  #dropOldest(shelf: Shelf, node?: NodeId): boolean {
    for (const kept of shelf.requests)
      for (const [host, chunks] of kept.chunks) {
        if (node !== undefined && host !== node) continue;
        for (const key of chunks.keys()) {
          this.#letGo(kept, host, key);
          return true;
        }
      }
    return false;
  }

  #letGo(kept: Kept, node: NodeId, key: string): void {
    const chunks = kept.chunks.get(node)!;
    const cost = costOf(chunks.get(key)!);
    chunks.delete(key);
    if (chunks.size === 0) kept.chunks.delete(node);
    const { origin } = kept.request;
    this.#shares.give(origin, cost);
    const hosts = this.#shelves.get(origin)!.hosts;
    const left = hosts.get(node)! - cost;
    if (left > 0) hosts.set(node, left);
    else hosts.delete(node);
  }
}

function chunkKey(message: ReplyMessage): string {
  return `${toHex(message.key.subarray(0, 8))}:${message.chunk}`;
}

function costOf(message: ReplyMessage): number {
  return message.sealed.length + CHUNK_COST;
}
