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
import type { Link, Links } from '../links/links.ts';
import type { Request } from './requests.ts';
import type { LinkId } from '../types.ts';

/** Chunks of 64 KiB sealed in one turn: some 5 ms of work. */
const CHUNKS_PER_TURN = 8;
/** Bytes of answers kept for sending again; beyond, answers still pass, once. */
const KEPT_BYTES_MAX = 48 * 1024 * 1024;
const CHUNK_COST = 256;

interface Kept {
  readonly request: Request;
  /** By answering node, then `key:chunk`. */
  readonly chunks: Map<NodeId, Map<string, ReplyMessage>>;
}

interface Sealing {
  readonly request: Request;
  readonly chunks: Iterator<SealedChunk>;
}

export class Replies {
  #context: Context;
  #links: Links;
  #kept = new Map<string, Kept>();
  #bytes = 0;
  /** Own answers that are sealed step by step, the oldest first. */
  #sealing: Sealing[] = [];

  constructor(context: Context, links: Links) {
    this.#context = context;
    this.#links = links;
  }

  /** Bytes kept, for the bounds that tests hold. */
  get bytes(): number {
    return this.#bytes;
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
    for (const chunks of kept.chunks.values()) {
      for (const message of chunks.values()) this.#bytes -= costOf(message);
    }
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
    if (this.#bytes + cost > KEPT_BYTES_MAX) return;
    let kept = this.#kept.get(request.key);
    if (kept === undefined) this.#kept.set(request.key, (kept = { request, chunks: new Map() }));
    const node = toHex(message.node);
    let chunks = kept.chunks.get(node);
    if (chunks === undefined) kept.chunks.set(node, (chunks = new Map()));
    chunks.set(chunkKey(message), message);
    this.#bytes += cost;
  }
}

function chunkKey(message: ReplyMessage): string {
  return `${toHex(message.key.subarray(0, 8))}:${message.chunk}`;
}

function costOf(message: ReplyMessage): number {
  return message.sealed.length + CHUNK_COST;
}
