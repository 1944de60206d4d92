/**
 * Frames over one TCP socket. During the handshake frames are read one at a time, so that nothing
 * piles up while a step is computed; afterwards they are delivered as they come.
 */
import type { Socket } from 'node:net';
import {
  FRAME_MAX_AFTER_AUTH,
  FrameDecoder,
  WireError,
  concat,
  encodeFrame,
} from '../wire/index.ts';
import { NetError } from './errors.ts';
import { TokenBucket } from './token-bucket.ts';

export interface FrameSocketLimits {
  readonly writeBufferMax: number;
  readonly linkBytesPerSecond: number;
  readonly flushMs: number;
}

export class FrameSocket {
  /** Called once, when the socket is gone for whatever reason. */
  onClose: ((reason: NetError) => void) | undefined;
  readonly remoteAddress: string;
  readonly remotePort: number;
  bytesIn = 0;
  bytesOut = 0;
  readonly #socket: Socket;
  readonly #limits: FrameSocketLimits;
  readonly #mono: () => number;
  readonly #decoder = new FrameDecoder();
  #unread: Generator<Uint8Array> | undefined;
  #onFrame: ((frame: Uint8Array) => void) | undefined;
  #reader: { resolve: (frame: Uint8Array) => void; reject: (error: NetError) => void } | undefined;
  #quota: TokenBucket | undefined;
  #quotaTimer: NodeJS.Timeout | undefined;
  /** `mono` until when nothing is read, or handed over. */
  #heldUntil = 0;
  #nextTurn: NodeJS.Immediate | undefined;
  /** Whole frames. */
  readonly #waiting: Uint8Array[] = [];
  #flushing = false;
  #waitingBytes = 0;
  #progressAt = 0;
  #closed: NetError | undefined;

  constructor(socket: Socket, limits: FrameSocketLimits, mono: () => number) {
    this.#socket = socket;
    this.#limits = limits;
    this.#mono = mono;
    this.remoteAddress = socket.remoteAddress ?? 'unknown';
    this.remotePort = socket.remotePort ?? 0;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#handleData(chunk));
    socket.on('drain', () => this.#handleDrain());
    socket.on('end', () => this.#fail(new NetError('closed', 'the peer closed the connection')));
    socket.on('error', (cause) =>
      this.#fail(new NetError('closed', `connection lost: ${cause.message}`, { cause })),
    );
    socket.on('close', () => this.#fail(new NetError('closed', 'connection closed')));
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Bytes handed to `send` that the kernel has not taken yet. */
  get bytesWaiting(): number {
    return this.#waitingBytes + this.#socket.writableLength;
  }

  /** One frame. @throws NetError once the socket is closed, with the reason */
  read(): Promise<Uint8Array> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#deliver();
    });
  }

  /** The side that dialled takes EPOCH in place of M2, and AUTH' (docs/protocol.md sections 3 and 4). */
  takeLargeFrames(): void {
    this.#decoder.setMaxBytes(FRAME_MAX_AFTER_AUTH);
  }

  /** Hands over nothing for so long, and leaves the socket unread. */
  hold(ms: number): void {
    this.#heldUntil = this.#mono() + ms;
  }

  /** The peer is authenticated: from now on larger frames, delivered as they come, at a bounded rate. */
  stream(onFrame: (frame: Uint8Array) => void): void {
    const rate = this.#limits.linkBytesPerSecond;
    this.#decoder.setMaxBytes(FRAME_MAX_AFTER_AUTH);
    this.#quota = new TokenBucket(rate, rate, this.#mono());
    this.#onFrame = onFrame;
    this.#deliver();
  }

  /** Queues one frame. A peer that lets too much wait is closed. */
  send(body: Uint8Array): void {
    this.sendFrame(encodeFrame(body));
  }

  /**
   * The same for a frame that has its header in front; it must stay as it is. It leaves at the end of
   * this turn, together with what else is sent in it.
   */
  sendFrame(frame: Uint8Array): void {
    if (this.#closed !== undefined) return;
    if (this.bytesWaiting === 0) this.#progressAt = this.#mono();
    this.bytesOut += frame.length;
    this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
    this.#flushSoon();
    if (this.bytesWaiting > this.#limits.writeBufferMax) {
      this.close(
        new NetError('closed', `the peer does not read: ${this.bytesWaiting} bytes wait for it`),
      );
    }
  }

  /** Milliseconds for which bytes have waited without the kernel taking any. */
  stalledMs(): number {
    return this.bytesWaiting === 0 ? 0 : this.#mono() - this.#progressAt;
  }

  /** Closes at once; what the kernel does not take at once is dropped. */
  close(reason: NetError): void {
    if (this.#closed === undefined) this.#writeWaiting();
    this.#fail(reason);
  }

  /**
   * Closes after what waits has been written, for a last word; not later than `flushMs`.
   * Resolves when the socket is gone.
   */
  async end(reason: NetError): Promise<void> {
    if (this.#closed !== undefined) return;
    while (this.#waiting.length > 0) this.#socket.write(this.#takeSome());
    this.#settle(reason);
    this.#socket.end();
    this.#socket.resume();
    const kill = setTimeout(() => this.#socket.destroy(), this.#limits.flushMs);
    await new Promise((resolve) => this.#socket.once('close', resolve));
    clearTimeout(kill);
  }

  #handleData(chunk: Uint8Array): void {
    if (this.#closed !== undefined) return;
    this.bytesIn += chunk.length;
    this.#quota?.take(this.#mono(), chunk.length);
    this.#unread = this.#decoder.push(chunk);
    this.#deliver();
  }

  /**
   * Hands over frames while somebody wants them; else leaves the rest, and the socket, unread. A peer that
   * sends without end has a moment, and then all others have theirs.
   */
  #deliver(): void {
    const turnEndsAt = this.#mono() + TURN_MS;
    try {
      while (this.#unread !== undefined && this.#closed === undefined && this.#heldMs() === 0) {
        if (this.#mono() > turnEndsAt) return this.#continueLater();
        if (this.#onFrame === undefined && this.#reader === undefined) {
          this.#socket.pause();
          return;
        }
        const next = this.#unread.next();
        if (next.done === true) this.#unread = undefined;
        else this.#give(next.value);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#fail(
        new NetError('not_swarmplane', `broken framing: ${error.message}`, { cause: error }),
      );
    }
    if (this.#closed === undefined) this.#resume();
  }

  #continueLater(): void {
    this.#socket.pause();
    this.#nextTurn ??= setImmediate(() => {
      this.#nextTurn = undefined;
      if (this.#closed === undefined) this.#deliver();
    });
  }

  #give(frame: Uint8Array): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) reader.resolve(frame);
    else this.#onFrame?.(frame);
  }

  #resume(): void {
    const waitMs = Math.max(this.#quota?.waitMs(this.#mono(), 0) ?? 0, this.#heldMs());
    if (waitMs === 0) {
      this.#socket.resume();
      return;
    }
    this.#socket.pause();
    this.#quotaTimer ??= setTimeout(() => {
      this.#quotaTimer = undefined;
      if (this.#closed === undefined) this.#deliver();
    }, Math.ceil(waitMs));
  }

  #heldMs(): number {
    return Math.max(0, this.#heldUntil - this.#mono());
  }

  #handleDrain(): void {
    this.#progressAt = this.#mono();
    this.#writeWaiting();
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => {
      this.#flushing = false;
      if (this.#closed === undefined) this.#writeWaiting();
    });
  }

  /** Keeps little inside the stream, so that progress shows in small steps. */
  #writeWaiting(): void {
    while (this.#waiting.length > 0 && !this.#socket.writableNeedDrain)
      this.#socket.write(this.#takeSome());
  }

  /** A large frame, or as many of the next small ones as make one: a copy costs less than a write. */
  #takeSome(): Uint8Array {
    let bytes = 0;
    let count = 0;
    for (const { length } of this.#waiting) {
      if (count > 0 && bytes + length > GATHERED_BYTES_MAX) break;
      bytes += length;
      count++;
    }
    this.#waitingBytes -= bytes;
    const some = this.#waiting.splice(0, count);
    return some.length === 1 ? some[0]! : concat(...some);
  }

  #fail(reason: NetError): void {
    this.#settle(reason);
    this.#socket.destroy();
  }

  #settle(reason: NetError): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    clearTimeout(this.#quotaTimer);
    clearImmediate(this.#nextTurn);
    this.#unread = undefined;
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#reader?.reject(reason);
    this.#reader = undefined;
    this.onClose?.(reason);
  }
}

/** Of frames of one peer at a time: what others wait for in a turn of the event loop. */
const TURN_MS = 1;
const GATHERED_BYTES_MAX = 32 * 1024;
