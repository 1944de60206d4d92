/**
 * The side that is dialled: every accepted socket is held to deadlines and to the set of
 * unauthenticated connections until its handshake is done (docs/protocol.md section 5).
 */
import type { Socket } from 'node:net';
import { SecureError } from '../secure/index.ts';
import { sourceOf, type Source } from '../wire/index.ts';
import { formatAddress } from '../base/index.ts';
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
  /** A stranger named a join token that is not known here, for the first time in a while. */
  unknownToken(address: string, prefix: string, message: string): void;
  /** Somebody showed a wrong join secret, or the right one of members and no admission. */
  wrongSecret(address: string, prefix: string, verdict: FailureVerdict, why: WhyNotLetIn): void;
}

export class Inbound {
  readonly #tuning: NetTuning;
  readonly #mono: () => number;
  readonly #handlers: InboundHandlers;
  readonly #unproven: UnauthenticatedSet;
  readonly #lane: AdmissionLane;
  /** Networks that named an unknown token, and until when that is not told again. */
  readonly #toldOf = new Map<string, number>();

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
    const address = formatAddress({ host: frames.remoteAddress, port: frames.remotePort });
    const source = sourceOf(frames.remoteAddress);
    const proved = { key: false };
    void this.#handshake(frames, { address, source, proved }).catch((error: unknown) => {
      const reason =
        error instanceof NetError ? error : new NetError('handshake_failed', `${error}`);
      frames.close(reason);
      // Only what this side found out: a peer may claim anything.
      const why = whyNotLetIn(reason);
      if (why !== undefined) this.#noteFailure(address, source, why, proved.key);
      if (isUnknownToken(reason) && this.#mayTellOf(source.network)) {
        this.#handlers.unknownToken(address, source.network, reason.message);
      }
      this.#handlers.failed(address, reason);
    });
  }

  stop(): void {
    this.#lane.stop();
    this.#unproven.evictAll();
  }

  #noteFailure(address: string, source: Source, why: WhyNotLetIn, hadKey: boolean): void {
    const verdict = this.#lane.recordFailure(source, hadKey);
    // A try with the key costs J-PAKE, so that there are few of them.
    const isNews = hadKey || this.#mayTellOf(source.network);
    if (!isNews && verdict.alarm === undefined) return;
    this.#handlers.wrongSecret(address, source.network, verdict, why);
  }

  /** A try costs a stranger nothing, so that a network is told of once a minute, and few of them. */
  #mayTellOf(network: string): boolean {
    const now = this.#mono();
    if (now < (this.#toldOf.get(network) ?? -Infinity)) return false;
    for (const [known, until] of this.#toldOf) if (until <= now) this.#toldOf.delete(known);
    if (this.#toldOf.size >= TOLD_MAX) return false;
    this.#toldOf.set(network, now + TOLD_MS);
    return true;
  }

  async #handshake(frames: FrameSocket, { address, source, proved }: Caller): Promise<void> {
    const left = new AbortController();
    const unproven: Unproven = {
      source,
      evict: () => frames.close(new NetError('busy', 'too many connections without a handshake')),
    };
    const { firstMessageMs, challengeMs, handshakeMs } = this.#tuning;
    const first = closeAfter(frames, firstMessageMs, 'no first message');
    const whole = closeAfter(frames, handshakeMs, 'no handshake');
    let answer: { cancel(): void } | undefined;
    frames.onClose = () => left.abort();
    this.#unproven.add(unproven);
    try {
      const proven = (): void => {
        answer?.cancel();
        proved.key = true;
        this.#unproven.prove(unproven);
      };
      const challenged = (): void => {
        answer = closeAfter(frames, challengeMs, 'no answer to the challenge');
      };
      const onFirst = (): void => first.cancel();
      const hooks = { lane: this.#lane, proven, challenged, onFirst, left: left.signal };
      const result = await respond(frames, this.#handlers.self(), hooks);
      this.#unproven.welcome(source);
      this.#handlers.up(frames, result, address);
    } finally {
      first.cancel();
      answer?.cancel();
      whole.cancel();
      this.#unproven.delete(unproven);
    }
  }
}

interface Caller {
  readonly address: string;
  readonly source: Source;
  /** Whether it has shown a key that no stranger has. */
  readonly proved: { key: boolean };
}

type WhyNotLetIn = 'wrong secret' | 'no admission';

const TOLD_MS = 60_000;
const TOLD_MAX = 64;

function isUnknownToken(error: NetError): boolean {
  return error.code === 'unknown_token' && !fromPeer(error);
}

/** What this side found wrong with one who wanted to be let in, where it costs him further tries. */
function whyNotLetIn(error: NetError): WhyNotLetIn | undefined {
  if (error.code !== 'wrong_secret' || fromPeer(error)) return undefined;
  const { cause } = error;
  const knew = cause instanceof SecureError && cause.code === 'bad_admission';
  return knew ? 'no admission' : 'wrong secret';
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
