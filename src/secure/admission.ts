/**
 * Admission (docs/protocol.md section 3): a host that has only the join token becomes a member.
 *
 *   I to R  JP1    suite u8 | swarm id 32 | token tag 8 | made u64 | challenge 16 | round 1 | MAC 32
 *   R to I  JP1'   round 1
 *   I to R  JP2    round 2
 *   R to I  JP2'   round 2
 *   I to R  KC     tag 32
 *   R to I  KC'    tag 32
 *   I to R  AUTH   sealed(identity proof of I)
 *   R to I  AUTH'  sealed(fields(identity proof of R, epoch key, operator key, EPOCH head,
 *                  TOKEN, statements about operator keys))
 *
 * R may answer JP1 with CHALLENGE, once; I makes JP1 anew then, with the same round 1.
 */
import { decodeFields, encodeFields, equalBytes, fromHex, toHex } from '../wire/index.ts';
import { checkAdmittance, type Admittance } from './epoch-keys.ts';
import { SecureError } from './errors.ts';
import { readChallenge } from './first-message.ts';
import type { HandshakeDone, HandshakeStep } from './handshake-step.ts';
import { expandLabel, hkdfExtract, sha256 } from './hash.ts';
import { checkIdentityProof, proveIdentity } from './identity-proof.ts';
import type { Identity } from './identity.ts';
import { checkJp1, encodeJp1, round1Of, withRefusal, type Gate } from './join-check.ts';
import type { KeyBook } from './key-book.ts';
import { ROUND1_BYTES, ROUND2_BYTES } from './jpake-guard.ts';
import { decodeMessage, encodeMessage, KIND, messageKind } from './messages.ts';
import type { MessageKind } from './messages.ts';
import type { HandshakeRole, Pake, PakeFactory } from './pake.ts';
import { secretbox, type Secretbox } from './secretbox.ts';
import { Session } from './session.ts';
import { OperatorSet, splitStatements } from './operator-set.ts';
import { signAdmission } from './token.ts';
import { isAdmittedBy, parseTokenRecord } from './token-record.ts';
import type { EpochId, PeerIdentity, SwarmSecrets, TokenRecord } from './types.ts';

export interface AdmissionOptions {
  readonly role: HandshakeRole;
  /** On the responder those of a member; on the initiator with what its token gives (`joining`). */
  readonly secrets: SwarmSecrets;
  /** On the responder. */
  readonly gate?: Gate;
  readonly identity: Identity;
  /** 16 bytes. */
  readonly bootId: Uint8Array;
  readonly random: (n: number) => Uint8Array;
  /** Called once, and on the responder only when JP1 is well-formed and of this swarm and an open token. */
  readonly createPake: PakeFactory;
  /** On the initiator, the time in JP1, Unix milliseconds; without it, it is challenged. */
  readonly wallMs?: number;
  readonly box?: Secretbox;
  /** Entries beyond the first of a peer's list are believed from here only. */
  readonly keyBook?: KeyBook;
  /** The driver runs the peer's list through `KeyBook.judge` before it uses the session. */
  readonly judgesKeysLater?: boolean;
}

/** What the initiator is let in with, verified; keep it (0600, fsynced) before using it. */
export interface Admitted extends Admittance {
  readonly epoch: number;
  readonly epochId: EpochId;
  /** The own admission, which this host shows from now on. */
  readonly admission: Uint8Array;
  /** As signed. */
  readonly token: Uint8Array;
}

/** What is waited for; `busy` while a message is being worked on, `over` after the end or an error. */
type State = 'start' | 'busy' | 'over' | AdmissionKind;

type AdmissionKind = 'jp1i' | 'jp1r' | 'jp2i' | 'jp2r' | 'kci' | 'kcr' | 'authi' | 'authr';

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #box: Secretbox;
  readonly #transcript: Uint8Array[] = [];
  #state: State;
  #pake: Pake | undefined;
  /** On the initiator: its own, and what it was asked to show. */
  #round1: Uint8Array = new Uint8Array(0);
  #challenge: Uint8Array | undefined;
  #confirmation: Uint8Array = new Uint8Array(0);
  /** On the responder, once JP1 named it. */
  #token: TokenRecord | undefined;
  /** On the initiator. */
  #admission: Uint8Array | undefined;
  #master: Uint8Array = new Uint8Array(0);

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#box = options.box ?? secretbox();
    this.#state = options.role === 'initiator' ? 'start' : 'jp1i';
  }

  /** JP1, on the initiator, once. */
  async start(): Promise<Uint8Array> {
    if (this.#state !== 'start') throw new SecureError('closed', 'this admission has begun');
    this.#state = 'busy';
    const { joining } = this.#options.secrets;
    if (joining === undefined) throw new SecureError('bad_token', 'no join token to join by');
    this.#round1 = await this.#createPake(joining.joinKey, joining.tag).round1();
    return this.#makeJp1();
  }

  #makeJp1(): Uint8Array {
    const { secrets, wallMs } = this.#options;
    const { swarmId, joining } = secrets;
    const named = { ...joining!, swarmId, wallMs, challenge: this.#challenge };
    const message = encodeJp1(named, this.#round1);
    this.#transcript.push(message);
    this.#state = 'jp1r';
    return message;
  }

  /**
   * One message at a time: the next one only after the promise settled.
   * @throws SecureError; send its `reply`, if any, and close the connection
   */
  async handle(message: Uint8Array): Promise<HandshakeStep> {
    const state = this.#state;
    this.#state = 'busy';
    try {
      return await this.#dispatch(state, new Uint8Array(message));
    } catch (error) {
      this.#state = 'over';
      this.#master.fill(0);
      throw withRefusal(error);
    }
  }

  #dispatch(state: State, message: Uint8Array): Promise<HandshakeStep> | HandshakeStep {
    switch (state) {
      case 'jp1i':
        return this.#handleJp1(message);
      case 'jp1r':
        return this.#handleJp1Reply(message);
      case 'jp2i':
        return this.#handleJp2(message);
      case 'jp2r':
        return this.#handleJp2Reply(message);
      case 'kci':
        return this.#handleKc(message);
      case 'kcr':
        return this.#handleKcReply(message);
      case 'authi':
        return this.#handleAuth(message);
      case 'authr':
        return this.#handleAuthReply(message);
      default:
        throw new SecureError('closed', 'a message for an admission that is not waiting for one');
    }
  }

  async #handleJp1(message: Uint8Array): Promise<HandshakeStep> {
    const { secrets, gate } = this.#options;
    const { epochKey, operatorKey, head, swarmId } = secrets;
    if (!epochKey || !operatorKey || !head || gate === undefined) {
      throw new SecureError('not_admitted', 'this host was not admitted itself yet');
    }
    const token = (this.#token = checkJp1(message, { swarmId, gate }));
    this.#transcript.push(message);
    const pake = this.#createPake(token.joinKey, fromHex(token.tag));
    const round1 = await pake.round1(round1Of(message));
    this.#state = 'jp2i';
    return { send: this.#say(KIND.jp1r, round1) };
  }

  async #handleJp1Reply(message: Uint8Array): Promise<HandshakeStep> {
    if (messageKind(message) === KIND.challenge) {
      if (this.#challenge !== undefined) throw new SecureError('malformed', 'challenged twice');
      this.#challenge = readChallenge(message);
      this.#transcript.pop();
      return { send: this.#makeJp1() };
    }
    const body = this.#hear(message, KIND.jp1r, ROUND1_BYTES);
    const round2 = await this.#pake!.round2(body);
    this.#state = 'jp2r';
    return { send: this.#say(KIND.jp2i, round2) };
  }

  async #handleJp2(message: Uint8Array): Promise<HandshakeStep> {
    const body = this.#hear(message, KIND.jp2i, ROUND2_BYTES);
    const pake = this.#pake!;
    const round2 = await pake.round2(round1Of(this.#transcript[0]!));
    this.#confirmation = new Uint8Array(await pake.finish(body));
    this.#state = 'kci';
    return { send: this.#say(KIND.jp2r, round2) };
  }

  async #handleJp2Reply(message: Uint8Array): Promise<HandshakeStep> {
    const body = this.#hear(message, KIND.jp2r, ROUND2_BYTES);
    const tag = await this.#pake!.finish(body);
    this.#state = 'kcr';
    return { send: this.#say(KIND.kci, tag) };
  }

  async #handleKc(message: Uint8Array): Promise<HandshakeStep> {
    const body = this.#hear(message, KIND.kci, 32);
    const key = await this.#pake!.confirm(body);
    const reply = this.#say(KIND.kcr, this.#confirmation);
    this.#deriveMaster(key);
    this.#state = 'authi';
    return { send: reply };
  }

  async #handleKcReply(message: Uint8Array): Promise<HandshakeStep> {
    const body = this.#hear(message, KIND.kcr, 32);
    this.#deriveMaster(await this.#pake!.confirm(body));
    this.#state = 'authr';
    const { secrets, identity } = this.#options;
    const { seed } = secrets.joining!;
    this.#admission = signAdmission(seed, secrets.swarmId, identity.nodeId);
    const proof = this.#prove(this.#admission);
    return { send: this.#say(KIND.authi, this.#seal('auth i', proof)) };
  }

  #handleAuth(message: Uint8Array): HandshakeStep {
    const { secrets } = this.#options;
    const sealed = decodeMessage(message, KIND.authi);
    const peer = this.#checkProof(this.#open('auth i', sealed));
    this.#checkAdmission(peer);
    this.#transcript.push(message);
    const { epochKey, operatorKey, operators = [], head, admission } = secrets;
    const proof = this.#prove(admission);
    const known = encodeFields(operators);
    const plain = encodeFields([proof, epochKey!, operatorKey!, head!, this.#token!.bytes, known]);
    const send = encodeMessage(KIND.authr, this.#seal('auth r', plain));
    return { send, done: this.#finish(peer) };
  }

  #handleAuthReply(message: Uint8Array): HandshakeStep {
    const plain = this.#open('auth r', decodeMessage(message, KIND.authr));
    const [proof, ...admittance] = splitAdmit(plain);
    const peer = this.#checkProof(proof);
    const admitted = this.#checkAdmitted(admittance);
    this.#options.secrets.joining!.seed.fill(0);
    return { done: { ...this.#finish(peer), admitted } };
  }

  /** Who knows the join key, as every member does, has not been admitted by that. */
  #checkAdmission({ nodeId, admission }: PeerIdentity): void {
    const { secrets, gate } = this.#options;
    const token = this.#token!;
    if (!isAdmittedBy(token, secrets.swarmId, nodeId, admission)) {
      throw new SecureError('bad_admission', `${nodeId} shows no admission by token ${token.tag}`);
    }
    gate!.seat(token, nodeId);
  }

  #checkAdmitted([epochKey, operatorKey, head, token, known]: Admit): Admitted {
    const { swarmId, joining, operators: before = [] } = this.#options.secrets;
    // A host that was a member before may know of a revocation that is hidden from it here.
    const operators = [...before, ...splitStatements(known)];
    const admittance = { epochKey, operatorKey, operators, head };
    const { number: epoch, id: epochId } = checkAdmittance(admittance, swarmId);
    const pinned = { operatorKey, swarmId, operators: OperatorSet.read(operatorKey, operators) };
    const record = parseTokenRecord(token, pinned);
    if (record.epochId !== epochId || record.tag !== toHex(joining!.tag)) {
      throw new SecureError('bad_record', 'a TOKEN of another epoch or tag than the one used');
    }
    const admission = this.#admission!;
    return { ...admittance, epoch, epochId, token, admission };
  }

  #createPake(joinKey: Uint8Array, tag: Uint8Array): Pake {
    const { role, secrets, identity, createPake } = this.#options;
    const selfId = fromHex(identity.nodeId);
    this.#pake = createPake({ role, joinKey, swarmId: secrets.swarmId, tag, selfId });
    return this.#pake;
  }

  /** master = Expand(Extract(H(JP1 .. JP2'), K), "admission", H(KC, KC')) */
  #deriveMaster(key: Uint8Array): void {
    const exchange = sha256(encodeFields(this.#transcript.slice(0, 4)));
    const confirmation = sha256(encodeFields(this.#transcript.slice(4)));
    this.#master = new Uint8Array(
      expandLabel(hkdfExtract(exchange, key), 'admission', confirmation),
    );
    key.fill(0);
    this.#pake = undefined;
  }

  #prove(admission: Uint8Array | undefined): Uint8Array {
    const { identity, bootId, role } = this.#options;
    const context = { label: 'admission', role, transcript: this.#heard() } as const;
    return proveIdentity(identity, bootId, context, admission);
  }

  #checkProof(proof: Uint8Array): PeerIdentity {
    const role = this.#options.role === 'initiator' ? 'responder' : 'initiator';
    const context = { label: 'admission', role, transcript: this.#heard() } as const;
    const peer = checkIdentityProof(proof, this.#options, context);
    // The id in the identity proof is the one the proofs of J-PAKE were bound to.
    const [jp1, reply] = this.#transcript;
    const round1 = role === 'initiator' ? round1Of(jp1!) : reply!.subarray(-ROUND1_BYTES);
    if (!equalBytes(round1.subarray(1, 33), fromHex(peer.nodeId))) {
      throw new SecureError('bad_signature', 'another identity than the one J-PAKE was done with');
    }
    return peer;
  }

  #finish(peer: PeerIdentity): HandshakeDone {
    const { role, random } = this.#options;
    const master = expandLabel(this.#master, 'master', this.#heard());
    this.#master.fill(0);
    this.#state = 'over';
    return { session: new Session({ role, master, random, box: this.#box }), peer };
  }

  #seal(label: string, plain: Uint8Array): Uint8Array {
    return this.#box.seal(expandLabel(this.#master, label), ZERO_NONCE, plain);
  }

  #open(label: string, sealed: Uint8Array): Uint8Array {
    const plain = this.#box.open(expandLabel(this.#master, label), ZERO_NONCE, sealed);
    if (plain === undefined) throw new SecureError('bad_seal', 'AUTH does not authenticate');
    return plain;
  }

  #say(kind: MessageKind, ...parts: readonly Uint8Array[]): Uint8Array {
    const message = encodeMessage(kind, ...parts);
    this.#transcript.push(message);
    return message;
  }

  #hear(message: Uint8Array, kind: MessageKind, length: number): Uint8Array {
    const body = decodeMessage(message, kind, length);
    this.#transcript.push(message);
    return body;
  }

  /** Hash of all messages so far. */
  #heard(): Uint8Array {
    return sha256(encodeFields(this.#transcript));
  }
}

/** What a first message is held to. */
export interface JoinCheck {
  readonly swarmId: Uint8Array;
  readonly gate: Gate;
}

/** Epoch key, operator key, EPOCH head, TOKEN, statements about operator keys. */
type Admit = [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

/** Copies: what is kept must not hold on to the frame it came in. */
function splitAdmit(plain: Uint8Array): [Uint8Array, ...Admit] {
  try {
    return decodeFields(new Uint8Array(plain), 6).map((field) => field.slice()) as [
      Uint8Array,
      ...Admit,
    ];
  } catch (cause) {
    throw new SecureError('malformed', `not an AUTH': ${(cause as Error).message}`, { cause });
  }
}

/** Each of these keys seals one message. */
const ZERO_NONCE = new Uint8Array(24);
