/** The links that are up, by number. */
import type { NodeId } from '../secure/types.ts';
import type { LinkId, LinkInfo, MemberView } from '../swarm/types.ts';
import { NetError } from './errors.ts';
import type { FrameSocket } from './frame-socket.ts';
import type { HandshakeResult } from './handshake.ts';
import { Link, type LinkHandlers } from './link.ts';
import type { LinkView } from './options.ts';

export interface Traffic {
  readonly links: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export class LinkTable {
  readonly #links = new Map<LinkId, Link>();
  readonly #handlers: LinkHandlers;
  /** Peers that broke the protocol under their own key: how often, and until when (`mono`) they stay out. */
  readonly #banned = new Map<NodeId, { until: number; times: number }>();
  #lastId = 0;
  /** Of links that are gone. */
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(handlers: LinkHandlers) {
    this.#handlers = handlers;
  }

  /** Takes up an authenticated connection; `start` on the result lets messages come. */
  add(
    frames: FrameSocket,
    result: HandshakeResult,
    about: { info: LinkInfo; address: string; sinceMs: number },
  ): Link {
    const { info, address, sinceMs } = about;
    const { session, peer } = result;
    const link = new Link({
      id: ++this.#lastId,
      peer,
      info,
      address,
      frames,
      session,
      sinceMs,
      handlers: {
        message: this.#handlers.message,
        down: (one, reason) => {
          if (!this.#links.delete(one.id)) return;
          this.#bytesIn += one.bytesIn;
          this.#bytesOut += one.bytesOut;
          this.#handlers.down(one, reason);
        },
      },
    });
    this.#links.set(link.id, link);
    return link;
  }

  /** Bytes since the start, over all links there were, and how many are up. */
  traffic(): Traffic {
    let [bytesIn, bytesOut] = [this.#bytesIn, this.#bytesOut];
    for (const link of this.#links.values()) {
      bytesIn += link.bytesIn;
      bytesOut += link.bytesOut;
    }
    return { links: this.#links.size, bytesIn, bytesOut };
  }

  get(id: LinkId): Link | undefined {
    return this.#links.get(id);
  }

  send(id: LinkId, message: Uint8Array): void {
    this.#links.get(id)?.send(message);
  }

  tick(mono: number, writeStallMs: number): void {
    for (const link of this.#links.values()) link.tick(mono, writeStallMs);
    for (const [nodeId, { until }] of this.#banned)
      if (until + BAN_MS_MAX <= mono) this.#banned.delete(nodeId);
  }

  closeAll(reason: NetError): void {
    for (const link of [...this.#links.values()]) link.close(reason);
  }

  /** Closes all after what waits has left. */
  async endAll(reason: NetError): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.end(reason)));
  }

  /** For `ms`, and twice as long each time, up to an hour, until it was good for an hour. */
  ban(nodeId: NodeId, mono: number, ms: number): void {
    const times = this.#banned.get(nodeId)?.times ?? 0;
    const until = mono + Math.min(BAN_MS_MAX, ms * 2 ** Math.min(times, 16));
    // The latest last; ids can be made up by whoever has the key of the epoch.
    this.#banned.delete(nodeId);
    this.#banned.set(nodeId, { until, times: times + 1 });
    if (this.#banned.size > BANNED_MAX) this.#banned.delete(this.#banned.keys().next().value!);
  }

  /** @throws NetError `busy` */
  refuseBanned(nodeId: NodeId, mono: number): void {
    if ((this.#banned.get(nodeId)?.until ?? 0) <= mono) return;
    throw new NetError('busy', `member ${nodeId.slice(0, 8)} broke the protocol a moment ago`);
  }

  views(members: readonly MemberView[]): LinkView[] {
    const names = new Map(members.map((member) => [member.nodeId, member.name]));
    return [...this.#links.values()].map((link) => view(link, names.get(link.peer.nodeId)));
  }
}

const BAN_MS_MAX = 3_600_000;
const BANNED_MAX = 16_384;

function view(link: Link, name: string | undefined): LinkView {
  const { peer, address, info, sinceMs, bytesIn, bytesOut } = link;
  return {
    nodeId: peer.nodeId,
    address,
    initiator: info.initiator,
    sinceMs,
    bytesIn,
    bytesOut,
    ...(name !== undefined && { name }),
  };
}
