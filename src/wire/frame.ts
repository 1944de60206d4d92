/**
 * Frames (docs/protocol.md section 2): `u32 big endian length | bytes`.
 * The length is refused before anything is allocated for it.
 */
import { unfilled } from './bytes.ts';
import { WireError } from './errors.ts';

/** Largest frame before the peer is authenticated, bytes. */
export const FRAME_MAX_BEFORE_AUTH = 4 * 1024;
/** Largest frame afterwards, bytes. */
export const FRAME_MAX_AFTER_AUTH = 256 * 1024;

export const FRAME_HEADER_BYTES = 4;

/** Puts the length in front of a body. */
export function encodeFrame(body: Uint8Array): Uint8Array {
  const frame = unfilled(FRAME_HEADER_BYTES + body.length);
  writeFrameHeader(frame, body.length);
  frame.set(body, FRAME_HEADER_BYTES);
  return frame;
}

/** What stands before a body of `length` bytes, for those who make the two in one piece. */
export function writeFrameHeader(frame: Uint8Array, length: number): void {
  frame[0] = length >>> 24;
  frame[1] = length >>> 16;
  frame[2] = length >>> 8;
  frame[3] = length;
}

/** Turns a byte stream, cut anywhere, back into frames. After an error it stays closed. */
export class FrameDecoder {
  #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerFill = 0;
  #body: Uint8Array | undefined;
  #bodyFill = 0;
  #maxBytes: number;
  #broken = false;

  constructor(maxBytes: number = FRAME_MAX_BEFORE_AUTH) {
    this.#maxBytes = maxBytes;
  }

  /** Changes the limit for frames whose header has not been read yet. */
  setMaxBytes(maxBytes: number): void {
    this.#maxBytes = maxBytes;
  }

  /** True while a frame has begun and not ended. */
  get midFrame(): boolean {
    return this.#headerFill > 0;
  }

  /**
   * Yields the bodies of the frames that `bytes` completes, one by one, so that a limit changed
   * by the consumer between two frames holds for the second one. A body that lies in `bytes` as a
   * whole is not copied: it shares their memory.
   * @throws WireError `frame_too_large`, before allocating the body
   */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    let at = 0;
    while (at < bytes.length) {
      if (this.#broken) throw new WireError('malformed', 'bytes after a broken frame');
      at = this.#body === undefined ? this.#readHeader(bytes, at) : this.#readBody(bytes, at);
      if (this.#body !== undefined && this.#bodyFill === this.#body.length) {
        const body = this.#body;
        this.#body = undefined;
        this.#headerFill = 0;
        yield body;
      }
    }
  }

  #readHeader(bytes: Uint8Array, at: number): number {
    const take = Math.min(FRAME_HEADER_BYTES - this.#headerFill, bytes.length - at);
    this.#header.set(bytes.subarray(at, at + take), this.#headerFill);
    this.#headerFill += take;
    if (this.#headerFill === FRAME_HEADER_BYTES) {
      const length = new DataView(this.#header.buffer).getUint32(0);
      if (length > this.#maxBytes) {
        this.#broken = true;
        throw new WireError(
          'frame_too_large',
          `frame of ${length} bytes, at most ${this.#maxBytes}`,
        );
      }
      return this.#beginBody(bytes, at + take, length);
    }
    return at + take;
  }

  #beginBody(bytes: Uint8Array, at: number, length: number): number {
    const whole = bytes.length - at >= length;
    this.#body = whole ? bytes.subarray(at, at + length) : unfilled(length);
    this.#bodyFill = whole ? length : 0;
    return whole ? at + length : at;
  }

  #readBody(bytes: Uint8Array, at: number): number {
    const body = this.#body!;
    const take = Math.min(body.length - this.#bodyFill, bytes.length - at);
    body.set(bytes.subarray(at, at + take), this.#bodyFill);
    this.#bodyFill += take;
    return at + take;
  }
}
