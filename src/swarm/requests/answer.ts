/**
 * Answers sealed to the asker (docs/protocol.md section 8): a fresh key each, chunks whose nonce
 * carries number and final flag, signatures inside, so that relays see sizes and nothing else.
 */
import {
  ANSWER_BYTES_MAX,
  attachSignature,
  CHUNK_BYTES,
  concat,
  decodeAnswerChunk,
  decodeTrailer,
  encodeAnswerChunk,
  encodeFields,
  encodeHead,
  equalBytes,
  trailerSigningBytes,
  u64,
  utf8,
} from '../../wire/index.ts';
import type { AnswerChunk, AnswerHead, AnswerStatus, AnswerTrailer } from '../../wire/index.ts';
import type { Crypto, KeyEntry } from '../../secure/types.ts';
import type { RunOutcome } from '../types.ts';

/** How a host's carrying out ended, as the answer says it. */
export type Outcome = Omit<RunOutcome, 'status'> & { readonly status: AnswerStatus };

export interface SealedChunk {
  readonly key: Uint8Array;
  readonly chunk: number;
  readonly final: boolean;
  readonly sealed: Uint8Array;
}

/**
 * Seals an outcome, each chunk when it is taken: megabytes at once would hold up heartbeats.
 * @returns undefined when the asker's key is no good
 */
export function sealAnswer(
  crypto: Crypto,
  seed: Uint8Array,
  replyKey: Uint8Array,
  about: Omit<AnswerHead, 'key'>,
  outcome: Outcome,
): IterableIterator<SealedChunk> | undefined {
  const pair = crypto.x25519KeyPair(seed);
  const shared = crypto.x25519(pair.secretKey, replyKey);
  pair.secretKey.fill(0);
  if (shared === undefined) return undefined;
  const head = encodeHead({ ...about, key: pair.publicKey });
  const key = answerKey(crypto, shared, head);
  return sealedChunks(crypto, key, pair.publicKey, head, outcome);
}

function* sealedChunks(
  crypto: Crypto,
  key: Uint8Array,
  publicKey: Uint8Array,
  head: Uint8Array,
  outcome: Outcome,
): Generator<SealedChunk> {
  const parts = split(outcome.payload);
  for (const [chunk, data] of parts.entries()) {
    const final = chunk === parts.length - 1;
    const plain = encodeAnswerChunk({
      headSignature: chunk === 0 ? crypto.sign(head) : NOTHING,
      data,
      trailer: final ? signedTrailer(crypto, head, outcome) : NOTHING,
    });
    yield { key: publicKey, chunk, final, sealed: crypto.seal(key, nonce(chunk, final), plain) };
  }
}

/** What came of a chunk. `waiting`: not its turn, keep it out. */
export type Opened =
  | { readonly kind: 'more' }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'bad'; readonly reason: string }
  | { readonly kind: 'done'; readonly outcome: Outcome; readonly proof: Uint8Array };

/** Opens one host's answer, chunk by chunk, in order. A wrong chunk changes nothing. */
export class AnswerOpener {
  #crypto: Crypto;
  #entry: KeyEntry;
  #head: Uint8Array;
  #key: Uint8Array;
  #parts: Uint8Array[] = [];
  #headSignature: Uint8Array = NOTHING;
  #bytes = 0;

  private constructor(crypto: Crypto, entry: KeyEntry, head: Uint8Array, key: Uint8Array) {
    this.#crypto = crypto;
    this.#entry = entry;
    this.#head = head;
    this.#key = key;
  }

  /** Undefined when the answer's key is no good. */
  static create(
    crypto: Crypto,
    secretKey: Uint8Array,
    head: AnswerHead,
    entry: KeyEntry,
  ): AnswerOpener | undefined {
    const shared = crypto.x25519(secretKey, head.key);
    if (shared === undefined) return undefined;
    const encoded = encodeHead(head);
    return new AnswerOpener(crypto, entry, encoded, answerKey(crypto, shared, encoded));
  }

  /** Plaintext bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  push(chunk: Omit<SealedChunk, 'key'>): Opened {
    if (chunk.chunk < this.#parts.length) return { kind: 'repeated' };
    if (chunk.chunk > this.#parts.length) return bad('a chunk is missing');
    const plain = this.#crypto.open(this.#key, nonce(chunk.chunk, chunk.final), chunk.sealed);
    if (plain === undefined) return bad('does not open');
    let content: AnswerChunk;
    try {
      content = decodeAnswerChunk(plain);
    } catch {
      return bad('is no chunk');
    }
    if (chunk.chunk === 0 && !this.#signed(this.#head, content.headSignature)) {
      return bad('head signature is wrong');
    }
    if (this.#bytes + content.data.length > ANSWER_BYTES_MAX) return bad('too large');
    const { data } = content;
    if (chunk.final) return this.#finish([...this.#parts, data], content);
    this.#parts.push(data);
    this.#bytes += data.length;
    if (chunk.chunk === 0) this.#headSignature = content.headSignature;
    return { kind: 'more' };
  }

  #finish(parts: readonly Uint8Array[], content: AnswerChunk): Opened {
    let decoded: ReturnType<typeof decodeTrailer>;
    try {
      decoded = decodeTrailer(content.trailer);
    } catch {
      return bad('trailer is malformed');
    }
    const { trailer, signed, signature } = decoded;
    if (!this.#signed(signed, signature)) return bad('trailer signature is wrong');
    if (!equalBytes(trailer.head, this.#head)) return bad('trailer is of another answer');
    const payload = concat(...parts);
    if (!equalBytes(this.#crypto.sha256(payload), trailer.dataHash)) return bad('data was changed');
    // It is the host's word all the same: one that breaks the form has answered nothing else.
    const outcome = isInForm(trailer) ? { ...shown(trailer), payload } : BAD_ANSWER;
    const headSignature = parts.length === 1 ? content.headSignature : this.#headSignature;
    return {
      kind: 'done',
      outcome,
      proof: encodeFields([this.#entry.bytes, this.#head, headSignature, content.trailer]),
    };
  }

  #signed(message: Uint8Array, signature: Uint8Array): boolean {
    return signature.length === 64 && this.#crypto.verify(this.#entry.signKey, message, signature);
  }
}

const NOTHING = new Uint8Array(0);
const MESSAGE_MAX = 1024;
const CODE_MAX = 64;

/** A stable code, or none. */
function isInForm({ code }: AnswerTrailer): boolean {
  return CODE.test(code);
}

function shown(trailer: AnswerTrailer): Omit<Outcome, 'payload'> {
  const { status, code, message, rowCount, truncated, tookMs } = trailer;
  return { status, code, message: message.slice(0, MESSAGE_MAX), rowCount, truncated, tookMs };
}

const CODE = /^[a-z0-9_]{0,64}$/;
const BAD_ANSWER: Outcome = {
  status: 'error',
  code: 'bad_answer',
  rowCount: 0,
  truncated: false,
  tookMs: 0,
  message: 'the host ended its answer with what no answer may say',
  payload: NOTHING,
};

function bad(reason: string): Opened {
  return { kind: 'bad', reason };
}

function answerKey(crypto: Crypto, shared: Uint8Array, head: Uint8Array): Uint8Array {
  return crypto.sha512(utf8('reply'), shared, head).subarray(0, 32);
}

/** 15 zero bytes, the final flag, the chunk number. */
function nonce(chunk: number, final: boolean): Uint8Array {
  return concat(new Uint8Array(15), Uint8Array.of(final ? 1 : 0), u64(chunk));
}

function split(payload: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += CHUNK_BYTES) {
    parts.push(payload.subarray(at, at + CHUNK_BYTES));
  }
  return parts.length === 0 ? [NOTHING] : parts;
}

function signedTrailer(crypto: Crypto, head: Uint8Array, outcome: Outcome): Uint8Array {
  const signed = trailerSigningBytes({
    head,
    status: outcome.status,
    code: (outcome.code ?? '').slice(0, CODE_MAX),
    message: (outcome.message ?? '').slice(0, MESSAGE_MAX),
    rowCount: outcome.rowCount,
    truncated: outcome.truncated,
    tookMs: Math.max(0, Math.round(outcome.tookMs)),
    dataHash: crypto.sha256(outcome.payload),
  });
  return attachSignature(signed, crypto.sign(signed));
}
