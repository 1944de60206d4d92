/** One direction's key and its counter. */
import { FRAME_HEADER_BYTES, unfilled, writeFrameHeader } from '../wire/index.ts';
import { SecureError } from './errors.ts';
import { SECRETBOX_OVERHEAD_BYTES, type Secretbox } from './secretbox.ts';

export class SealingKey {
  readonly #box: Secretbox;
  readonly #key: Uint8Array;
  /** 16 zero bytes | u64 counter. */
  readonly #nonce = new Uint8Array(24);
  readonly #counter = new DataView(this.#nonce.buffer, 16);
  #frames = 0;

  constructor(box: Secretbox, key: Uint8Array) {
    this.#box = box;
    this.#key = new Uint8Array(key);
  }

  /** Frames under the present key. */
  get frames(): number {
    return this.#frames;
  }

  seal(type: number, body: Uint8Array): Uint8Array {
    return this.sealFrame(type, body).subarray(FRAME_HEADER_BYTES);
  }

  /** The same behind its frame header, all in one piece, so that one write sends it. */
  sealFrame(type: number, body: Uint8Array): Uint8Array {
    const length = SECRETBOX_OVERHEAD_BYTES + 1 + body.length;
    const frame = unfilled(FRAME_HEADER_BYTES + length);
    writeFrameHeader(frame, length);
    frame[FRAME_HEADER_BYTES + SECRETBOX_OVERHEAD_BYTES] = type;
    frame.set(body, FRAME_HEADER_BYTES + SECRETBOX_OVERHEAD_BYTES + 1);
    this.#box.sealInPlace(this.#key, this.#nextNonce(), frame.subarray(FRAME_HEADER_BYTES));
    return frame;
  }

  /**
   * A large frame is opened where it is, and its memory is the message's from then on.
   * @throws SecureError `bad_seal` for anything but the very next frame
   */
  open(frame: Uint8Array): Uint8Array {
    const open = frame.length < IN_PLACE_BYTES_MIN ? this.#box.open : this.#box.openInPlace;
    const plain = open(this.#key, this.#nextNonce(), frame);
    if (plain === undefined || plain.length === 0) {
      throw new SecureError('bad_seal', `frame ${this.#frames - 1} does not authenticate`);
    }
    return plain;
  }

  /** A fresh key starts at counter 0. */
  replace(key: Uint8Array): void {
    this.#key.set(key);
    this.#frames = 0;
  }

  wipe(): void {
    this.#key.fill(0);
  }

  #nextNonce(): Uint8Array {
    if (this.#frames >= FRAMES_MAX) {
      throw new SecureError('closed', `${FRAMES_MAX} frames under one key: the peer never rekeyed`);
    }
    this.#counter.setBigUint64(0, BigInt(this.#frames++));
    return this.#nonce;
  }
}

/** A smaller message would keep alive more memory than it has. */
const IN_PLACE_BYTES_MIN = 16 * 1024;
/** Sixteen times what rekeying allows: a peer that never rekeys loses the link. */
const FRAMES_MAX = 2 ** 24;
