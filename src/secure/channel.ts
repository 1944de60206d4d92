/**
 * A member's handshake and the session after it over one stream of bytes, with framing and changes
 * of keys: bytes in, bytes out. For programs that bring their own connection (`swarmplane/secure`).
 */
import {
  encodeFrame,
  FRAME_MAX_AFTER_AUTH,
  FRAME_MAX_BEFORE_AUTH,
  FrameDecoder,
} from '../wire/index.ts';
import { SecureError } from './errors.ts';
import type { HandshakeStep } from './handshake-step.ts';
import { MemberHandshake, type MemberHandshakeOptions } from './member-handshake.ts';
import type { Session } from './session.ts';
import type { PeerIdentity } from './types.ts';

export type ChannelEvent =
  /** The first one: the other end has proved who it is, and `send` works from here on. */
  | { readonly kind: 'open'; readonly peer: PeerIdentity }
  | { readonly kind: 'message'; readonly message: Uint8Array };

export class Channel {
  readonly #handshake: MemberHandshake;
  readonly #decoder: FrameDecoder;
  readonly #outbox: Uint8Array[] = [];
  #session: Session | undefined;

  /** @throws SecureError `not_admitted` without an epoch key */
  constructor(options: MemberHandshakeOptions) {
    const initiates = options.role === 'initiator';
    this.#handshake = new MemberHandshake(options);
    // In place of M2 an EPOCH record may come, which is larger than what strangers may send.
    this.#decoder = new FrameDecoder(initiates ? FRAME_MAX_AFTER_AUTH : FRAME_MAX_BEFORE_AUTH);
    if (initiates) this.#push(this.#handshake.start());
  }

  /** Bytes for the stream, to be written in this order; ask after each call until there are none. */
  pollSend(): Uint8Array | undefined {
    return this.#outbox.shift();
  }

  /**
   * Takes bytes as they come, in pieces of any size. `nowMono` is in milliseconds and never jumps.
   * @throws SecureError or WireError: write what `pollSend` still has, and close the connection
   */
  receive(bytes: Uint8Array, nowMono: number): ChannelEvent[] {
    const events: ChannelEvent[] = [];
    for (const frame of this.#decoder.push(bytes)) {
      const event = this.#session === undefined ? this.#shake(frame) : this.#open(frame);
      if (event !== undefined) events.push(event);
    }
    this.#rekeyWhenDue(nowMono);
    return events;
  }

  /** At most 256 KiB less 17 bytes. @throws SecureError `closed` before the channel is open */
  send(message: Uint8Array, nowMono: number): void {
    if (this.#session === undefined) {
      throw new SecureError('closed', 'the channel is not open yet: wait for its first event');
    }
    this.#rekeyWhenDue(nowMono);
    this.#push(this.#session.seal(message));
  }

  #shake(frame: Uint8Array): ChannelEvent | undefined {
    const { send, done } = this.#step(frame);
    if (send !== undefined) this.#push(send);
    if (done === undefined) return undefined;
    this.#session = done.session;
    this.#decoder.setMaxBytes(FRAME_MAX_AFTER_AUTH);
    return { kind: 'open', peer: done.peer };
  }

  /** A person at the other end should learn why it was refused. */
  #step(frame: Uint8Array): HandshakeStep {
    try {
      return this.#handshake.handle(frame);
    } catch (error) {
      if (error instanceof SecureError && error.reply !== undefined) this.#push(error.reply);
      throw error;
    }
  }

  #open(frame: Uint8Array): ChannelEvent | undefined {
    const message = this.#session!.open(frame);
    this.#flushSession();
    return message && { kind: 'message', message };
  }

  #rekeyWhenDue(nowMono: number): void {
    if (this.#session?.needsRekey(nowMono) !== true) return;
    this.#session.startRekey(nowMono);
    this.#flushSession();
  }

  #flushSession(): void {
    for (let frame = this.#session!.pollSend(); frame; frame = this.#session!.pollSend()) {
      this.#push(frame);
    }
  }

  #push(body: Uint8Array): void {
    this.#outbox.push(encodeFrame(body));
  }
}
