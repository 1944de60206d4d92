/**
 * The handshake between members (docs/protocol.md section 4), one exchange in the manner of Noise
 * XXpsk0 under the epoch key:
 *
 *   I to R  M1  epoch u64 | eI 32 | MAC 32
 *   R to I  M2  eR 32 | sealed(identity proof of R)
 *   I to R  M3  sealed(identity proof of I)
 */
import { concat, encodeFields, equalBytes, readU64, u64 } from '../wire/index.ts';
import { SecureError } from './errors.ts';
import type { HandshakeStep } from './handshake-step.ts';
import { equalSecret, expandLabel, hkdfExtract, hmac, sha256 } from './hash.ts';
import { checkIdentityProof, proveIdentity } from './identity-proof.ts';
import type { Identity } from './identity.ts';
import type { KeyBook } from './key-book.ts';
import { decodeMessage, encodeMessage, encodeRefusal, HEADER_BYTES, KIND } from './messages.ts';
import { isEpochMessage } from './messages.ts';
import type { HandshakeRole } from './pake.ts';
import { secretbox, type Secretbox } from './secretbox.ts';
import { Session } from './session.ts';
import type { NodeId, PeerIdentity, SwarmSecrets } from './types.ts';
import { x25519, x25519KeyPair, type X25519KeyPair } from './x25519.ts';

export interface MemberHandshakeOptions {
  readonly role: HandshakeRole;
  /** With an epoch key. */
  readonly secrets: Omit<SwarmSecrets, 'joinKey'>;
  readonly identity: Identity;
  /** 16 bytes. */
  readonly bootId: Uint8Array;
  readonly random: (n: number) => Uint8Array;
  /** Whom the initiator means to reach: another identity is refused as `wrong_peer`. */
  readonly expect?: NodeId;
  readonly box?: Secretbox;
  /** Entries beyond the first of a peer's list are believed from here only. */
  readonly keyBook?: KeyBook;
  /** The driver runs the peer's list through `KeyBook.judge` before it uses the session. */
  readonly judgesKeysLater?: boolean;
}

const M1_BODY_BYTES = 8 + 32 + 32;

/** What is waited for: `start` to be called, M1, M2 or M3; `over` after the last step or an error. */
type State = 'start' | 'm1' | 'm2' | 'm3' | 'over';

export class MemberHandshake {
  readonly #options: MemberHandshakeOptions;
  readonly #box: Secretbox;
  readonly #epochKey: Uint8Array;
  #state: State;
  #ephemeral: X25519KeyPair | undefined;
  #m1: Uint8Array = new Uint8Array(0);
  #m2: Uint8Array = new Uint8Array(0);
  #chain: Uint8Array = new Uint8Array(0);

  /** @throws SecureError `not_admitted` without an epoch key */
  constructor(options: MemberHandshakeOptions) {
    const { epochKey } = options.secrets;
    if (epochKey === undefined) {
      throw new SecureError('not_admitted', 'this host holds no epoch key: it must join first');
    }
    this.#options = options;
    this.#box = options.box ?? secretbox();
    this.#epochKey = epochKey;
    this.#state = options.role === 'initiator' ? 'start' : 'm1';
  }

  /** M1, on the initiator, once. */
  start(): Uint8Array {
    if (this.#state !== 'start') throw new SecureError('closed', 'this handshake has begun');
    const { secrets, random } = this.#options;
    this.#ephemeral = x25519KeyPair(random(32));
    const head = encodeMessage(KIND.m1, u64(secrets.epoch), this.#ephemeral.publicKey);
    const mac = hmac(macKey(secrets.swarmId, this.#epochKey), head);
    this.#m1 = concat(head, mac);
    this.#state = 'm2';
    return this.#m1;
  }

  /** @throws SecureError; send its `reply`, if any, and close the connection */
  handle(message: Uint8Array): HandshakeStep {
    const state = this.#state;
    this.#state = 'over';
    if (state === 'm1') return this.#handleM1(message);
    if (state === 'm2') return this.#handleM2(message);
    if (state === 'm3') return this.#handleM3(message);
    throw new SecureError('closed', 'a message for a handshake that is not waiting for one');
  }

  #handleM1(message: Uint8Array): HandshakeStep {
    const { identity, bootId, random } = this.#options;
    const eI = this.#checkM1(message);
    this.#m1 = new Uint8Array(message);
    const own = x25519KeyPair(random(32));
    this.#mix(own, eI);
    const head = encodeMessage(KIND.m2, own.publicKey);
    const transcript = hashOf(this.#m1, head);
    const proof = proveIdentity(identity, bootId, {
      label: 'member',
      role: 'responder',
      transcript,
    });
    this.#m2 = concat(head, this.#seal('m2', transcript, proof));
    this.#state = 'm3';
    return { send: this.#m2 };
  }

  #handleM2(message: Uint8Array): HandshakeStep {
    if (isEpochMessage(message)) throw epochAnswer(message.subarray(HEADER_BYTES));
    const body = decodeMessage(message, KIND.m2);
    if (body.length < 32) throw new SecureError('malformed', 'M2 is too short');
    this.#m2 = new Uint8Array(message);
    const own = this.#ephemeral!;
    this.#mix(own, body.subarray(0, 32));
    const transcript = hashOf(this.#m1, this.#m2.subarray(0, HEADER_BYTES + 32));
    const peer = this.#openProof('m2', transcript, body.subarray(32), 'responder');
    this.#checkExpected(peer);
    return this.#finishInitiator(peer);
  }

  #finishInitiator(peer: PeerIdentity): HandshakeStep {
    const { identity, bootId } = this.#options;
    const transcript = hashOf(this.#m1, this.#m2);
    const proof = proveIdentity(identity, bootId, {
      label: 'member',
      role: 'initiator',
      transcript,
    });
    const m3 = encodeMessage(KIND.m3, this.#seal('m3', transcript, proof));
    return { send: m3, done: { session: this.#session(m3), peer } };
  }

  #handleM3(message: Uint8Array): HandshakeStep {
    const body = decodeMessage(message, KIND.m3);
    const transcript = hashOf(this.#m1, this.#m2);
    const peer = this.#openProof('m3', transcript, body, 'initiator');
    return { done: { session: this.#session(message), peer } };
  }

  /** eI, once the MAC holds: garbage costs one HMAC. */
  #checkM1(message: Uint8Array): Uint8Array {
    const { secrets } = this.#options;
    const body = decodeMessage(message, KIND.m1, M1_BODY_BYTES);
    const macAt = message.length - 32;
    const macs = (epochKey: Uint8Array) =>
      equalSecret(
        message.subarray(macAt),
        hmac(macKey(secrets.swarmId, epochKey), message.subarray(0, macAt)),
      );
    const epoch = readEpoch(body);
    if (epoch !== secrets.epoch) throw otherEpoch(secrets, epoch, macs);
    if (!macs(this.#epochKey)) {
      throw new SecureError('bad_mac', 'M1 was not made under the epoch key');
    }
    return body.subarray(8, 40);
  }

  /** ck = Extract(Extract(H(M1), epoch key), X25519(eI, eR)) */
  #mix(own: X25519KeyPair, peerKey: Uint8Array): void {
    const shared = x25519(own.secretKey, peerKey);
    if (shared === undefined) {
      throw new SecureError('bad_key', 'the peer sent a public key of low order');
    }
    this.#chain = new Uint8Array(
      hkdfExtract(hkdfExtract(sha256(this.#m1), this.#epochKey), shared),
    );
    own.secretKey.fill(0);
    this.#ephemeral = undefined;
  }

  #seal(label: string, transcript: Uint8Array, plain: Uint8Array): Uint8Array {
    return this.#box.seal(expandLabel(this.#chain, label, transcript), ZERO_NONCE, plain);
  }

  #openProof(
    label: string,
    transcript: Uint8Array,
    sealed: Uint8Array,
    role: HandshakeRole,
  ): PeerIdentity {
    const key = expandLabel(this.#chain, label, transcript);
    const proof = this.#box.open(key, ZERO_NONCE, sealed);
    if (proof === undefined) {
      throw new SecureError('bad_seal', `${label.toUpperCase()} does not authenticate`);
    }
    return checkIdentityProof(proof, this.#options, { label: 'member', role, transcript });
  }

  #checkExpected(peer: PeerIdentity): void {
    const { expect } = this.#options;
    if (expect !== undefined && peer.nodeId !== expect) {
      throw new SecureError('wrong_peer', `${peer.nodeId} answered where ${expect} was expected`);
    }
  }

  #session(m3: Uint8Array): Session {
    const { role, random } = this.#options;
    const master = expandLabel(this.#chain, 'master', hashOf(this.#m1, this.#m2, m3));
    this.#chain.fill(0);
    return new Session({ role, master, random, box: this.#box });
  }
}

/**
 * Crossed opens: when two members have dialled each other, the connection whose initiator has the
 * smaller node id stays.
 */
export function staysWhenCrossed(self: NodeId, peer: NodeId, initiatedHere: boolean): boolean {
  return initiatedHere ? self < peer : peer < self;
}

/** The MAC key is the same for every M1 of an epoch, so that garbage costs one HMAC only. */
function macKey(swarmId: Uint8Array, epochKey: Uint8Array): Uint8Array {
  const known = macKeys.get(epochKey);
  if (known !== undefined && equalBytes(known.swarmId, swarmId)) return known.key;
  const key = expandLabel(hkdfExtract(swarmId, epochKey), 'm1 mac');
  macKeys.set(epochKey, { swarmId, key });
  return key;
}

const macKeys = new WeakMap<Uint8Array, { swarmId: Uint8Array; key: Uint8Array }>();

function readEpoch(body: Uint8Array): number {
  try {
    return readU64(body.subarray(0, 8));
  } catch (cause) {
    throw new SecureError('malformed', 'M1 with an epoch out of range', { cause });
  }
}

/** A host that was away gets the record with the new key; anybody else the bare fact. */
function otherEpoch(
  secrets: MemberHandshakeOptions['secrets'],
  epoch: number,
  macs: (epochKey: Uint8Array) => boolean,
): SecureError {
  const previous = secrets.previous?.find((old) => old.epoch === epoch);
  const record = secrets.epochRecord;
  const known = previous !== undefined && record !== undefined && macs(previous.epochKey);
  return new SecureError('wrong_epoch', `the peer is in epoch ${epoch}, not ${secrets.epoch}`, {
    reply: known ? encodeMessage(KIND.epoch, record) : encodeRefusal('wrong_epoch', secrets.epoch),
  });
}

function epochAnswer(record: Uint8Array): SecureError {
  return new SecureError('wrong_epoch', 'the swarm has gone over to a new epoch', {
    record: new Uint8Array(record),
  });
}

function hashOf(...messages: readonly Uint8Array[]): Uint8Array {
  return sha256(encodeFields(messages));
}

/** Each of these keys seals one message. */
const ZERO_NONCE = new Uint8Array(24);
