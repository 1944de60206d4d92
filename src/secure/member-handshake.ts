/**
 * The handshake between members (docs/protocol.md section 4), one exchange in the manner of Noise
 * XXpsk0 under the epoch key:
 *
 *   I to R  M1  eI 32 | made u64 | challenge 16 | MAC 32
 *   R to I  M2  eR 32 | sealed(identity proof of R)
 *   I to R  M3  sealed(identity proof of I)
 *
 * R may answer M1 with CHALLENGE, once; I makes M1 anew then (first-message.ts).
 * Where the two are in different epochs it does not come to that: epoch-exchange.ts.
 */
import { concat, encodeFields } from '../wire/index.ts';
import { EpochExchange } from './epoch-exchange.ts';
import { wayKeys } from './epoch-keys.ts';
import { SecureError } from './errors.ts';
import {
  encodeFirst,
  encodeStamp,
  FirstCheck,
  isMadeUnder,
  MAC_BYTES,
  readChallenge,
  readStamp,
  STAMP_BYTES,
  type IsFresh,
} from './first-message.ts';
import type { HandshakeStep } from './handshake-step.ts';
import { expandLabel, hkdfExtract, sha256 } from './hash.ts';
import { checkIdentityProof, proveIdentity } from './identity-proof.ts';
import type { Identity } from './identity.ts';
import type { KeyBook } from './key-book.ts';
import { decodeMessage, encodeMessage, encodeRefusal, HEADER_BYTES, KIND } from './messages.ts';
import { messageKind } from './messages.ts';
import type { HandshakeRole } from './pake.ts';
import { secretbox, type Secretbox } from './secretbox.ts';
import { Session } from './session.ts';
import type { NodeId, PeerIdentity, SwarmSecrets } from './types.ts';
import { x25519, x25519KeyPair, type X25519KeyPair } from './x25519.ts';

export interface MemberHandshakeOptions {
  readonly role: HandshakeRole;
  /** With an epoch key. */
  readonly secrets: Omit<SwarmSecrets, 'joining'>;
  readonly identity: Identity;
  /** 16 bytes. */
  readonly bootId: Uint8Array;
  readonly random: (n: number) => Uint8Array;
  /** Whom the initiator means to reach: another identity is refused as `wrong_peer`. */
  readonly expect?: NodeId;
  /**
   * On an initiator whose M1 nobody knew: the place in `secrets.previous` of the epoch whose key it
   * tries. It ends without a session, at best with what it takes to be in one epoch again.
   */
  readonly under?: number;
  /**
   * A part of the present EPOCH, for a host that was away; undefined where it is not held here.
   * @throws SecureError `busy`
   */
  readonly readPart?: (number: number) => Uint8Array | undefined;
  /** The time in M1, Unix milliseconds. Without it, or with a clock that is wrong, it is challenged. */
  readonly wallMs?: number;
  /** On the responder: whether M1 is of now. Without it every M1 is challenged. */
  readonly isFresh?: IsFresh;
  readonly box?: Secretbox;
  /** Entries beyond the first of a peer's list are believed from here only. */
  readonly keyBook?: KeyBook;
  /** The driver runs the peer's list through `KeyBook.judge` before it uses the session. */
  readonly judgesKeysLater?: boolean;
}

const M1_BODY_BYTES = 32 + STAMP_BYTES + MAC_BYTES;

/** What is waited for: `start` to be called, M1, M2, M3 or what `exchange` waits for; `over` after the last step or an error. */
type State = 'start' | 'm1' | 'm2' | 'm3' | 'exchange' | 'over';

export class MemberHandshake {
  readonly #options: MemberHandshakeOptions;
  readonly #box: Secretbox;
  readonly #epochKey: Uint8Array;
  #state: State;
  #ephemeral: X25519KeyPair | undefined;
  #exchange: EpochExchange | undefined;
  readonly #firstCheck: FirstCheck;
  /** On the initiator, once it was asked for one. */
  #challenge: Uint8Array | undefined;
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
    this.#firstCheck = new FirstCheck(options.random, options.isFresh);
    this.#state = options.role === 'initiator' ? 'start' : 'm1';
  }

  /** M1, on the initiator, once. */
  start(): Uint8Array {
    if (this.#state !== 'start') throw new SecureError('closed', 'this handshake has begun');
    this.#ephemeral = x25519KeyPair(this.#options.random(32));
    return this.#makeM1();
  }

  /** @throws SecureError; send its `reply`, if any, and close the connection */
  handle(message: Uint8Array): HandshakeStep {
    const state = this.#state;
    this.#state = 'over';
    if (state === 'm1') return this.#handleM1(message);
    if (state === 'm2') return this.#handleM2(message);
    if (state === 'm3') return this.#handleM3(message);
    if (state === 'exchange') return this.#goOn(this.#exchange!.handle(message));
    throw new SecureError('closed', 'a message for a handshake that is not waiting for one');
  }

  #makeM1(): Uint8Array {
    const { secrets, under, wallMs } = this.#options;
    const old = under === undefined ? undefined : secrets.previous?.[under]?.ways;
    if (under !== undefined && old === undefined) throw new RangeError(`no epoch ${under} before`);
    const ways = old ?? wayKeys(secrets.swarmId, this.#epochKey);
    const [kind, key] = old === undefined ? [KIND.m1, ways.m1] : [KIND.m1Old, ways.old];
    const stamp = encodeStamp(wallMs, this.#challenge);
    this.#m1 = encodeFirst(kind, key, this.#ephemeral!.publicKey, stamp);
    if (old !== undefined) this.#exchange = this.#makeExchange(old.part);
    this.#state = 'm2';
    return this.#m1;
  }

  #handleM1(message: Uint8Array): HandshakeStep {
    const { identity, bootId, random, secrets } = this.#options;
    const isOld = messageKind(message) === KIND.m1Old;
    const body = decodeMessage(message, isOld ? KIND.m1Old : KIND.m1, M1_BODY_BYTES);
    this.#m1 = new Uint8Array(message);
    if (isOld || !isMadeUnder(message, wayKeys(secrets.swarmId, this.#epochKey).m1)) {
      return this.#beginExchange(isOld);
    }
    const challenge = this.#firstCheck.judge(readStamp(body.subarray(32)), message);
    if (challenge !== undefined) {
      this.#state = 'm1';
      return { send: challenge, challenged: true };
    }
    const own = x25519KeyPair(random(32));
    this.#mix(own, body.subarray(0, 32));
    const head = encodeMessage(KIND.m2, own.publicKey);
    const transcript = hashOf(this.#m1, head);
    const context = { label: 'member', role: 'responder', transcript } as const;
    const proof = proveIdentity(identity, bootId, context, secrets.admission);
    this.#m2 = concat(head, this.#seal('m2', transcript, proof));
    this.#state = 'm3';
    return { send: this.#m2, proven: true };
  }

  #handleM2(message: Uint8Array): HandshakeStep {
    if (messageKind(message) === KIND.epoch) {
      const ways = wayKeys(this.#options.secrets.swarmId, this.#epochKey);
      this.#exchange ??= this.#makeExchange(ways.part);
      return this.#goOn(this.#exchange.handle(message));
    }
    if (messageKind(message) === KIND.challenge && this.#exchange === undefined) {
      if (this.#challenge !== undefined) throw new SecureError('malformed', 'challenged twice');
      this.#challenge = readChallenge(message);
      return { send: this.#makeM1() };
    }
    // Under an earlier key, which expelled hosts hold, it never shows its identity.
    if (this.#exchange !== undefined) throw new SecureError('malformed', 'M2 where EPOCH is due');
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
    const { identity, bootId, secrets } = this.#options;
    const transcript = hashOf(this.#m1, this.#m2);
    const context = { label: 'member', role: 'initiator', transcript } as const;
    const proof = proveIdentity(identity, bootId, context, secrets.admission);
    const m3 = encodeMessage(KIND.m3, this.#seal('m3', transcript, proof));
    return { send: m3, done: { session: this.#session(m3), peer } };
  }

  #handleM3(message: Uint8Array): HandshakeStep {
    const body = decodeMessage(message, KIND.m3);
    const transcript = hashOf(this.#m1, this.#m2);
    const peer = this.#openProof('m3', transcript, body, 'initiator');
    return { done: { session: this.#session(message), peer } };
  }

  /** One of an earlier epoch, or ahead of us, is told of our EPOCH; garbage cost a few HMACs. */
  #beginExchange(isOld: boolean): HandshakeStep {
    const { secrets } = this.#options;
    const present = isOld ? [wayKeys(secrets.swarmId, this.#epochKey)] : [];
    const ways = [...present, ...(secrets.previous ?? []).map((old) => old.ways)];
    const common = ways.find((one) => isMadeUnder(this.#m1, isOld ? one.old : one.m1));
    if (common === undefined || secrets.head === undefined) {
      throw new SecureError('wrong_epoch', 'M1 under a key of no epoch that is known here', {
        reply: encodeRefusal('wrong_epoch'),
      });
    }
    this.#exchange = this.#makeExchange(common.part);
    return this.#goOn(this.#exchange.start());
  }

  #goOn(step: HandshakeStep): HandshakeStep {
    this.#state = 'exchange';
    return step;
  }

  #makeExchange(partKey: Uint8Array): EpochExchange {
    const { secrets, identity, random, readPart } = this.#options;
    const common = { m1: this.#m1, partKey, random };
    return new EpochExchange({ ...common, secrets, nodeId: identity.nodeId, readPart });
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

function hashOf(...messages: readonly Uint8Array[]): Uint8Array {
  return sha256(encodeFields(messages));
}

/** Each of these keys seals one message. */
const ZERO_NONCE = new Uint8Array(24);
