/**
 * Handshake messages (docs/protocol.md sections 3 and 4). Each begins with
 * `"SWPL" | version u8 | kind u8`.
 */
import { concat, equalBytes, utf8 } from '../wire/index.ts';
import { SecureError, type SecureErrorCode } from './errors.ts';

export const KIND = {
  m1: 0x01,
  m2: 0x02,
  m3: 0x03,
  /** The EPOCH head of who says it, where the two ends are in different epochs. */
  epoch: 0x04,
  /** Asks for the part of that EPOCH which has the own slot. */
  partAsk: 0x05,
  /** In place of M1, under a key of an earlier epoch. */
  m1Old: 0x06,
  part: 0x07,
  /** Asks the sender of M1 or JP1 to make it anew with these bytes: nothing tells here that it is of now. */
  challenge: 0x08,
  jp1i: 0x11,
  jp1r: 0x12,
  jp2i: 0x13,
  jp2r: 0x14,
  kci: 0x15,
  kcr: 0x16,
  authi: 0x17,
  authr: 0x18,
  /** A last word before closing. Not authenticated, so it explains and proves nothing. */
  refusal: 0x1f,
} as const;

export type MessageKind = (typeof KIND)[keyof typeof KIND];

export const HEADER_BYTES = 6;

export function encodeMessage(kind: MessageKind, ...parts: readonly Uint8Array[]): Uint8Array {
  return concat(MAGIC, Uint8Array.of(VERSION, kind), ...parts);
}

/**
 * The body of the message that is due, of exactly `length` bytes where that is given.
 * @throws SecureError `malformed` | `unknown_version` | what a refusal says
 */
export function decodeMessage(bytes: Uint8Array, kind: MessageKind, length?: number): Uint8Array {
  const actual = readHeader(bytes);
  if (actual === KIND.refusal) throw refusalError(bytes.subarray(HEADER_BYTES));
  if (actual !== kind) {
    throw new SecureError('malformed', `handshake message ${actual} where ${kind} is due`);
  }
  const body = bytes.subarray(HEADER_BYTES);
  if (length !== undefined && body.length !== length) {
    throw new SecureError('malformed', `handshake message ${kind} has ${body.length} bytes`);
  }
  return body;
}

/**
 * Which handshake a connection's first message opens.
 * @throws SecureError `malformed` | `unknown_version`
 */
export function firstMessageKind(bytes: Uint8Array): 'member' | 'admission' {
  const kind = readHeader(bytes);
  if (kind === KIND.m1 || kind === KIND.m1Old) return 'member';
  if (kind === KIND.jp1i) return 'admission';
  throw new SecureError('malformed', `message ${kind} opens no handshake`);
}

/**
 * The kind of a message that may be one of several.
 * @throws SecureError `malformed` | `unknown_version` | what a refusal says
 */
export function messageKind(bytes: Uint8Array): number {
  const kind = readHeader(bytes);
  if (kind === KIND.refusal) throw refusalError(bytes.subarray(HEADER_BYTES));
  return kind;
}

/** Tells the peer why the connection ends, e.g. `busy`. */
export function encodeRefusal(code: SecureErrorCode): Uint8Array {
  const reason = Object.keys(REFUSALS).indexOf(code);
  return encodeMessage(KIND.refusal, Uint8Array.of(reason < 0 ? 0xff : reason));
}

function readHeader(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES || !equalBytes(bytes.subarray(0, 4), MAGIC)) {
    throw new SecureError('malformed', 'not a swarmplane handshake');
  }
  if (bytes[4] !== VERSION) {
    throw new SecureError(
      'unknown_version',
      `the peer speaks protocol version ${bytes[4]}, this program speaks ${VERSION}`,
      { reply: encodeRefusal('unknown_version') },
    );
  }
  return bytes[5]!;
}

function refusalError(body: Uint8Array): SecureError {
  if (body.length !== 1) return new SecureError('malformed', 'a refusal of the wrong length');
  const code = Object.keys(REFUSALS)[body[0]!] as keyof typeof REFUSALS | undefined;
  if (code === undefined) return new SecureError('malformed', 'the peer refused, reason unknown');
  return new SecureError(code, `the peer refused: ${REFUSALS[code]}`, { fromPeer: true });
}

/** In wire order; a code's place is its number. */
const REFUSALS = {
  busy: 'it has no room for a handshake now; try again later',
  wrong_secret: 'the join secrets differ; use the token that the swarm uses now',
  wrong_epoch: 'it is in another epoch',
  wrong_swarm: 'it belongs to another swarm',
  not_admitted: 'it was not admitted to the swarm itself yet',
  unknown_version: 'it speaks another version of the protocol',
  unknown_suite: 'it does not know this key exchange',
  bad_admission: 'the admission that was shown is not of the token that was named',
  unknown_token: 'it knows no such join token; use one that `swarmplane token list` shows',
  token_ended: 'that join token has ended; `swarmplane token new` makes another',
  token_used_up:
    'that join token has let in as many hosts as it may; `swarmplane token new` makes another',
  wrong_clock: 'its clock is behind the time at which the join token was made',
  swarm_full: 'the swarm has as many hosts as it can have',
  expelled: 'the operator has expelled this host',
} as const;

const MAGIC = utf8('SWPL');
/** Raised with admissions. */
const VERSION = 2;
