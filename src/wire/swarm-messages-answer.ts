/**
 * The plaintext inside a sealed answer chunk (docs/protocol.md section 8): three fields, of which
 * the first chunk fills `headSignature` and the final one `trailer`.
 */
import { fromUtf8, readU64, u64, utf8 } from './bytes.ts';
import { WireError } from './errors.ts';
import { decodeFields, encodeFields } from './fields.ts';

export interface AnswerChunk {
  /** Signature over the head; empty but in chunk 0. */
  readonly headSignature: Uint8Array;
  readonly data: Uint8Array;
  /** A signed trailer; empty but in the final chunk. */
  readonly trailer: Uint8Array;
}

/** What binds an answer to its request: (H(REQ), node, origin, eN). */
export interface AnswerHead {
  readonly requestHash: Uint8Array;
  readonly node: Uint8Array;
  readonly origin: Uint8Array;
  readonly key: Uint8Array;
}

/** `expired`: the host ran out of the time that the request gave it. */
export type AnswerStatus = 'ok' | 'error' | 'refused' | 'expired';

export interface AnswerTrailer {
  /** The head, as encodeHead made it. */
  readonly head: Uint8Array;
  readonly status: AnswerStatus;
  /** Empty when none. */
  readonly code: string;
  readonly message: string;
  readonly rowCount: number;
  readonly truncated: boolean;
  readonly tookMs: number;
  /** SHA-256 of all data of all chunks. */
  readonly dataHash: Uint8Array;
}

const LABEL_HEAD = 'swarmplane/1 REP head';
const LABEL_TRAILER = 'swarmplane/1 REP trailer';

export function encodeHead(head: AnswerHead): Uint8Array {
  return encodeFields([utf8(LABEL_HEAD), head.requestHash, head.node, head.origin, head.key]);
}

export function encodeAnswerChunk(chunk: AnswerChunk): Uint8Array {
  return encodeFields([chunk.headSignature, chunk.data, chunk.trailer]);
}

/** @throws WireError */
export function decodeAnswerChunk(bytes: Uint8Array): AnswerChunk {
  const [headSignature, data, trailer] = decodeFields(bytes, 3) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  return { headSignature, data, trailer };
}

/** The bytes to sign; `attachSignature` completes them. */
export function trailerSigningBytes(trailer: AnswerTrailer): Uint8Array {
  return encodeFields([
    utf8(LABEL_TRAILER),
    trailer.head,
    utf8(trailer.status),
    utf8(trailer.code),
    utf8(trailer.message),
    u64(trailer.rowCount),
    Uint8Array.of(trailer.truncated ? 1 : 0),
    u64(trailer.tookMs),
    trailer.dataHash,
  ]);
}

/**
 * Takes a signed trailer apart; the signature is not checked here.
 * @throws WireError
 */
export function decodeTrailer(bytes: Uint8Array): {
  trailer: AnswerTrailer;
  signed: Uint8Array;
  signature: Uint8Array;
} {
  const fields = decodeFields(bytes, 10);
  const signature = fields[9]!;
  try {
    if (fromUtf8(fields[0]!) !== LABEL_TRAILER) throw new RangeError('label');
    if (signature.length !== 64) throw new RangeError('signature length');
    const trailer = {
      head: fields[1]!,
      status: status(fromUtf8(fields[2]!)),
      code: fromUtf8(fields[3]!),
      message: fromUtf8(fields[4]!),
      rowCount: readU64(fields[5]!),
      truncated: fields[6]![0] === 1,
      tookMs: readU64(fields[7]!),
      dataHash: fields[8]!,
    };
    return { trailer, signed: bytes.subarray(0, bytes.length - 68), signature };
  } catch (error) {
    throw new WireError('malformed', `answer trailer: ${(error as Error).message}`);
  }
}

function status(text: string): AnswerStatus {
  if (text === 'ok' || text === 'error' || text === 'refused' || text === 'expired') return text;
  throw new RangeError(`status "${text}"`);
}
