/**
 * The signed objects of the swarm (docs/protocol.md sections 7 and 8): fixed fields, the last one
 * an Ed25519 signature over everything before its length prefix. The first field is a label, so
 * that a signature made for one kind is never good for another.
 */
import { concat, readU64, u64, utf8 } from './bytes.ts';
import { WireError } from './errors.ts';
import { atMost, KEY_VERSION_MAX, text } from './field-readers.ts';
import { decodeFields, encodeFields, exactly } from './fields.ts';
import {
  INCARNATION_MAX,
  MEMBER_BYTES_MAX,
  readMember,
  writeMember,
} from './swarm-messages-member.ts';
import type { MemberBody } from './swarm-messages-member.ts';
import { readSeal, writeSeal } from './swarm-messages-seal.ts';
import type { SealBody } from './swarm-messages-seal.ts';

/** `by` lost its link to `node` and could not reach it again. */
export interface AccuseBody {
  readonly kind: 'accuse';
  readonly swarm: Uint8Array;
  readonly node: Uint8Array;
  /** Of the record that is doubted; a higher one refutes. */
  readonly incarnation: number;
  readonly by: Uint8Array;
}

/** `by` was told that `node` is not expected any more. Fields as in AccuseBody. */
export interface ForgetBody extends Omit<AccuseBody, 'kind'> {
  readonly kind: 'forget';
}

export interface RequestBody {
  readonly kind: 'request';
  readonly version: number;
  readonly swarm: Uint8Array;
  readonly epoch: number;
  /** 16 random bytes. */
  readonly id: Uint8Array;
  readonly origin: Uint8Array;
  readonly keyVersion: number;
  /** Ephemeral X25519 public key that answers are sealed to. */
  readonly replyKey: Uint8Array;
  /** Unix milliseconds, by the origin's clock. */
  readonly issued: number;
  readonly expires: number;
  readonly what: string;
  /** Node ids, undefined for all. */
  readonly targets: readonly Uint8Array[] | undefined;
  /** Empty when none. */
  readonly certificate: Uint8Array;
  /** SHA-256 over the sorted ids of the expected set. */
  readonly expected: Uint8Array;
  /** SHA-256 of the body as it travels: sealed, where targets are named. */
  readonly bodyHash: Uint8Array;
}

/** Shows relays the way to the origin, and who is still waited for. */
export interface BeaconBody {
  readonly kind: 'beacon';
  readonly swarm: Uint8Array;
  readonly id: Uint8Array;
  readonly origin: Uint8Array;
  /** Grows with each beacon of a request. */
  readonly sequence: number;
  /** 8-byte prefixes of node ids, undefined for all. */
  readonly missing: readonly Uint8Array[] | undefined;
}

export interface CancelBody {
  readonly kind: 'cancel';
  readonly swarm: Uint8Array;
  readonly id: Uint8Array;
  readonly origin: Uint8Array;
}

/** A host that needs longer says that it has begun. */
export interface AcceptedBody {
  readonly kind: 'accepted';
  readonly swarm: Uint8Array;
  readonly id: Uint8Array;
  readonly origin: Uint8Array;
  readonly node: Uint8Array;
}

export type SignedBody =
  | MemberBody
  | AccuseBody
  | ForgetBody
  | RequestBody
  | BeaconBody
  | CancelBody
  | AcceptedBody
  | SealBody;

/** A signed object taken apart. `bytes` is what is kept and relayed. */
export interface SignedObject<B extends SignedBody = SignedBody> {
  readonly body: B;
  readonly bytes: Uint8Array;
  /** What the signature is over. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** Version in REQ. */
export const REQUEST_VERSION = 1;
/** Most node ids a request may name. */
export const TARGETS_MAX = 64;
/** Most letters of a request's kind. */
export const KIND_MAX = 32;
/** Most beacons of one request. */
export const BEACONS_MAX = 1_024;
/** Above this many missing members a beacon says `all`. */
export const MISSING_MAX = 500;
/** Largest signed object, bytes: a REQ to 64 hosts with a certificate, or a MEMBER with many labels. */
export const SIGNED_BYTES_MAX = 16 * 1024;

const SIGNATURE_BYTES = 64;
const SIGNATURE_FIELD_BYTES = 4 + SIGNATURE_BYTES;

/** The bytes to sign. */
export function signingBytes(body: SignedBody): Uint8Array {
  return encodeFields([utf8(LABELS[body.kind]), ...writeBody(body)]);
}

/** Puts a signature of 64 bytes behind what it is over. */
export function attachSignature(signed: Uint8Array, signature: Uint8Array): Uint8Array {
  return concat(signed, encodeFields([signature]));
}

/**
 * Takes a signed object apart; the signature is not checked here.
 * @throws WireError
 */
export function decodeSigned(bytes: Uint8Array): SignedObject {
  if (bytes.length > SIGNED_BYTES_MAX) {
    throw new WireError('too_many', `signed object of ${bytes.length} bytes`);
  }
  const kind = peekKind(bytes);
  if (kind === 'member') atMost(bytes, MEMBER_BYTES_MAX, 'member record');
  const fields = decodeFields(bytes, FIELD_COUNTS[kind] + 2);
  const signature = exactly(fields.at(-1)!, SIGNATURE_BYTES, 'signature');
  const signed = bytes.subarray(0, bytes.length - SIGNATURE_FIELD_BYTES);
  try {
    return { body: readBody(kind, fields.slice(1, -1)), bytes, signed, signature };
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError('malformed', `${kind}: ${(error as Error).message}`);
  }
}

type Kind = SignedBody['kind'];

const LABELS: Readonly<Record<Kind, string>> = {
  member: 'swarmplane/2 MEMBER',
  accuse: 'swarmplane/2 ACCUSE',
  forget: 'swarmplane/2 FORGET',
  request: 'swarmplane/1 REQ',
  beacon: 'swarmplane/1 BEACON',
  cancel: 'swarmplane/1 CANCEL',
  accepted: 'swarmplane/1 ACCEPTED',
  seal: 'swarmplane/1 SEAL',
};

/** Fields between label and signature. */
const FIELD_COUNTS: Readonly<Record<Kind, number>> = {
  member: 13,
  accuse: 4,
  forget: 4,
  request: 14,
  beacon: 5,
  cancel: 3,
  accepted: 4,
  seal: 7,
};

const KINDS = new Map(Object.entries(LABELS).map(([kind, label]) => [label, kind as Kind]));

function peekKind(bytes: Uint8Array): Kind {
  const length = bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const label = Buffer.from(bytes.subarray(4, 4 + Math.min(length, 64))).toString('latin1');
  const kind = KINDS.get(label);
  if (kind === undefined) throw new WireError('malformed', `unknown signed object "${label}"`);
  return kind;
}

function writeBody(body: SignedBody): Uint8Array[] {
  switch (body.kind) {
    case 'member':
      return writeMember(body);
    case 'accuse':
    case 'forget':
      return [body.swarm, body.node, u64(body.incarnation), body.by];
    case 'request':
      return writeRequest(body);
    case 'beacon':
      return [body.swarm, body.id, body.origin, u64(body.sequence), writeIds(body.missing)];
    case 'cancel':
      return [body.swarm, body.id, body.origin];
    case 'accepted':
      return [body.swarm, body.id, body.origin, body.node];
    case 'seal':
      return writeSeal(body);
  }
}

function readBody(kind: Kind, fields: Uint8Array[]): SignedBody {
  if (kind === 'request') return readRequest(fields);
  const [a, b, c, d, e] = fields as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const swarm = exactly(a, 32, 'swarm');
  switch (kind) {
    case 'member':
      return readMember(swarm, fields);
    case 'accuse':
    case 'forget': {
      const by = exactly(d, 32, 'accuser');
      return {
        kind,
        swarm,
        node: exactly(b, 32, 'node'),
        incarnation: readU64(c, INCARNATION_MAX),
        by,
      };
    }
    case 'beacon':
      return {
        ...readOrigin(swarm, b, c),
        kind,
        sequence: readU64(d, BEACONS_MAX),
        missing: readIds(e, 8, MISSING_MAX),
      };
    case 'cancel':
      return { ...readOrigin(swarm, b, c), kind };
    case 'accepted':
      return { ...readOrigin(swarm, b, c), kind, node: exactly(d, 32, 'node') };
    case 'seal':
      return readSeal(swarm, fields);
  }
}

function readOrigin(swarm: Uint8Array, id: Uint8Array, origin: Uint8Array) {
  return { swarm, id: exactly(id, 16, 'request id'), origin: exactly(origin, 32, 'origin') };
}

function writeRequest(body: RequestBody): Uint8Array[] {
  return [
    Uint8Array.of(body.version),
    body.swarm,
    u64(body.epoch),
    body.id,
    body.origin,
    u64(body.keyVersion),
    body.replyKey,
    u64(body.issued),
    u64(body.expires),
    utf8(body.what),
    writeIds(body.targets),
    body.certificate,
    body.expected,
    body.bodyHash,
  ];
}

function readRequest(fields: readonly Uint8Array[]): RequestBody {
  return {
    kind: 'request',
    version: exactly(fields[0]!, 1, 'version')[0]!,
    swarm: exactly(fields[1]!, 32, 'swarm'),
    epoch: readU64(fields[2]!),
    id: exactly(fields[3]!, 16, 'request id'),
    origin: exactly(fields[4]!, 32, 'origin'),
    keyVersion: readU64(fields[5]!, KEY_VERSION_MAX),
    replyKey: exactly(fields[6]!, 32, 'reply key'),
    issued: readU64(fields[7]!),
    expires: readU64(fields[8]!),
    what: text(fields[9]!, KIND_MAX),
    targets: readIds(fields[10]!, 32, TARGETS_MAX),
    certificate: atMost(fields[11]!, 8192, 'certificate'),
    expected: exactly(fields[12]!, 32, 'expected set'),
    bodyHash: exactly(fields[13]!, 32, 'body hash'),
  };
}

/** One byte, 0 for all and 1 for a list, then the ids. */
function writeIds(ids: readonly Uint8Array[] | undefined): Uint8Array {
  return ids === undefined ? Uint8Array.of(0) : concat(Uint8Array.of(1), ...ids);
}

function readIds(bytes: Uint8Array, size: number, most: number): Uint8Array[] | undefined {
  if (bytes.length === 1 && bytes[0] === 0) return undefined;
  const count = (bytes.length - 1) / size;
  if (bytes[0] !== 1 || !Number.isInteger(count) || count > most) throw new RangeError('id list');
  return Array.from({ length: count }, (_, i) => bytes.subarray(1 + i * size, 1 + (i + 1) * size));
}
