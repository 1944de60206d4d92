/**
 * The side that is dialled: every accepted socket is held to deadlines and to the set of
 * unauthenticated connections until its handshake is done (docs/protocol.md section 5).
 */
import type { Socket } from 'node:net';
import { SecureError } from '../secure/index.ts';
import { networkOf } from '../wire/index.ts';
import { formatAddress } from './address.ts';
import { AdmissionLane } from './admission-lane.ts';
import type { FailureVerdict } from './admission-failures.ts';
import { NetError } from './errors.ts';
import { FrameSocket } from './frame-socket.ts';
import { respond, type HandshakeResult, type HandshakeSelf } from './handshake.ts';
import type { NetTuning } from './tuning.ts';
import { UnauthenticatedSet, type Unproven } from './unauthenticated.ts';

export interface InboundHandlers {
  /** Asked at each handshake: secrets and identity change over time. */
  self(): HandshakeSelf;
  up(frames: FrameSocket, result: HandshakeResult, address: string): void;
  failed(address: string, error: NetError): void;
  /** A stranger showed a wrong join secret. */
  wrongSecret(address: string, prefix: string, verdict: FailureVerdict): void;
}

export class Inbound {
  readonly #tuning: NetTuning;
  readonly #mono: () => number;
  readonly #handlers: InboundHandlers;
  readonly #unproven: UnauthenticatedSet;
  readonly #lane: AdmissionLane;

  constructor(tuning: NetTuning, mono: () => number, handlers: InboundHandlers) {
    this.#tuning = tuning;
    this.#mono = mono;
    this.#handlers = handlers;
    this.#unproven = new UnauthenticatedSet(tuning.unauthenticatedMax);
    this.#lane = new AdmissionLane(tuning, mono);
  }

  /** Connections in the middle of a handshake. */
  get unproven(): number {
    return this.#unproven.size;
  }

  /** Of those, the ones that wait for the admission budget. */
  get queued(): number {
    return this.#lane.queued;
  }

  /** Turned away by the admission budget since the start. */
  get refused(): number {
    return this.#lane.refused;
  }

  accept(socket: Socket): void {
    const frames = new FrameSocket(socket, this.#tuning, this.#mono);
    const address = formatAddress(frames.remoteAddress, frames.remotePort);
    void this.#handshake(frames, address).catch((error: unknown) => {
      const reason =
        error instanceof NetError ? error : new NetError('handshake_failed', `${error}`);
      frames.close(reason);
      // Only what this side found out: a peer may claim anything.
      if (reason.code === 'wrong_secret' && !fromPeer(reason)) {
        const prefix = networkOf(frames.remoteAddress);
        this.#handlers.wrongSecret(address, prefix, this.#lane.recordFailure(prefix));
      }
      this.#handlers.failed(address, reason);
    });
  }

  stop(): void {
    this.#lane.stop();
    this.#unproven.evictAll();
  }

  async #handshake(frames: FrameSocket, address: string): Promise<void> {
    const left = new AbortController();
    const unproven: Unproven = {
      evict: () => frames.close(new NetError('busy', 'too many connections without a handshake')),
    };
    const first = closeAfter(frames, this.#tuning.firstMessageMs, 'no first message');
    const whole = closeAfter(frames, this.#tuning.handshakeMs, 'no handshake');
    frames.onClose = () => left.abort();
    this.#unproven.add(unproven);
    try {
      const spoke = (): void => this.#unproven.spoke(unproven);
      const onFirst = (): void => first.cancel();
      const hooks = { lane: this.#lane, spoke, onFirst, left: left.signal };
      const result = await respond(frames, this.#handlers.self(), hooks);
      this.#handlers.up(frames, result, address);
    } finally {
      first.cancel();
      whole.cancel();
      this.#unproven.delete(unproven);
    }
  }
}

function fromPeer(error: NetError): boolean {
  return error.cause instanceof SecureError && error.cause.fromPeer;
}

/**
 * Closes after `ms`, unless cancelled. What has arrived by then is read first, so that a process
 * that was held up does not blame its peers.
 */
function closeAfter(frames: FrameSocket, ms: number, what: string): { cancel(): void } {
  let afterReads: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    const late = new NetError('timeout', `${what} within ${ms} ms`);
    afterReads = setImmediate(() => frames.close(late));
  }, ms);
  return {
    cancel: () => {
      clearTimeout(timer);
      clearImmediate(afterReads);
    },
  };
}
