/**
 * The decoy probe (docs/protocol.md section 6): one question about several (name, address) pairs,
 * of which the asker means one, and its signed answer.
 */
import { concat, fromUtf8, readU64, u64, utf8 } from './bytes.ts';
import { WireError } from './errors.ts';
import { decodeFields, encodeFields } from './fields.ts';
import { pack, unpack } from './pack.ts';

/** Asks which nodes the receiver knows under some names and addresses; see `encodeQuestion`. */
export interface ProbeMessage {
  readonly t: 'probe';
  readonly question: Uint8Array;
}

/** A signed answer; see `decodeProbeAnswer`. */
export interface ProbedMessage {
  readonly t: 'probed';
  readonly signed: Uint8Array;
}

export interface ProbePair {
  readonly name: string;
  /** `host:port` */
  readonly address: string;
}

export interface ProbeQuestion {
  /** 16 random bytes. */
  readonly id: Uint8Array;
  readonly pairs: readonly ProbePair[];
}

/** What a witness knows under one pair: a node and the end of its key list. */
export interface KnownHead {
  readonly node: Uint8Array;
  /** Version of the newest key entry known, and the SHA-256 of that entry. */
  readonly version: number;
  readonly hash: Uint8Array;
}

export interface ProbeAnswer {
  readonly swarm: Uint8Array;
  readonly by: Uint8Array;
  readonly asker: Uint8Array;
  /** SHA-256 of the question. */
  readonly question: Uint8Array;
  /** One per pair, in their order; undefined where nothing is known. */
  readonly known: readonly (KnownHead | undefined)[];
}

/** Pairs in one question. */
export const PROBE_PAIRS_MAX = 8;
/** Largest question, bytes: eight names and addresses of 255 letters, of four bytes each. */
export const PROBE_QUESTION_MAX = 20 * 1024;
/** Largest answer, bytes. */
export const PROBE_ANSWER_MAX = 1024;

const LABEL_QUESTION = 'swarmplane/1 PROBE';
const LABEL_ANSWER = 'swarmplane/1 PROBED';
const TEXT_MAX = 255;
const SIGNATURE_FIELD_BYTES = 68;
/** node | version | hash */
const HEAD_BYTES = 32 + 8 + 32;

export function encodeQuestion({ id, pairs }: ProbeQuestion): Uint8Array {
  const list = pairs.map(({ name, address }) => [name, address]);
  return encodeFields([utf8(LABEL_QUESTION), id, pack(list)]);
}

/** @throws WireError */
export function decodeQuestion(bytes: Uint8Array): ProbeQuestion {
  const [label, id, list] = decodeFields(bytes, 3) as [Uint8Array, Uint8Array, Uint8Array];
  try {
    if (fromUtf8(label) !== LABEL_QUESTION) throw new RangeError('label');
    const pairs = unpack(list);
    if (!Array.isArray(pairs) || pairs.length > PROBE_PAIRS_MAX) throw new RangeError('pairs');
    return { id: exactly(id, 16), pairs: pairs.map(readPair) };
  } catch (error) {
    throw malformed('probe', error);
  }
}

/** The bytes to sign; `attachSignature` completes them. */
export function probeAnswerSigningBytes(answer: ProbeAnswer): Uint8Array {
  const { swarm, by, asker, question, known } = answer;
  return encodeFields([
    utf8(LABEL_ANSWER),
    ...[swarm, by, asker, question],
    concat(...known.map(writeHead)),
  ]);
}

/**
 * Takes a signed answer apart; the signature is not checked here.
 * @throws WireError
 */
export function decodeProbeAnswer(bytes: Uint8Array): {
  answer: ProbeAnswer;
  signed: Uint8Array;
  signature: Uint8Array;
} {
  const [label, swarm, by, asker, question, known, signature] = decodeFields(bytes, 7) as [
    ...[Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array],
  ];
  try {
    if (fromUtf8(label) !== LABEL_ANSWER) throw new RangeError('label');
    const answer = {
      swarm: exactly(swarm, 32),
      by: exactly(by, 32),
      asker: exactly(asker, 32),
      question: exactly(question, 32),
      known: readHeads(known),
    };
    const signed = bytes.subarray(0, bytes.length - SIGNATURE_FIELD_BYTES);
    return { answer, signed, signature: exactly(signature, 64) };
  } catch (error) {
    throw malformed('answer to a probe', error);
  }
}

function readPair(value: unknown): ProbePair {
  if (!Array.isArray(value) || value.length !== 2) throw new RangeError('pair');
  const [name, address] = value as unknown[];
  if (!isText(name) || !isText(address)) throw new RangeError('name or address');
  return { name, address };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT_MAX;
}

function writeHead(head: KnownHead | undefined): Uint8Array {
  if (head === undefined) return Uint8Array.of(0);
  return concat(Uint8Array.of(1), head.node, u64(head.version), head.hash);
}

function readHeads(bytes: Uint8Array): (KnownHead | undefined)[] {
  const heads: (KnownHead | undefined)[] = [];
  for (let at = 0; at < bytes.length;) {
    if (heads.length === PROBE_PAIRS_MAX) throw new RangeError('too many heads');
    const flag = bytes[at++]!;
    if (flag > 1) throw new RangeError(`flag ${flag}`);
    heads.push(
      flag === 0 ? undefined : readHead(exactly(bytes.subarray(at, at + HEAD_BYTES), HEAD_BYTES)),
    );
    at += flag * HEAD_BYTES;
  }
  return heads;
}

function readHead(bytes: Uint8Array): KnownHead {
  return {
    node: bytes.subarray(0, 32),
    version: readU64(bytes.subarray(32, 40)),
    hash: bytes.subarray(40),
  };
}

function exactly(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new RangeError(`${bytes.length} bytes, not ${length}`);
  return bytes;
}

function malformed(what: string, error: unknown): WireError {
  if (error instanceof WireError) return error;
  return new WireError('malformed', `${what}: ${(error as Error).message}`);
}
