/**
 * REQs on their way through this node: verified, remembered until no replay can matter, flooded
 * once on every link, offered to links that come up. An own one whose hosts are all linked goes to
 * them alone. Relays never read wall time: the signed clock times matter only to who carries
 * the request out.
 */
import {
  decodeSigned,
  equalBytes,
  fromHex,
  HOPS_MAX,
  REQUEST_BODY_BESIDE_MAX,
  REQUEST_MS_MAX,
  REQUEST_VERSION,
  toHex,
} from '../../wire/index.ts';
import type {
  BeaconBody,
  CancelBody,
  FloodMessage,
  PullMessage,
  RequestBody,
  RequestMessage,
  SignedBody,
  SignedObject,
} from '../../wire/index.ts';
import type { KeyEntry, NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Link, Links } from '../links/links.ts';
import { LiveRequests } from './live-requests.ts';
import type { Members } from '../members/members.ts';
import { Pulls } from './pulls.ts';
import { Cancels } from './cancels.ts';
import { ReplayCache } from './replay-cache.ts';
import type { LinkId } from '../types.ts';
import type { Turns } from '../mesh/turns.ts';
import { Routes } from './routes.ts';
import { RequestRates, weightOf } from './request-rates.ts';
import { isNamed, requestKey, type Request } from './request.ts';
import type { Book, FullShares } from '../trust/full-shares.ts';
import type { Standing } from '../trust/standing.ts';

export interface RequestsListener {
  /** This node is a target. */
  execute(request: Request): void;
  /** This node is a target, and its origin has no room here for one more. */
  refuse(request: Request, book: Book): void;
  cancelled(request: Request): void;
  /** The origin showed a newer way; `isMissing` tells whose answers it lacks. */
  beaconed(request: Request, isMissing: (nodeId: NodeId) => boolean): void;
}

/** Answers that were sent in time may still be passing through. */
const LINGER_MS = 2_000;

export class Requests {
  #context: Context;
  #members: Members;
  #links: Links;
  #turns: Turns;
  #listener: RequestsListener;
  #live: LiveRequests;
  #cancels: Cancels;
  #full: FullShares;
  #seen: ReplayCache;
  #pulls: Pulls;
  #routes: Routes;
  #rates: RequestRates;

  constructor(
    context: Context,
    members: Members,
    links: Links,
    turns: Turns,
    sources: { standing: Standing; full: FullShares },
    listener: RequestsListener,
  ) {
    const { standing, full } = sources;
    this.#context = context;
    this.#full = full;
    this.#live = new LiveRequests(context.nodeId, standing);
    this.#cancels = new Cancels(context);
    this.#members = members;
    this.#links = links;
    this.#turns = turns;
    this.#listener = listener;
    this.#seen = new ReplayCache(context, standing);
    this.#pulls = new Pulls(context, links, standing, (book, by) => full.note(book, by));
    this.#routes = new Routes(context, members, links);
    this.#rates = new RequestRates(context, standing);
  }

  /** Sizes of what is kept, for the bounds that tests hold. */
  get sizes(): Readonly<Record<string, number>> {
    const { size: live, bytes: liveBytes } = this.#live;
    const [seen, cancels, pulls] = [this.#seen.size, this.#cancels.size, this.#pulls.size];
    return { live, liveBytes, seen, cancels, pulls };
  }

  find(origin: NodeId, id: string): Request | undefined {
    return this.#live.get(requestKey(origin, id));
  }

  /** An own request sets out: to its hosts alone where all that live are linked, else by flood. */
  start(request: Request): void {
    request.direct = this.#routes.areAllLinked(request.signed.body);
    this.#take(request, undefined);
  }

  /** What went to its hosts alone is flooded: one of them may be reached by others only. */
  widen(request: Request): void {
    if (!request.direct) return;
    request.direct = false;
    this.#spread(request, undefined);
  }

  /** A signed BEACON or CANCEL of an own request goes where that went. */
  follow(request: Request, signed: Uint8Array): void {
    if (!request.direct)
      return this.#links.flood({ t: 'flood', signed, hops: HOPS_MAX }, undefined);
    for (const link of this.#routes.of(request))
      this.#links.send(link, { t: 'flood', signed, hops: 0 });
  }

  /** An own request is over: it is not offered any more. */
  end(request: Request): void {
    this.#live.delete(request);
  }

  /** @throws WireError */
  handleRequest(link: Link, message: RequestMessage): void {
    const object = decodeSigned(message.signed);
    if (object.body.kind !== 'request') return;
    const signed = object as SignedObject<RequestBody>;
    const origin = toHex(signed.body.origin);
    const key = requestKey(origin, toHex(signed.body.id));
    if (this.#isKnown(origin, key, link)) return this.#passOnAfterAll(key, link, message);
    if (!this.#isForUs(signed.body)) return;
    const entry = this.#keyOf(origin, link);
    if (entry === undefined || entry.version !== signed.body.keyVersion) {
      return this.#pulls.stash(key, origin, link, message);
    }
    // What is refused in any case, and is not even told so, costs no signature.
    if (
      !this.#rates.taken.has(origin, weightOf(message.body)) &&
      !this.#mayRefuse(signed.body, origin)
    ) {
      return this.#full.note('rate', origin, link.nodeId);
    }
    if (!this.#context.verify(entry, signed, true)) return;
    if (message.body === undefined) return this.#pulls.want(key, signed.body, link, message);
    if (!equalBytes(this.#context.crypto.sha256(message.body), signed.body.bodyHash)) return;
    this.#pulls.delete(key);
    this.#take(this.#make(key, origin, signed, message, message.body, link.id), link);
  }

  handlePull(link: Link, message: PullMessage): void {
    const request = this.find(toHex(message.origin), toHex(message.id));
    if (request !== undefined) this.#send(link, request, true);
  }

  /** BEACON or CANCEL. @throws WireError */
  handleFlood(link: Link, message: FloodMessage): void {
    const object = decodeSigned(message.signed);
    const { body } = object;
    if (body.kind !== 'beacon' && body.kind !== 'cancel') return;
    const origin = toHex(body.origin);
    if (origin === this.#context.nodeId) return;
    const entry = this.#keyOf(origin, link);
    if (entry === undefined || !equalBytes(body.swarm, this.#context.swarm)) return;
    const request = this.find(origin, toHex(body.id));
    // Old news is the common case, and costs no signature.
    if (body.kind === 'beacon' && request !== undefined && body.sequence <= request.beacon) return;
    if (request === undefined && this.#isPast(origin, toHex(body.id))) return;
    if (isOf(object, 'beacon')) this.#handleBeacon(link, message, object, entry, request);
    else if (isOf(object, 'cancel')) this.#handleCancel(link, message, object, entry, request);
  }

  /** What is under way is offered to whoever comes. */
  handleLinkUp(link: Link): void {
    for (const request of this.#live.all()) {
      if (request.origin === link.nodeId) continue;
      if (!request.direct || isNamed(request.signed.body, fromHex(link.nodeId)))
        this.#send(link, request, false);
    }
  }

  /** A member's key became known: what it asked meanwhile can be checked. */
  handleMember(nodeId: NodeId): void {
    for (const { link, message } of this.#pulls.unstash(nodeId)) {
      const from = this.#links.get(link);
      if (from !== undefined) this.handleRequest(from, message);
    }
  }

  /** An origin was expelled: nothing of it stays, and what runs for it ends. */
  forget(origin: NodeId): void {
    for (const request of this.#live.of(origin)) {
      this.#live.delete(request);
      this.#listener.cancelled(request);
    }
    this.#cancels.forget(origin);
    this.#seen.forget(origin);
    this.#rates.forget(origin);
  }

  handlePullTimer(key: string): void {
    this.#pulls.handleTimer(key);
  }

  sweep(): void {
    const { mono } = this.#context.now;
    for (const request of this.#live.all()) {
      if (request.endsAt + LINGER_MS <= mono) this.#live.delete(request);
    }
    this.#seen.sweep();
    this.#cancels.sweep();
    this.#rates.sweep();
    this.#pulls.sweep();
  }

  #handleBeacon(
    link: Link,
    message: FloodMessage,
    object: SignedObject<BeaconBody>,
    entry: KeyEntry,
    request: Request | undefined,
  ): void {
    const { body } = object;
    if (request === undefined) {
      // It is asked of who spoke of it: whether that is true shows when it comes.
      this.#links.send(link, { t: 'pull', id: body.id, origin: body.origin });
      return;
    }
    if (!this.#rates.beacons.has(request.key) || !this.#context.verify(entry, object)) return;
    this.#rates.beacons.take(request.key);
    request.beacon = body.sequence;
    request.nextHop = link.id;
    this.#passOn(message, link.id);
    const missing = body.missing && new Set(body.missing.map(toHex));
    this.#listener.beaconed(request, (node) => missing?.has(node.slice(0, 16)) ?? true);
  }

  #handleCancel(
    link: Link,
    message: FloodMessage,
    object: SignedObject<CancelBody>,
    entry: KeyEntry,
    request: Request | undefined,
  ): void {
    const origin = toHex(object.body.origin);
    if (request === undefined && !this.#rates.strayCancels.has(origin)) {
      return this.#full.note('cancels', origin, link.nodeId);
    }
    if (!this.#context.verify(entry, object)) return;
    // A CANCEL may overtake its REQ, which then must not be carried out.
    if (request === undefined) {
      this.#rates.strayCancels.take(origin);
      if (!this.#cancels.add(origin, toHex(object.body.id)))
        this.#full.note('cancels', origin, link.nodeId);
    } else {
      this.#live.delete(request);
      this.#listener.cancelled(request);
    }
    this.#passOn(message, link.id);
  }

  #passOn(message: FloodMessage, except: LinkId): void {
    if (message.hops > 0) this.#links.flood({ ...message, hops: message.hops - 1 }, except);
  }

  /** For this host, and its origin is told that there is no room for it. */
  #mayRefuse(body: RequestBody, origin: NodeId): boolean {
    return isNamed(body, this.#context.node) && this.#rates.refused.has(origin);
  }

  /** Withdrawn before it came, or taken once and over. */
  #isPast(origin: NodeId, id: string): boolean {
    return this.#cancels.has(origin, id) || this.#seen.has(origin, id);
  }

  #isKnown(origin: NodeId, key: string, link: Link): boolean {
    const request = this.#live.get(key);
    if (request !== undefined && request.nextHop !== undefined) {
      if (this.#links.get(request.nextHop) === undefined) request.nextHop = link.id;
    }
    return request !== undefined || this.#isPast(origin, key.slice(origin.length));
  }

  #isForUs(body: RequestBody): boolean {
    return (
      body.version === REQUEST_VERSION &&
      equalBytes(body.swarm, this.#context.swarm) &&
      body.expires >= body.issued &&
      body.expires - body.issued <= REQUEST_MS_MAX &&
      !equalBytes(body.origin, this.#context.node)
    );
  }

  /** None for an identity that is frozen, by a fork or by turns: what it asks comes from either of two. */
  #keyOf(origin: NodeId, link: Link): KeyEntry | undefined {
    if (this.#context.options.keyBook?.frozen(origin) !== undefined) return undefined;
    if (this.#turns.isFrozen(origin)) return undefined;
    const member = this.#members.get(origin);
    const entry = member?.admitted ? member.entry : undefined;
    if (link.nodeId !== origin) return entry;
    return entry === undefined || entry.version < link.peer.entry.version ? link.peer.entry : entry;
  }

  #make(
    key: string,
    origin: NodeId,
    signed: SignedObject<RequestBody>,
    message: RequestMessage,
    body: Uint8Array,
    nextHop: LinkId,
  ): Request {
    const ms = Math.min(message.ms, signed.body.expires - signed.body.issued);
    return {
      key,
      id: toHex(signed.body.id),
      origin,
      signed,
      hash: this.#context.crypto.sha256(signed.bytes),
      body,
      endsAt: this.#context.now.mono + ms,
      hops: Math.min(message.hops, HOPS_MAX) - 1,
      nextHop,
      beacon: 0,
      direct: false,
    };
  }

  #take(request: Request, from: Link | undefined): void {
    const { mono } = this.#context.now;
    if (request.endsAt <= mono) return;
    const { origin, id } = request;
    const { issued, expires } = request.signed.body;
    const isForHere = isNamed(request.signed.body, this.#context.node);
    const isOwn = from === undefined;
    const book =
      !isOwn && !this.#rates.taken.take(origin, weightOf(request.body)) ? 'rate' : undefined;
    if (book !== undefined || !this.#seen.add(origin, id, expires - issued)) {
      this.#full.note(book ?? 'replay', origin, from?.nodeId);
      if (isForHere && this.#rates.refused.take(origin))
        this.#listener.refuse(request, book ?? 'replay');
      return;
    }
    // Every host would pass on as many as the origin tells each of them, to all others.
    if (from?.nodeId === origin && request.hops >= 0 && !this.#rates.passedOn.take(origin))
      request.hops = -1;
    const full = this.#live.add(request);
    if (full !== undefined) this.#full.note(full, origin, from?.nodeId);
    this.#spread(request, from?.id);
    if (isForHere) this.#listener.execute(request);
  }

  /** What came with no hops from its origin, and now comes with some, is flooded from here, too. */
  #passOnAfterAll(key: string, from: Link, message: RequestMessage): void {
    const request = this.#live.get(key);
    if (request === undefined || request.hops >= 0 || message.hops === 0) return;
    request.hops = Math.min(message.hops, HOPS_MAX) - 1;
    this.#spread(request, from.id);
  }

  #spread(request: Request, except: LinkId | undefined): void {
    for (const link of this.#routes.of(request)) {
      if (link.id !== except) this.#send(link, request, false);
    }
  }

  #send(link: Link, request: Request, whole: boolean): void {
    const ms = Math.floor(request.endsAt - this.#context.now.mono);
    if (ms <= 0 || request.hops < 0) return;
    const beside = whole || request.body.length <= REQUEST_BODY_BESIDE_MAX;
    this.#links.send(link, {
      t: 'request',
      signed: request.signed.bytes,
      ...(beside ? { body: request.body } : {}),
      hops: request.direct ? 0 : request.hops,
      ms,
    });
  }
}

function isOf<K extends SignedBody['kind']>(
  object: SignedObject,
  kind: K,
): object is SignedObject<Extract<SignedBody, { kind: K }>> {
  return object.body.kind === kind;
}
