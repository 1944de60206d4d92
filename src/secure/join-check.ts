/**
 * JP1, and what it is held to before anything is computed (docs/protocol.md section 3):
 *
 *   JP1  suite u8 | swarm id 32 | token tag 8 | made u64 | challenge 16 | round 1 353 | MAC 32
 */
import { equalBytes } from '../wire/index.ts';
import { SecureError } from './errors.ts';
import { encodeFirst, encodeStamp, FirstCheck, isMadeUnder } from './first-message.ts';
import { MAC_BYTES, readStamp, STAMP_BYTES, type IsFresh } from './first-message.ts';
import { expandLabel } from './hash.ts';
import { ROUND1_BYTES } from './jpake-guard.ts';
import { decodeMessage, encodeRefusal, KIND } from './messages.ts';
import type { JoiningKeys, NodeId, TokenRecord } from './types.ts';

/** What lets hosts in at this host: the tokens that it knows, and their seats. */
export interface Gate {
  /**
   * The token of a tag, where it lets hosts in here and now.
   * @throws SecureError `unknown_token` | `token_ended` | `token_used_up` | `wrong_clock` | `swarm_full`
   */
  token(tag: Uint8Array): TokenRecord;
  /** Keeps a seat for a node whose admission is good. @throws SecureError `unknown_token` | `token_used_up` | `expelled` */
  seat(token: TokenRecord, nodeId: NodeId): void;
}

const SUITE_JPAKE_SECP256K1_SHA256 = 1;
/** Suite, swarm id, tag. */
const NAMED_BYTES = 1 + 32 + 8;
const JP1_BODY_BYTES = NAMED_BYTES + STAMP_BYTES + ROUND1_BYTES + MAC_BYTES;

export interface Jp1Options extends Pick<JoiningKeys, 'joinKey' | 'tag'> {
  readonly swarmId: Uint8Array;
  /** Unix milliseconds. */
  readonly wallMs: number | undefined;
  readonly challenge: Uint8Array | undefined;
}

export function encodeJp1(options: Jp1Options, round1: Uint8Array): Uint8Array {
  const { joinKey, tag, swarmId, wallMs, challenge } = options;
  const named = [Uint8Array.of(SUITE_JPAKE_SECP256K1_SHA256), swarmId, tag];
  const stamp = encodeStamp(wallMs, challenge);
  return encodeFirst(KIND.jp1i, jp1Key(joinKey, swarmId), ...named, stamp, round1);
}

/**
 * JP1 before it is given a place in a queue: right suite and swarm, a token that lets hosts in, made by
 * somebody who has that token's join key, and now.
 */
export class JoinCheck {
  readonly #at: JoinAt;
  readonly #first: FirstCheck;

  constructor(at: JoinAt, random: (n: number) => Uint8Array, isFresh: IsFresh) {
    this.#at = at;
    this.#first = new FirstCheck(random, isFresh);
  }

  /**
   * A CHALLENGE to send, or undefined where this JP1 may go on.
   * @throws SecureError with a refusal
   */
  judge(message: Uint8Array): Uint8Array | undefined {
    try {
      checkJp1(message, this.#at);
      const stamp = message.subarray(message.length - JP1_BODY_BYTES + NAMED_BYTES);
      return this.#first.judge(readStamp(stamp), message);
    } catch (error) {
      throw withRefusal(error);
    }
  }
}

/** What JP1 is held to. */
export interface JoinAt {
  readonly swarmId: Uint8Array;
  readonly gate: Gate;
}

/** @throws SecureError */
export function checkJp1(message: Uint8Array, { swarmId, gate }: JoinAt): TokenRecord {
  const body = decodeMessage(message, KIND.jp1i, JP1_BODY_BYTES);
  if (body[0] !== SUITE_JPAKE_SECP256K1_SHA256) {
    throw new SecureError('unknown_suite', `the peer asks for key exchange ${body[0]}`);
  }
  if (!equalBytes(body.subarray(1, 33), swarmId)) {
    throw new SecureError('wrong_swarm', 'the peer wants to join another swarm');
  }
  const token = gate.token(body.slice(33, NAMED_BYTES));
  if (isMadeUnder(message, jp1Key(token.joinKey, swarmId))) return token;
  throw new SecureError('wrong_secret', 'JP1 was made without the join key of the token it names');
}

function jp1Key(joinKey: Uint8Array, swarmId: Uint8Array): Uint8Array {
  return expandLabel(joinKey, 'jp1 mac', swarmId);
}

/** Of a whole JP1. */
export function round1Of(jp1: Uint8Array): Uint8Array {
  return jp1.subarray(-(ROUND1_BYTES + MAC_BYTES), -MAC_BYTES);
}

/** The peer is told of a wrong secret and the like, so that both sides can show a clear message. */
export function withRefusal(error: unknown): unknown {
  if (!(error instanceof SecureError) || error.reply !== undefined) return error;
  if (error.fromPeer || !TOLD.has(error.code)) return error;
  return new SecureError(error.code, error.message, {
    cause: error.cause,
    reply: encodeRefusal(error.code),
  });
}

const TOLD = new Set([
  ...['wrong_secret', 'wrong_swarm', 'not_admitted', 'unknown_suite', 'bad_admission'],
  ...['unknown_token', 'token_ended', 'token_used_up', 'wrong_clock', 'swarm_full', 'expelled'],
]);
