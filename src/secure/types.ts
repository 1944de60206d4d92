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
}

/** What one host holds of the swarm's secrets. Written only to files of mode 0600. */
export interface SwarmSecrets {
  /** SHA-256 of the operator's Ed25519 public key: pins that key. 32 bytes. */
  readonly swarmId: Uint8Array;
  /** The operator's Ed25519 public key once known; its hash is the swarm id. */
  readonly operatorKey?: Uint8Array;
  readonly epoch: number;
  /** 32 bytes; undefined on a host that was not admitted yet. */
  readonly epochKey?: Uint8Array;
  /** scrypt of the join secret, 32 bytes: what J-PAKE runs on. */
  readonly joinKey: Uint8Array;
  /** Earlier epoch keys, kept 30 days: to recognise a host that was away (section 4). */
  readonly previous?: readonly PreviousEpoch[];
  /** The operator's EPOCH record of the present epoch, as signed: the answer to such a host. */
  readonly epochRecord?: Uint8Array;
}

export interface PreviousEpoch {
  readonly epoch: number;
  readonly epochKey: Uint8Array;
  /** Unix seconds when it was replaced. */
  readonly replacedAt: number;
}

/** A record of the operator that spreads like member records, verified. */
export interface OperatorRecord {
  readonly kind: OperatorRecordKind;
  /** The number of a revocation list, the epoch of an EPOCH record: the highest wins. */
  readonly number: number;
  /** Node ids that a revocation list expels; none in other kinds. */
  readonly expelled: readonly NodeId[];
  /** As signed. */
  readonly bytes: Uint8Array;
}

export type OperatorRecordKind = 'revocations' | 'epoch';
