/** What the rooms above need to know of secure, without its code. */

/** Node id: 64 lower-case hex digits, SHA-256 over the first public key and the next-key commitment. */
export type NodeId = string;

/**
 * The primitives the swarm core calls, synchronously. Injected, so that the simulator can swap it.
 * Keys: Ed25519 and X25519 public keys 32 bytes, secret keys 32 bytes (seed), signatures 64 bytes.
 */
export interface Crypto {
  /** Ed25519 with this node's current identity key (RFC 8032). */
  sign(message: Uint8Array): Uint8Array;
  /** Strict: refuses non-canonical S, non-canonical and small-order keys. Never throws. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** X25519 key pair from 32 random bytes (RFC 7748). */
  x25519KeyPair(seed: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array };
  /** X25519; undefined for low-order points and all-zero shared secrets. */
  x25519(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
  sha256(...parts: Uint8Array[]): Uint8Array;
  sha512(...parts: Uint8Array[]): Uint8Array;
  /** NaCl secretbox: key 32 bytes, nonce 24 bytes; result is 16 bytes longer than `plain`. */
  seal(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array): Uint8Array;
  /** Undefined when the box does not authenticate. */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
  /** False for a public key that `x25519` refuses whatever the secret. */
  isX25519Key(publicKey: Uint8Array): boolean;
  /** One text sealed to many keys, all of them good ones (docs/protocol.md section 4). */
  sealToMany(options: SealToManyOptions): Uint8Array;
  /** Undefined when it holds nothing for this key, or is no such thing. Never throws. */
  openFromMany(
    sealed: Uint8Array,
    own: Recipient & { readonly secretKey: Uint8Array },
    context: Uint8Array,
  ): Uint8Array | undefined;
}

/** `id`: 32 bytes, e.g. a node id. */
export interface Recipient {
  readonly id: Uint8Array;
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

export interface SealToManyOptions {
  readonly recipients: readonly Recipient[];
  readonly plain: Uint8Array;
  /** What the box belongs to; opening demands the same. */
  readonly context: Uint8Array;
  readonly random: (n: number) => Uint8Array;
}

/** The newest key entry of a node, parsed and verified (docs/protocol.md section 6). */
export interface KeyEntry {
  readonly nodeId: NodeId;
  /** 0 for the first entry. */
  readonly version: number;
  /** Ed25519 public key, 32 bytes. */
  readonly signKey: Uint8Array;
  /** X25519 public key, 32 bytes. */
  readonly boxKey: Uint8Array;
  /** SHA-256 over the next pair of public keys: the commitment. */
  readonly nextHash: Uint8Array;
  /** SHA-256 of the previous entry's bytes, 32 zero bytes in the first. */
  readonly previousHash: Uint8Array;
  /** Unix seconds. */
  readonly time: number;
  /** The entry as signed, byte for byte. */
  readonly bytes: Uint8Array;
}

/** Who is at the other end of an authenticated link. */
export interface PeerIdentity {
  readonly nodeId: NodeId;
  /** Random at each start of the peer, 16 bytes. */
  readonly bootId: Uint8Array;
  readonly entry: KeyEntry;
  /** Its newest admission as it showed it, 72 bytes, or empty; judged by who uses the session. */
  readonly admission: Uint8Array;
}

/** `number u64 | first 8 bytes of H(head)` as 32 hex digits. They compare as text: greater wins. */
export type EpochId = string;

/** What one host holds of the swarm's secrets. Written only to files of mode 0600. */
export interface SwarmSecrets {
  /** SHA-256 of the operator's Ed25519 public key: pins that key. 32 bytes. */
  readonly swarmId: Uint8Array;
  /** The operator's Ed25519 public key once known; its hash is the swarm id. */
  readonly operatorKey?: Uint8Array;
  /** What is known of further keys of the operator, and of keys that were revoked; as signed. */
  readonly operators?: readonly Uint8Array[];
  readonly epoch: number;
  /** 32 bytes; undefined on a host that was not admitted yet. */
  readonly epochKey?: Uint8Array;
  readonly epochId?: EpochId;
  /** The EPOCH head of the present epoch, as signed. */
  readonly head?: Uint8Array;
  /** This host's newest admission by a token; none on one that was only ever admitted by rolls. */
  readonly admission?: Uint8Array;
  /** Of earlier epochs, the last one first: to recognise a host that was away (section 4). */
  readonly previous?: readonly PreviousEpoch[];
  /** On a host that is about to join, in memory only: of the join token. Never written. */
  readonly joining?: JoiningKeys;
}

/** What a joining host has of its token; the seed is wiped once it has signed. */
export interface JoiningKeys {
  readonly joinKey: Uint8Array;
  readonly seed: Uint8Array;
  readonly tag: Uint8Array;
}

export interface PreviousEpoch {
  readonly epoch: number;
  /** Kept 30 days. */
  readonly epochKey?: Uint8Array;
  /** Kept 400 days. */
  readonly ways: WayKeys;
  /** Unix seconds when it was replaced. */
  readonly replacedAt: number;
}

/** Derived from an epoch key; none of them opens a session. */
export interface WayKeys {
  /** Makes the MAC of M1. */
  readonly m1: Uint8Array;
  /** Makes the MAC of M1 under an earlier epoch. */
  readonly old: Uint8Array;
  /** Asks for a part of an EPOCH, and seals it. */
  readonly part: Uint8Array;
}

/** A record of the operator that spreads like member records, verified. */
export type OperatorRecord =
  KeyStatement | RevocationRecord | EpochHead | TokenRecord | HeadRecord | HubRecord;

export type OperatorRecordKind = OperatorRecord['kind'];

/** What one key of the operator says of another, or of itself. */
export interface KeyStatement {
  readonly kind: 'operator-key';
  readonly verb: 'add' | 'revoke';
  /** Public key that says it, 64 hex digits. */
  readonly signer: string;
  /** Public key that it is about, 64 hex digits. */
  readonly key: string;
  /** The lower, the more senior among the keys that one added. */
  readonly number: number;
  /** Unix seconds, for people. */
  readonly made: number;
  /** For people. */
  readonly name: string;
  /** With a revocation: keys that the revoked one added, and that stay. */
  readonly stay: readonly string[];
  /** SHA-256 of the record, 64 hex digits. */
  readonly hash: string;
  readonly bytes: Uint8Array;
}

export interface RevocationRecord {
  readonly kind: 'revocations';
  readonly number: number;
  /** SHA-256 of the record, 64 hex digits. */
  readonly hash: string;
  /** Hashes of the lists that it stands in place of. */
  readonly merges: readonly string[];
  /** Prefixes of the node ids that it expels, 32 hex digits each. */
  readonly expelled: readonly string[];
  /** Certificate serials that it revokes, 32 hex digits each. */
  readonly serials: readonly string[];
  /** As signed. */
  readonly bytes: Uint8Array;
}

export interface EpochHead {
  readonly kind: 'epoch';
  /** The epoch. */
  readonly number: number;
  readonly id: EpochId;
  /** What it was made from. */
  readonly parent?: EpochId;
  /** Unix seconds. */
  readonly time: number;
  readonly ephemeral: Uint8Array;
  readonly keyHash: Uint8Array;
  readonly sealed: Uint8Array;
  readonly parts: readonly EpochPart[];
  readonly bytes: Uint8Array;
}

export interface EpochPart {
  /** SHA-256, see `partHashInput`. */
  readonly hash: Uint8Array;
  /** Prefix of its first slot, 16 bytes. */
  readonly first: Uint8Array;
}

export interface TokenRecord {
  readonly kind: 'token';
  /** 16 hex digits. */
  readonly tag: string;
  /** The same as `version`. */
  readonly number: number;
  readonly epochId: EpochId;
  readonly version: number;
  readonly publicKey: Uint8Array;
  readonly joinKey: Uint8Array;
  /** Hosts that it may bring. */
  readonly uses: number;
  /** Unix seconds. */
  readonly made: number;
  readonly notAfter: number;
  readonly note: string;
  /** The name of the one host it is for; empty for any. */
  readonly host: string;
  readonly state: 'open' | 'ended';
  readonly bytes: Uint8Array;
}

export interface HeadRecord {
  readonly kind: 'head';
  /** Unix seconds: the highest about one node wins. */
  readonly number: number;
  readonly head: NamedHead;
  readonly bytes: Uint8Array;
}

/** The operator's word that a node is a hub. */
export interface HubRecord {
  readonly kind: 'hub';
  /** The same as `notBefore`: the highest about one node wins. */
  readonly number: number;
  readonly nodeId: NodeId;
  /** Unix seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** 32 hex digits. */
  readonly serial: string;
  readonly bytes: Uint8Array;
}

/** One entry of a node's key list, by its SHA-256. */
export interface NamedHead {
  readonly nodeId: NodeId;
  readonly version: number;
  readonly hash: Uint8Array;
}
