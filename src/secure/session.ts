/**
 * A sealed session (docs/protocol.md section 4). Each frame is a secretbox over `type | message`,
 * one key per direction, the nonce a counter that is not sent: TCP is ordered, so a lost, repeated
 * or reordered frame does not authenticate. Any failure closes the session for good.
 */
import { FRAME_HEADER_BYTES, FRAME_MAX_AFTER_AUTH } from '../wire/index.ts';
import { SecureError } from './errors.ts';
import { expandLabel } from './hash.ts';
import type { HandshakeRole } from './pake.ts';
import { Rekeying, type RekeyLimits } from './rekeying.ts';
import { secretbox, SECRETBOX_OVERHEAD_BYTES, type Secretbox } from './secretbox.ts';
import { SealingKey } from './sealing-key.ts';

export interface SessionOptions {
  readonly role: HandshakeRole;
  /** 32 bytes, from the handshake's key schedule. */
  readonly master: Uint8Array;
  readonly random: (n: number) => Uint8Array;
  readonly box?: Secretbox;
  /** When keys are changed; the defaults are the protocol's. */
  readonly rekeyAfter?: RekeyLimits;
}

/** The leading byte inside each sealed frame. */
const TYPE = { data: 0, rekey: 1, rekeyReply: 2, rekeySwitch: 3 } as const;

/** Longest message that fits one frame, bytes. */
export const SESSION_MESSAGE_MAX = FRAME_MAX_AFTER_AUTH - SECRETBOX_OVERHEAD_BYTES - 1;

export class Session {
  readonly role: HandshakeRole;
  readonly #sending: SealingKey;
  readonly #receiving: SealingKey;
  readonly #rekeying: Rekeying;
  readonly #exporter: Uint8Array;
  readonly #outbox: Uint8Array[] = [];
  #closed = false;

  constructor(options: SessionOptions) {
    const { role, master, random, box = secretbox(), rekeyAfter } = options;
    this.role = role;
    this.#rekeying = new Rekeying(role, master, random, rekeyAfter);
    const keys = this.#rekeying.keys;
    this.#sending = new SealingKey(box, keys.send);
    this.#receiving = new SealingKey(box, keys.receive);
    this.#exporter = expandLabel(master, 'exporter');
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Seals one message of at most SESSION_MESSAGE_MAX bytes; the result is the body of one frame.
   * Frames must be sent in the order they were sealed.
   * @throws SecureError `closed`
   */
  seal(plain: Uint8Array): Uint8Array {
    return this.sealFrame(plain).subarray(FRAME_HEADER_BYTES);
  }

  /**
   * The whole frame, its header in front.
   * @throws SecureError `closed`
   */
  sealFrame(plain: Uint8Array): Uint8Array {
    if (plain.length > SESSION_MESSAGE_MAX) {
      throw new RangeError(`message of ${plain.length} bytes, at most ${SESSION_MESSAGE_MAX}`);
    }
    this.#assertOpen();
    return this.#sending.sealFrame(TYPE.data, plain);
  }

  /**
   * The message in a frame, or undefined for a control frame. The frame is used up: the message may
   * lie in its memory. Drain `pollSend` afterwards.
   * @throws SecureError; the session is closed then
   */
  open(frame: Uint8Array): Uint8Array | undefined {
    this.#assertOpen();
    try {
      const plain = this.#receiving.open(frame);
      if (plain[0] === TYPE.data) return plain.subarray(1);
      this.#handleControl(plain[0], plain.subarray(1));
      return undefined;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Control frames, sealed, to be sent before anything that is sealed later. */
  pollSend(): Uint8Array | undefined {
    return this.#outbox.shift();
  }

  /** True on the initiator 120 s or 2^20 frames after the last change of keys. */
  needsRekey(nowMono: number): boolean {
    const frames = Math.max(this.#sending.frames, this.#receiving.frames);
    return !this.#closed && this.#rekeying.isDue(nowMono, frames);
  }

  /** Begins a change of keys; messages go on meanwhile. Drain `pollSend` afterwards. */
  startRekey(nowMono: number): void {
    this.#assertOpen();
    this.#push(TYPE.rekey, this.#rekeying.start(nowMono));
  }

  /** 32 bytes that only the two ends of this session know, one value per label, unmoved by rekeying. */
  exporter(label: string): Uint8Array {
    this.#assertOpen();
    return expandLabel(this.#exporter, `export ${label}`);
  }

  /** Wipes the keys. */
  close(): void {
    this.#closed = true;
    this.#outbox.length = 0;
    this.#sending.wipe();
    this.#receiving.wipe();
    this.#rekeying.wipe();
    this.#exporter.fill(0);
  }

  #handleControl(type: number | undefined, body: Uint8Array): void {
    if (type === TYPE.rekey) return this.#answerRekey(body);
    if (type === TYPE.rekeyReply) return this.#finishRekey(body);
    if (type === TYPE.rekeySwitch) return this.#receiving.replace(this.#rekeying.switched(body));
    throw new SecureError('malformed', `unknown frame type ${type}`);
  }

  #answerRekey(body: Uint8Array): void {
    const { reply, send } = this.#rekeying.answer(body);
    this.#push(TYPE.rekeyReply, reply);
    this.#sending.replace(send);
  }

  #finishRekey(body: Uint8Array): void {
    const { send, receive } = this.#rekeying.finish(body);
    this.#receiving.replace(receive);
    this.#push(TYPE.rekeySwitch, new Uint8Array(0));
    this.#sending.replace(send);
  }

  #push(type: number, body: Uint8Array): void {
    this.#assertOpen();
    this.#outbox.push(this.#sending.seal(type, body));
  }

  #assertOpen(): void {
    if (this.#closed) throw new SecureError('closed', 'the session is closed');
  }
}
