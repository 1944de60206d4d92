/** Opens links: dials, shakes hands, keeps the secrets of an admission before they are used. */
import type { NodeId, PeerIdentity } from '../secure/types.ts';
import { NetError } from './errors.ts';
import type { FrameSocket } from './frame-socket.ts';
import type { HandshakeResult, HandshakeSelf } from './handshake.ts';
import { openOutbound } from './outbound.ts';
import type { NetTuning } from './tuning.ts';

export interface ConnectorHandlers {
  /** Asked at each handshake. */
  self(): HandshakeSelf;
  /** Keeps what an admission gave; the link comes up only afterwards. */
  admitted(admitted: NonNullable<HandshakeResult['admitted']>): Promise<void>;
  /** @throws NetError when the link is not wanted */
  up(frames: FrameSocket, result: HandshakeResult, address: string): void;
  failed(address: string, error: NetError): void;
}

export class Connector {
  readonly #tuning: NetTuning;
  readonly #mono: () => number;
  readonly #stop: AbortSignal;
  readonly #handlers: ConnectorHandlers;
  /** Dials of the core under way, by address. */
  readonly #dials = new Map<string, Promise<PeerIdentity>>();
  #admitting: Promise<unknown> | undefined;

  /** `stop` gives up everything under way. */
  constructor(
    tuning: NetTuning,
    mono: () => number,
    stop: AbortSignal,
    handlers: ConnectorHandlers,
  ) {
    this.#tuning = tuning;
    this.#mono = mono;
    this.#stop = stop;
    this.#handlers = handlers;
  }

  /**
   * Admission when there is no epoch key yet, one at a time: whoever waited for it goes on as a
   * member. `expect`: another member is refused.
   * @throws NetError
   */
  async connect(address: string, expect?: NodeId, signal?: AbortSignal): Promise<PeerIdentity> {
    while (!this.#admitted() && this.#admitting !== undefined) {
      await this.#admitting.catch(() => undefined);
    }
    const connecting = this.#connect(address, expect, signal);
    if (this.#admitted()) return connecting;
    this.#admitting = connecting;
    return connecting.finally(() => (this.#admitting = undefined));
  }

  /**
   * The core's dials: one at a time per address, so that a seed that is a known member as well, or
   * slow to answer, does not end up with two links of which one must go.
   * @throws NetError
   */
  async dial(address: string, expect?: NodeId): Promise<void> {
    const underWay = this.#dials.get(address);
    const dialling = underWay ?? this.connect(address, expect);
    this.#dials.set(address, dialling);
    const peer = await dialling.finally(() => this.#dials.delete(address));
    if (expect === undefined || peer.nodeId === expect) return;
    throw new NetError('wrong_peer', `'${address}' is ${peer.nodeId.slice(0, 8)} now`);
  }

  #admitted(): boolean {
    const { epochKey, joining } = this.#handlers.self().secrets;
    return epochKey !== undefined && joining === undefined;
  }

  async #connect(
    address: string,
    expect: NodeId | undefined,
    signal: AbortSignal | undefined,
  ): Promise<PeerIdentity> {
    try {
      const { frames, result } = await openOutbound(address, this.#handlers.self(), {
        tuning: this.#tuning,
        mono: this.#mono,
        expect,
        signal: signal === undefined ? this.#stop : AbortSignal.any([this.#stop, signal]),
      });
      await this.#keep(frames, result);
      this.#handlers.up(frames, result, address);
      return result.peer;
    } catch (error) {
      if (error instanceof NetError) this.#handlers.failed(address, error);
      throw error;
    }
  }

  async #keep(frames: FrameSocket, { admitted }: HandshakeResult): Promise<void> {
    if (admitted === undefined) return;
    try {
      await this.#handlers.admitted(admitted);
    } catch (cause) {
      const message = `admitted, but the secrets cannot be kept: ${(cause as Error).message}`;
      const reason = new NetError('handshake_failed', message, { cause, hint: KEEP_HINT });
      frames.close(reason);
      throw reason;
    }
  }
}

const KEEP_HINT = 'check that the state folder is writable and not full, then join again';
