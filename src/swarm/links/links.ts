/**
 * The links that are up: at most one a member. Crossed opens: the link whose initiator has the
 * smaller node id stays. A second link by the same initiator, or of another boot, replaces the
 * first, whose other end must have lost it.
 */
import { encodeMessage, equalBytes } from '../../wire/index.ts';
import type { SwarmMessage } from '../../wire/index.ts';
import type { NodeId, PeerIdentity } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { CloseCode, LinkId, LinkInfo } from '../types.ts';

export interface Link {
  readonly id: LinkId;
  readonly nodeId: NodeId;
  readonly peer: PeerIdentity;
  readonly info: LinkInfo;
  /** `mono`. */
  readonly upAt: number;
  /** `mono` of the last message from and to the peer. */
  heardAt: number;
  sentAt: number;
  /** `mono` until when it is not read: its silence is not its own. */
  heldUntil: number;
  /** Bytes handed to the driver for it. */
  bytesSent: number;
}

/** What a flood leaves out: the way it came. */
export type Except = LinkId | undefined;

export class Links {
  #context: Context;
  #links = new Map<LinkId, Link>();
  #byNode = new Map<NodeId, Link>();
  #losses = new Map<NodeId, Loss>();

  constructor(context: Context) {
    this.#context = context;
  }

  get size(): number {
    return this.#links.size;
  }

  get(id: LinkId): Link | undefined {
    return this.#links.get(id);
  }

  to(nodeId: NodeId): Link | undefined {
    return this.#byNode.get(nodeId);
  }

  all(): Iterable<Link> {
    return this.#links.values();
  }

  /** How the last link to a node ended, undefined when there never was one. */
  loss(nodeId: NodeId): Loss | undefined {
    return this.#losses.get(nodeId);
  }

  /** Takes up a link; undefined when it was closed as the lesser of two. */
  up(id: LinkId, peer: PeerIdentity, info: LinkInfo): Link | undefined {
    const { mono } = this.#context.now;
    const times = { upAt: mono, heardAt: mono, sentAt: mono, heldUntil: 0, bytesSent: 0 };
    const link: Link = { id, nodeId: peer.nodeId, peer, info, ...times };
    const other = this.#byNode.get(peer.nodeId);
    if (other !== undefined) {
      if (!this.#replaces(link, other)) {
        this.#closeEffect(id, 'replaced', 'a better link to the same member is up');
        return undefined;
      }
      this.close(other, 'replaced', 'replaced by a better link to the same member');
    }
    this.#links.set(id, link);
    this.#byNode.set(peer.nodeId, link);
    this.#context.timers.set('heartbeat', String(id), mono + this.#context.tuning.heartbeatMs);
    return link;
  }

  /** The link is gone; undefined when it was not ours any more. */
  down(id: LinkId, reason: string): Link | undefined {
    const link = this.#links.get(id);
    if (link === undefined) return undefined;
    this.#links.delete(id);
    this.#byNode.delete(link.nodeId);
    this.#context.timers.clear('heartbeat', String(id));
    this.#rememberLoss(link.nodeId, reason);
    return link;
  }

  /** Gives a link up from this side. */
  close(link: Link, code: CloseCode, reason: string): void {
    this.down(link.id, reason);
    this.#closeEffect(link.id, code, reason);
  }

  send(link: Link, message: SwarmMessage): void {
    this.#sendBytes(link, encodeMessage(message));
  }

  /** The same to a link that may not have come up yet. */
  sendTo(id: LinkId, message: SwarmMessage): void {
    const link = this.#links.get(id);
    if (link === undefined) this.#context.send(id, message);
    else this.send(link, message);
  }

  /** To every link but one; encoded once. */
  flood(message: SwarmMessage, except: Except): void {
    const bytes = encodeMessage(message);
    for (const link of this.#links.values()) if (link.id !== except) this.#sendBytes(link, bytes);
  }

  /** Says a heartbeat where nothing was said; true when the link has been silent for too long. */
  handleHeartbeat(id: LinkId): boolean {
    const link = this.#links.get(id);
    if (link === undefined) return false;
    const { heartbeatMs, linkDeadMs } = this.#context.tuning;
    const { mono } = this.#context.now;
    const heardAt = Math.max(link.heardAt, link.heldUntil);
    if (mono - heardAt >= linkDeadMs) return true;
    if (mono - link.sentAt >= heartbeatMs) this.send(link, { t: 'heartbeat' });
    const at = Math.min(link.sentAt + heartbeatMs, heardAt + linkDeadMs);
    this.#context.timers.set('heartbeat', String(id), Math.max(at, mono + 1));
    return false;
  }

  /**
   * This process itself was held up: what peers said meanwhile is still unread, so the silence is
   * not theirs (Lifeguard, DSN 2018). Stretches by at most seven times the limit.
   */
  excuse(lagMs: number): void {
    const { mono } = this.#context.now;
    const most = Math.min(lagMs, 7 * this.#context.tuning.linkDeadMs);
    for (const link of this.#links.values()) link.heardAt = Math.min(mono, link.heardAt + most);
  }

  #replaces(link: Link, other: Link): boolean {
    if (!equalBytes(link.peer.bootId, other.peer.bootId)) return true;
    if (link.info.initiator === other.info.initiator) return true;
    const smallerIsSelf = this.#context.nodeId < link.nodeId;
    return link.info.initiator === smallerIsSelf;
  }

  #sendBytes(link: Link, message: Uint8Array): void {
    link.sentAt = this.#context.now.mono;
    link.bytesSent += message.length;
    this.#context.sends.push({ link: link.id, message });
  }

  #closeEffect(link: LinkId, code: CloseCode, reason: string): void {
    this.#context.effects.push({ kind: 'close', link, code, reason });
  }

  #rememberLoss(nodeId: NodeId, reason: string): void {
    this.#losses.delete(nodeId);
    this.#losses.set(nodeId, { at: this.#context.now.mono, reason });
    if (this.#losses.size > LOSSES_MAX) this.#losses.delete(this.#losses.keys().next().value!);
  }
}

/** When a link ended, by `mono`, and why. */
export interface Loss {
  readonly at: number;
  readonly reason: string;
}

const LOSSES_MAX = 20_000;
