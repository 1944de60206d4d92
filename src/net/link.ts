/** An authenticated connection: a session over a FrameSocket. */
import type { PeerIdentity, Session } from '../secure/index.ts';
import type { LinkId, LinkInfo } from '../swarm/types.ts';
import { NetError } from './errors.ts';
import type { FrameSocket } from './frame-socket.ts';

export interface LinkHandlers {
  message(link: Link, message: Uint8Array): void;
  /** Once. */
  down(link: Link, reason: NetError): void;
}

export class Link {
  readonly id: LinkId;
  readonly peer: PeerIdentity;
  readonly info: LinkInfo;
  /** `host:port` of the other end: as dialled, or as the socket tells. */
  readonly address: string;
  /** Unix milliseconds. */
  readonly sinceMs: number;
  readonly #frames: FrameSocket;
  readonly #session: Session;
  readonly #handlers: LinkHandlers;

  constructor(options: {
    id: LinkId;
    peer: PeerIdentity;
    info: LinkInfo;
    address: string;
    sinceMs: number;
    frames: FrameSocket;
    session: Session;
    handlers: LinkHandlers;
  }) {
    this.id = options.id;
    this.peer = options.peer;
    this.info = options.info;
    this.address = options.address;
    this.sinceMs = options.sinceMs;
    this.#frames = options.frames;
    this.#session = options.session;
    this.#handlers = options.handlers;
    this.#frames.onClose = (reason) => {
      this.#session.close();
      this.#handlers.down(this, reason);
    };
  }

  get bytesIn(): number {
    return this.#frames.bytesIn;
  }

  get bytesOut(): number {
    return this.#frames.bytesOut;
  }

  get bytesWaiting(): number {
    return this.#frames.bytesWaiting;
  }

  /** Begins to deliver. Bytes that do not authenticate close this link and nothing else. */
  start(mono: number): void {
    // The first look starts the clock of rekeying.
    this.tick(mono, Infinity);
    this.#frames.stream((frame) => {
      const message = this.#guarded(() => this.#session.open(frame));
      this.#sendControl();
      if (message !== undefined) this.#handlers.message(this, message);
    });
  }

  send(message: Uint8Array): void {
    this.#guarded(() => {
      const frame = this.#session.sealFrame(message);
      this.#sendControl();
      this.#frames.sendFrame(frame);
    });
  }

  /** Looks after rekeying and a peer that stopped reading. */
  tick(mono: number, writeStallMs: number): void {
    if (this.#frames.stalledMs() > writeStallMs) {
      this.close(new NetError('closed', `the peer took no byte for ${writeStallMs} ms`));
    } else if (!this.#session.closed && this.#session.needsRekey(mono)) {
      this.#guarded(() => this.#session.startRekey(mono));
      this.#sendControl();
    }
  }

  /** Reads nothing more for a while: what the peer says waits in its own buffers. */
  hold(ms: number): void {
    this.#frames.hold(ms);
  }

  close(reason: NetError): void {
    this.#frames.close(reason);
  }

  /** Closes after what waits has left. Resolves when the socket is gone. */
  end(reason: NetError): Promise<void> {
    return this.#frames.end(reason);
  }

  #sendControl(): void {
    for (;;) {
      const control = this.#guarded(() => this.#session.pollSend());
      if (control === undefined) return;
      this.#frames.send(control);
    }
  }

  /** Whatever a frame or a message brings out ends this link and nothing else. */
  #guarded<T>(work: () => T): T | undefined {
    if (this.#frames.closed) return undefined;
    try {
      return work();
    } catch (error) {
      const message = `session failed: ${(error as Error).message}`;
      this.close(new NetError('closed', message, { cause: error }));
      return undefined;
    }
  }
}
