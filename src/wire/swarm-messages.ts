/**
 * What members say to each other inside a sealed session: one MessagePack map per message, `t`
 * names its type. Signed objects travel inside as bytes. Unknown types and fields are ignored, so
 * that versions can live side by side; known ones are checked here, at the door.
 */
import { EPOCH_ID_BYTES, PART_BYTES_MAX, PARTS_MAX } from './epoch-part.ts';
import { WireError } from './errors.ts';
import { pack, unpack } from './pack.ts';
import type { Packable } from './pack.ts';
import { PROBE_ANSWER_MAX, PROBE_QUESTION_MAX } from './swarm-messages-probe.ts';
import type { ProbedMessage, ProbeMessage } from './swarm-messages-probe.ts';

export * from './swarm-messages-signed.ts';
export * from './swarm-messages-answer.ts';
export * from './swarm-messages-probe.ts';
export {
  ADDRESSES_MAX,
  INCARNATION_MAX,
  isLabel,
  isMemberAddress,
  LABELS_BYTES_MAX,
  LABELS_MAX,
} from './swarm-messages-member.ts';
export type { MemberBody, ShownPrekey } from './swarm-messages-member.ts';
export type { SealBody } from './swarm-messages-seal.ts';

/** Keeps a silent link alive. */
export interface HeartbeatMessage {
  readonly t: 'heartbeat';
}

/** The last message on a link: a copy of the receiver's state folder takes its turns with it here. */
export interface FrozenMessage {
  readonly t: 'frozen';
}

/** MEMBER, ACCUSE and FORGET, in an order in which each can be checked. */
export interface NewsMessage {
  readonly t: 'news';
  readonly objects: readonly Uint8Array[];
}

/**
 * What the sender knows of the members whose id prefix is in `from`..`to` (8 bytes, inclusive):
 * entries of 16 bytes, id prefix and state hash. The receiver sends news where it knows other.
 */
export interface SummaryMessage {
  readonly t: 'summary';
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly entries: Uint8Array;
  /** The receiver shall send its own summary, too. */
  readonly back: boolean;
}

/** Hash of the whole table; whoever has another answers with a summary. */
export interface DigestMessage {
  readonly t: 'digest';
  readonly hash: Uint8Array;
}

/** A record of the operator, as signed. */
export interface RecordMessage {
  readonly t: 'record';
  readonly bytes: Uint8Array;
}

/** What the sender holds of the operator's records, so that the other sees what differs. */
export interface HoldsMessage {
  readonly t: 'holds';
  /** First 8 bytes of SHA-256 over the hashes of the revocation lists in force, sorted; empty without any. */
  readonly lists: Uint8Array;
  /** Id of the highest EPOCH that it holds whole, 16 bytes; zeros for none. */
  readonly epoch: Uint8Array;
  /** First 8 bytes of SHA-256 over tag and hash of the tokens of that epoch, sorted; empty without any. */
  readonly tokens: Uint8Array;
  /** First 8 bytes of SHA-256 over its head certificates in the order of node ids; empty without any. */
  readonly heads: Uint8Array;
}

/** The tokens of an epoch that the sender holds: entries of 16 bytes, tag and hash. */
export interface TokensMessage {
  readonly t: 'tokens';
  readonly epoch: Uint8Array;
  readonly entries: Uint8Array;
  /** The receiver shall say what it holds, too. */
  readonly back: boolean;
}

/** Asks for a part of an EPOCH. */
export interface PartWantMessage {
  readonly t: 'part-want';
  /** 16 bytes. */
  readonly epoch: Uint8Array;
  readonly number: number;
}

export interface PartMessage {
  readonly t: 'part';
  readonly epoch: Uint8Array;
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** Asks for entries of a node's key list, from a version on. */
export interface KeysWantMessage {
  readonly t: 'keys-want';
  readonly node: Uint8Array;
  readonly from: number;
}

/** SEALs of audit chains, oldest first. */
export interface SealsMessage {
  readonly t: 'seals';
  readonly heads: readonly Uint8Array[];
}

/** The newest seals the sender keeps: entries of 56 bytes, chain 16, hub 32, number u64. */
export interface SealsHaveMessage {
  readonly t: 'seals-have';
  readonly newest: Uint8Array;
}

/** Consecutive entries of one key list. */
export interface KeysMessage {
  readonly t: 'keys';
  readonly entries: readonly Uint8Array[];
}

/** Asks for the record of a node. */
export interface WantMessage {
  readonly t: 'want';
  readonly node: Uint8Array;
}

/** A REQ on its way. `hops` and `ms` only fall; no body means that it is to be pulled. */
export interface RequestMessage {
  readonly t: 'request';
  readonly signed: Uint8Array;
  readonly body?: Uint8Array;
  readonly hops: number;
  readonly ms: number;
}

/** Asks for a whole request, body included, of which one has heard. */
export interface PullMessage {
  readonly t: 'pull';
  readonly id: Uint8Array;
  readonly origin: Uint8Array;
}

/** One sealed chunk of an answer on its way to the origin. */
export interface ReplyMessage {
  readonly t: 'reply';
  readonly id: Uint8Array;
  readonly origin: Uint8Array;
  readonly node: Uint8Array;
  /** Ephemeral X25519 public key of the answer. */
  readonly key: Uint8Array;
  readonly chunk: number;
  readonly final: boolean;
  readonly sealed: Uint8Array;
  readonly hops: number;
}

/** A signed ACCEPTED on its way to the origin. */
export interface AcceptedMessage {
  readonly t: 'accepted';
  readonly signed: Uint8Array;
  readonly hops: number;
}

/** A signed BEACON or CANCEL, flooded. */
export interface FloodMessage {
  readonly t: 'flood';
  readonly signed: Uint8Array;
  readonly hops: number;
}

export type SwarmMessage =
  | HeartbeatMessage
  | FrozenMessage
  | NewsMessage
  | SummaryMessage
  | DigestMessage
  | WantMessage
  | RecordMessage
  | HoldsMessage
  | TokensMessage
  | PartWantMessage
  | PartMessage
  | KeysWantMessage
  | KeysMessage
  | ProbeMessage
  | ProbedMessage
  | SealsMessage
  | SealsHaveMessage
  | RequestMessage
  | PullMessage
  | ReplyMessage
  | AcceptedMessage
  | FloodMessage;

/** Largest body of a request, bytes. */
export const REQUEST_BODY_MAX = 128 * 1024;
/** Sealing a body to as many hosts as a request may name adds no more than this. */
export const SEALING_BYTES_MAX = 4 * 1024;
/** Bodies up to this size travel beside their REQ. */
export const REQUEST_BODY_BESIDE_MAX = 2 * 1024;
/** Hops a flood may take. */
export const HOPS_MAX = 32;
/** Plaintext bytes of an answer in one chunk. */
export const CHUNK_BYTES = 64 * 1024;
/** Largest answer, bytes. */
export const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** Longest time a request may live, milliseconds. */
export const REQUEST_MS_MAX = 600_000;
/** Bytes of news that one message should not exceed. */
export const NEWS_BYTES = 64 * 1024;
/** Largest record of the operator: a revocation list, in a frame of 256 KiB. */
export const OPERATOR_RECORD_MAX = 250 * 1024;
/** Bytes of one entry in a summary. */
export const SUMMARY_ENTRY_BYTES = 16;
/** Tokens of one epoch; beyond that the lowest tags stay. */
export const TOKENS_MAX = 512;
/** Bytes of one entry in `tokens`. */
export const TOKEN_ENTRY_BYTES = 16;
/** Seals in one message. */
export const SEALS_MAX = 128;
/** Bytes of one entry in `seals-have`. */
export const SEALS_HAVE_BYTES = 56;

/** The highest number of a chunk. */
const CHUNK_MAX = ANSWER_BYTES_MAX / CHUNK_BYTES - 1;
const CHUNK_OVERHEAD = 8 * 1024;
const OBJECTS_MAX = 1024;
const KEY_ENTRIES_MAX = 1024;
const SUMMARY_BYTES_MAX = 128 * 1024;
const BODY_MAX = REQUEST_BODY_MAX + SEALING_BYTES_MAX;
const SEAL_CHAINS_MAX = 64;

export function encodeMessage(message: SwarmMessage): Uint8Array {
  return pack(message);
}

/**
 * Undefined for a message of a type that this version does not know.
 * @throws WireError
 */
export function decodeMessage(bytes: Uint8Array): SwarmMessage | undefined {
  const value = unpack(bytes);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new WireError('malformed', 'a message is a map');
  }
  const map = value as Fields;
  const type = map['t'];
  if (typeof type !== 'string') throw new WireError('malformed', 'a message without a type');
  return Object.hasOwn(READERS, type) ? READERS[type as SwarmMessage['t']](map) : undefined;
}

type Fields = Readonly<Record<string, Packable | undefined>>;

const READERS: { readonly [T in SwarmMessage['t']]: (map: Fields) => SwarmMessage } = {
  heartbeat: () => ({ t: 'heartbeat' }),
  frozen: () => ({ t: 'frozen' }),
  news: (map) => ({ t: 'news', objects: byteList(map, 'objects', OBJECTS_MAX) }),
  summary: readSummary,
  digest: (map) => ({ t: 'digest', hash: bytes(map, 'hash', 32, 32) }),
  record: (map) => ({ t: 'record', bytes: bytes(map, 'bytes', 1, OPERATOR_RECORD_MAX) }),
  holds: (map) => ({
    t: 'holds',
    lists: bytes(map, 'lists', 0, 8),
    epoch: bytes(map, 'epoch', EPOCH_ID_BYTES, EPOCH_ID_BYTES),
    tokens: bytes(map, 'tokens', 0, 8),
    heads: bytes(map, 'heads', 0, 8),
  }),
  tokens: readTokens,
  'part-want': (map) => ({
    t: 'part-want',
    epoch: bytes(map, 'epoch', EPOCH_ID_BYTES, EPOCH_ID_BYTES),
    number: integer(map, 'number', PARTS_MAX - 1),
  }),
  part: (map) => ({
    t: 'part',
    epoch: bytes(map, 'epoch', EPOCH_ID_BYTES, EPOCH_ID_BYTES),
    number: integer(map, 'number', PARTS_MAX - 1),
    bytes: bytes(map, 'bytes', 1, PART_BYTES_MAX),
  }),
  'keys-want': (map) => ({
    t: 'keys-want',
    node: bytes(map, 'node', 32, 32),
    from: integer(map, 'from', KEY_ENTRIES_MAX),
  }),
  keys: (map) => ({ t: 'keys', entries: byteList(map, 'entries', 128) }),
  probe: (map) => ({ t: 'probe', question: bytes(map, 'question', 1, PROBE_QUESTION_MAX) }),
  probed: (map) => ({ t: 'probed', signed: bytes(map, 'signed', 1, PROBE_ANSWER_MAX) }),
  seals: (map) => ({ t: 'seals', heads: byteList(map, 'heads', SEALS_MAX) }),
  'seals-have': readSealsHave,
  want: (map) => ({ t: 'want', node: bytes(map, 'node', 32, 32) }),
  request: (map) => ({
    t: 'request',
    signed: bytes(map, 'signed'),
    ...(map['body'] === undefined ? {} : { body: bytes(map, 'body', 0, BODY_MAX) }),
    hops: integer(map, 'hops', HOPS_MAX),
    ms: integer(map, 'ms', REQUEST_MS_MAX),
  }),
  pull: (map) => ({
    t: 'pull',
    id: bytes(map, 'id', 16, 16),
    origin: bytes(map, 'origin', 32, 32),
  }),
  reply: readReply,
  accepted: (map) => ({
    t: 'accepted',
    signed: bytes(map, 'signed'),
    hops: integer(map, 'hops', HOPS_MAX),
  }),
  flood: (map) => ({
    t: 'flood',
    signed: bytes(map, 'signed'),
    hops: integer(map, 'hops', HOPS_MAX),
  }),
};

function readSummary(map: Fields): SummaryMessage {
  const entries = bytes(map, 'entries', 0, SUMMARY_BYTES_MAX);
  if (entries.length % SUMMARY_ENTRY_BYTES !== 0)
    throw new WireError('malformed', 'summary entries');
  return {
    t: 'summary',
    from: bytes(map, 'from', 8, 8),
    to: bytes(map, 'to', 8, 8),
    entries,
    back: boolean(map, 'back'),
  };
}

function readTokens(map: Fields): TokensMessage {
  const entries = bytes(map, 'entries', 0, TOKENS_MAX * TOKEN_ENTRY_BYTES);
  if (entries.length % TOKEN_ENTRY_BYTES !== 0) throw new WireError('malformed', 'tokens');
  const epoch = bytes(map, 'epoch', EPOCH_ID_BYTES, EPOCH_ID_BYTES);
  return { t: 'tokens', epoch, entries, back: boolean(map, 'back') };
}

function readSealsHave(map: Fields): SealsHaveMessage {
  const newest = bytes(map, 'newest', 0, SEAL_CHAINS_MAX * SEALS_HAVE_BYTES);
  if (newest.length % SEALS_HAVE_BYTES !== 0) throw new WireError('malformed', 'seals-have');
  return { t: 'seals-have', newest };
}

function readReply(map: Fields): ReplyMessage {
  return {
    t: 'reply',
    id: bytes(map, 'id', 16, 16),
    origin: bytes(map, 'origin', 32, 32),
    node: bytes(map, 'node', 32, 32),
    key: bytes(map, 'key', 32, 32),
    chunk: integer(map, 'chunk', CHUNK_MAX),
    final: boolean(map, 'final'),
    sealed: bytes(map, 'sealed', 16, CHUNK_BYTES + CHUNK_OVERHEAD),
    hops: integer(map, 'hops', HOPS_MAX),
  };
}

function bytes(map: Fields, key: string, least = 0, most = 16 * 1024): Uint8Array {
  const value = map[key];
  if (!(value instanceof Uint8Array) || value.length < least || value.length > most) {
    throw new WireError('malformed', `"${key}" is not ${least} to ${most} bytes`);
  }
  return value;
}

function byteList(map: Fields, key: string, most: number): Uint8Array[] {
  const value = map[key];
  if (!Array.isArray(value) || value.length > most) {
    throw new WireError('malformed', `"${key}" is not a list of at most ${most}`);
  }
  return (value as Packable[]).map((item) => {
    if (!(item instanceof Uint8Array)) throw new WireError('malformed', `"${key}" holds no bytes`);
    return item;
  });
}

function integer(map: Fields, key: string, most: number): number {
  const value = map[key];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most) {
    throw new WireError('malformed', `"${key}" is not an integer from 0 to ${most}`);
  }
  return value;
}

function boolean(map: Fields, key: string): boolean {
  const value = map[key];
  if (typeof value !== 'boolean') throw new WireError('malformed', `"${key}" is not a boolean`);
  return value;
}
