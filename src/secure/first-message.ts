/**
 * What M1 and JP1 have in common (docs/protocol.md section 5): both end in
 *
 *   .. | made u64 | challenge 16 | .. | MAC 32
 *
 * under a key that no stranger has, so that whoever cannot make one costs a hash, and one that was
 * captured is known again. Which is of now and which is not, is told by its time and by memory; where
 * these cannot tell, as with a clock that is wrong or after a start, the sender answers a challenge.
 */
import { concat, readU64, u64 } from '../wire/index.ts';
import { SecureError } from './errors.ts';
import { equalSecret, hmac } from './hash.ts';
import { decodeMessage, encodeMessage, KIND, type MessageKind } from './messages.ts';

export const CHALLENGE_BYTES = 16;
/** Of `made | challenge`. */
export const STAMP_BYTES = 8 + CHALLENGE_BYTES;
export const MAC_BYTES = 32;

export interface Stamp {
  /** Unix milliseconds by the sender's clock. */
  readonly madeMs: number;
  /** The one that it was asked to show; zeros in a first try. */
  readonly challenge: Uint8Array;
}

/** Whether a first message with a right MAC is of now; it is remembered then. `madeMs`: Unix ms. */
export type IsFresh = (madeMs: number, mac: Uint8Array) => boolean;

export function encodeStamp(wallMs: number | undefined, challenge: Uint8Array | undefined) {
  return concat(u64(Math.max(0, Math.trunc(wallMs ?? 0))), challenge ?? NO_CHALLENGE);
}

/** @throws SecureError `malformed` */
export function readStamp(bytes: Uint8Array): Stamp {
  try {
    return { madeMs: readU64(bytes.subarray(0, 8)), challenge: bytes.slice(8, STAMP_BYTES) };
  } catch (cause) {
    throw new SecureError('malformed', 'a first message with a time out of range', { cause });
  }
}

export function encodeFirst(
  kind: MessageKind,
  macKey: Uint8Array,
  ...parts: readonly Uint8Array[]
): Uint8Array {
  const head = encodeMessage(kind, ...parts);
  return concat(head, hmac(macKey, head));
}

export function isMadeUnder(message: Uint8Array, macKey: Uint8Array): boolean {
  const at = message.length - MAC_BYTES;
  return at >= 0 && equalSecret(message.subarray(at), hmac(macKey, message.subarray(0, at)));
}

/** What CHALLENGE asks the sender of a first message to show. @throws SecureError */
export function readChallenge(message: Uint8Array): Uint8Array {
  return decodeMessage(message, KIND.challenge, CHALLENGE_BYTES).slice();
}

/** The first messages of one connection, on the side that was dialled. */
export class FirstCheck {
  readonly #random: (n: number) => Uint8Array;
  readonly #isFresh: IsFresh | undefined;
  #challenge: Uint8Array | undefined;

  /** Without `isFresh` everybody is challenged. */
  constructor(random: (n: number) => Uint8Array, isFresh: IsFresh | undefined) {
    this.#random = random;
    this.#isFresh = isFresh;
  }

  /**
   * Of a first message whose MAC is right: undefined when it is of now, else the CHALLENGE to send.
   * @throws SecureError `malformed` for another answer than the one that was asked for
   */
  judge({ madeMs, challenge }: Stamp, message: Uint8Array): Uint8Array | undefined {
    if (this.#challenge !== undefined) {
      if (equalSecret(challenge, this.#challenge)) return undefined;
      throw new SecureError('malformed', 'a first message without the challenge that was given');
    }
    // An answer to a challenge is good on its own connection only, whatever its time.
    const isAnswer = !equalSecret(challenge, NO_CHALLENGE);
    if (!isAnswer && this.#isFresh?.(madeMs, message.subarray(-MAC_BYTES)) === true)
      return undefined;
    this.#challenge = new Uint8Array(this.#random(CHALLENGE_BYTES));
    return encodeMessage(KIND.challenge, this.#challenge);
  }
}

const NO_CHALLENGE = new Uint8Array(CHALLENGE_BYTES);
