/**
 * J-PAKE (RFC 8236) on secp256k1 by the `jpake` package, inside a guard that makes it sound
 * (docs/protocol.md section 3 lists what is wrong with the package used raw).
 *
 *   round 1   role u8 | id 32 | G1 64 | G2 64 | proof 96 | proof 96     353 bytes
 *   round 2   A 64 | proof 96                                          160 bytes
 *   proof     t 64 | r 32; the challenge c never travels
 *
 * The package works on BigInt, whose time depends on the values: exponents are used once, and the
 * secret under them went through scrypt.
 */
import { concat, encodeFields, equalBytes, fromHex, toHex, utf8 } from '../wire/index.ts';
import { SecureError } from './errors.ts';
import { equalSecret, expandLabel, hkdfExtract, hmac, protocolLabel, sha256 } from './hash.ts';
import { loadJpake, type JpakePackage, type RawJpake, type RawPoint } from './jpake-package.ts';
import type { RawProof, RawRound1, RawRound2 } from './jpake-package.ts';
import type { HandshakeRole, Pake, PakeOptions } from './pake.ts';
import { decodePoint, decodeScalar, encodePoint, encodeScalar, sameLine } from './secp256k1.ts';
import { POINT_BYTES, SCALAR_BYTES, type AffinePoint } from './secp256k1.ts';

const PROOF_BYTES = POINT_BYTES + SCALAR_BYTES;
export const ROUND1_BYTES = 1 + 32 + 2 * POINT_BYTES + 2 * PROOF_BYTES;
export const ROUND2_BYTES = POINT_BYTES + PROOF_BYTES;

/** new -> round1 -> round2 -> finished -> ended; every error leads to `ended` at once. */
type State = 'new' | 'round1' | 'round2' | 'finished' | 'ended';

export class JpakeGuard implements Pake {
  readonly #options: PakeOptions;
  readonly #package: JpakePackage;
  readonly #raw: RawJpake;
  /** Proofs that this guard has verified with a challenge of its own making. */
  readonly #verified = new Set<string>();
  #state: State = 'new';
  #peerId: Uint8Array = new Uint8Array(0);
  #peerPoints: RawPoint[] = [];
  #ownRound1: Uint8Array = new Uint8Array(0);
  #peerRound1: Uint8Array = new Uint8Array(0);
  #ownRound2: Uint8Array = new Uint8Array(0);
  #key: Uint8Array = new Uint8Array(0);
  #expectedTag: Uint8Array = new Uint8Array(0);

  constructor(options: PakeOptions) {
    for (const name of ['joinKey', 'swarmId', 'selfId'] as const) {
      if (options[name].length !== 32) throw new RangeError(`${name} must be 32 bytes`);
    }
    this.#options = options;
    this.#package = loadJpake();
    this.#raw = new this.#package.JPake(toHex(options.joinKey), plainHash);
    // What the guard has not verified itself, the package must not accept.
    this.#raw.checkZKPSimpler = (proof, _generator, point) =>
      this.#verified.delete(proofName(proof, point));
  }

  async round1(peerRound1?: Uint8Array): Promise<Uint8Array> {
    return this.#step('new', 'round1', () => {
      if ((peerRound1 !== undefined) !== (this.#options.role === 'responder')) {
        throw new RangeError('the responder, and only it, begins from the peer’s round 1');
      }
      if (peerRound1 !== undefined) this.#acceptRound1(peerRound1);
      const { role, selfId } = this.#options;
      this.#raw.hashFn = this.#challenge(1, role, selfId);
      const own = JSON.parse(this.#raw.GetRound1Message()) as RawRound1;
      if (peerRound1 !== undefined) this.#refuseOwnPoints();
      this.#ownRound1 = concat(
        Uint8Array.of(ROLE_BYTE[role]),
        selfId,
        this.#point(own.x1Gx, own.x1Gy),
        this.#point(own.x2Gx, own.x2Gy),
        this.#proof(own.x1ZKP),
        this.#proof(own.x2ZKP),
      );
      return this.#ownRound1;
    });
  }

  async round2(peerRound1: Uint8Array): Promise<Uint8Array> {
    return this.#step('round1', 'round2', () => {
      if (this.#options.role === 'initiator') {
        this.#acceptRound1(peerRound1);
        this.#refuseOwnPoints();
      } else if (!equalBytes(peerRound1, this.#peerRound1)) {
        throw new SecureError('malformed', 'another round 1 than before');
      }
      const { role, selfId } = this.#options;
      this.#raw.hashFn = this.#challenge(2, role, selfId);
      const own = JSON.parse(this.#raw.GetRound2Message(this.#round1Json())) as RawRound2;
      this.#ownRound2 = concat(this.#point(own.Ax, own.Ay), this.#proof(own.xsZKP));
      return this.#ownRound2;
    });
  }

  async finish(peerRound2: Uint8Array): Promise<Uint8Array> {
    return this.#step('round2', 'finished', () => {
      const json = this.#acceptRound2(peerRound2);
      this.#raw.hashFn = (text) => this.#finalHash(text);
      const shared = fromHex(this.#raw.ComputeSharedKey(json));
      return this.#derive(shared, peerRound2);
    });
  }

  async confirm(peerTag: Uint8Array): Promise<Uint8Array> {
    return this.#step('finished', 'ended', () => {
      if (!equalSecret(peerTag, this.#expectedTag)) {
        throw new SecureError('wrong_secret', 'the peer holds another join secret');
      }
      return this.#key;
    });
  }

  #step(from: State, to: State, work: () => Uint8Array): Uint8Array {
    const state = this.#state;
    this.#state = 'ended';
    if (state !== from) {
      throw new SecureError(
        'closed',
        `a J-PAKE object in state "${state}" cannot go on to "${to}"`,
      );
    }
    const result = guarded(work);
    this.#state = to;
    return result;
  }

  /** Checks the peer's round 1 whole: form, roles, ids, points, both proofs. */
  #acceptRound1(bytes: Uint8Array): void {
    const { role, selfId } = this.#options;
    const peerRole: HandshakeRole = role === 'initiator' ? 'responder' : 'initiator';
    if (bytes.length !== ROUND1_BYTES) throw malformed(`round 1 of ${bytes.length} bytes`);
    if (bytes[0] !== ROLE_BYTE[peerRole]) throw malformed('round 1 of the same role');
    this.#peerRound1 = new Uint8Array(bytes);
    this.#peerId = this.#peerRound1.subarray(1, 33);
    if (equalBytes(this.#peerId, selfId)) {
      throw new SecureError('self', 'this J-PAKE is with the host itself');
    }
    const first = decodePoint(bytes.subarray(33, 97));
    const second = decodePoint(bytes.subarray(97, 161));
    if (sameLine(first, second)) throw repeated();
    this.#peerPoints = [this.#rawPoint(first), this.#rawPoint(second)];
    const challenge = this.#challenge(1, peerRole, this.#peerId);
    this.#peerPoints.forEach((point, index) => {
      const at = 161 + index * PROOF_BYTES;
      const proof = this.#rawProof(bytes.subarray(at), this.#raw.G, point, challenge);
      this.#verify(proof, this.#raw.G, point);
    });
  }

  /** A peer that sends back our own points knows nothing of them. */
  #refuseOwnPoints(): void {
    const { x1G, x2G } = this.#raw;
    for (const point of this.#peerPoints) {
      if (sameLine(point, x1G) || sameLine(point, x2G)) throw repeated();
    }
  }

  /** The message as the package wants it, with the challenges this side computed. */
  #round1Json(): string {
    const [first, second] = this.#peerPoints as [RawPoint, RawPoint];
    const peerRole: HandshakeRole = this.#options.role === 'initiator' ? 'responder' : 'initiator';
    const challenge = this.#challenge(1, peerRole, this.#peerId);
    const proof = (point: RawPoint, at: number) =>
      this.#rawProof(this.#peerRound1.subarray(at), this.#raw.G, point, challenge);
    const message: RawRound1 = {
      x1Gx: this.#base64(first.x),
      x1Gy: this.#base64(first.y),
      x2Gx: this.#base64(second.x),
      x2Gy: this.#base64(second.y),
      x1ZKP: proof(first, 161),
      x2ZKP: proof(second, 161 + PROOF_BYTES),
    };
    return JSON.stringify(message);
  }

  #acceptRound2(bytes: Uint8Array): string {
    if (bytes.length !== ROUND2_BYTES) throw malformed(`round 2 of ${bytes.length} bytes`);
    const point = this.#rawPoint(decodePoint(bytes.subarray(0, POINT_BYTES)));
    const { x1G, x2G, otherx1G, otherx2G } = this.#raw;
    const ownA = decodePoint(this.#ownRound2.subarray(0, POINT_BYTES));
    for (const known of [x1G, x2G, otherx1G, otherx2G, ownA]) {
      if (sameLine(point, known)) throw repeated();
    }
    const generator = x1G.add(x2G).add(otherx1G);
    decodePoint(encodePoint(generator)); // the identity, were it ever, is refused here
    const peerRole: HandshakeRole = this.#options.role === 'initiator' ? 'responder' : 'initiator';
    const challenge = this.#challenge(2, peerRole, this.#peerId);
    const proof = this.#rawProof(bytes.subarray(POINT_BYTES), generator, point, challenge);
    this.#verify(proof, generator, point);
    const message: RawRound2 = {
      Ax: this.#base64(point.x),
      Ay: this.#base64(point.y),
      xsZKP: proof,
    };
    return JSON.stringify(message);
  }

  #verify(proof: RawProof, generator: RawPoint, point: RawPoint): void {
    const check = this.#package.JPake.prototype as RawJpake;
    if (!check.checkZKPSimpler.call(this.#raw, proof, generator, point)) {
      throw new SecureError('bad_proof', 'the peer does not know the exponent it claims to know');
    }
    this.#verified.add(proofName(proof, point));
  }

  /**
   * What turns a proof's text into its challenge: bound to protocol, swarm, token, signer, role and,
   * in round 2, to both round-1 messages.
   */
  #challenge(round: 1 | 2, role: HandshakeRole, signer: Uint8Array): (text: string) => string {
    const { swarmId, tag } = this.#options;
    const fields = [
      protocolLabel(`jpake round ${round}`, 2),
      swarmId,
      tag,
      signer,
      Uint8Array.of(ROLE_BYTE[role]),
      ...(round === 2 ? this.#inOrder(this.#ownRound1, this.#peerRound1) : []),
    ];
    const context = encodeFields(fields);
    return (text) => toHex(sha256(encodeFields([context, utf8(text)])));
  }

  /** The peer's proof in the package's form; its challenge text is the package's own. */
  #rawProof(
    bytes: Uint8Array,
    generator: AffinePoint,
    point: AffinePoint,
    challenge: (text: string) => string,
  ): RawProof {
    const t = decodePoint(bytes.subarray(0, POINT_BYTES));
    const r = decodeScalar(bytes.subarray(POINT_BYTES, PROOF_BYTES));
    const values = [generator.x, generator.y, t.x, t.y, point.x, point.y];
    const c = challenge(values.map((value) => this.#base64(value)).join(''));
    return {
      tx: this.#base64(t.x),
      ty: this.#base64(t.y),
      r: this.#base64(r),
      c: this.#base64(BigInt(`0x${c}`)),
    };
  }

  /** K = SHA-256 of the shared point's x, as the package does it; the identity has no x. */
  #finalHash(text: string): string {
    if (this.#package.base64.toInt(text) === 0n) {
      throw new SecureError('bad_key', 'the shared point is the identity');
    }
    return plainHash(text);
  }

  /** Key confirmation as RFC 8236 section 5; the messages hold ids, roles and all points. */
  #derive(shared: Uint8Array, peerRound2: Uint8Array): Uint8Array {
    const { swarmId, tag: token, role } = this.#options;
    const transcript = encodeFields([
      protocolLabel('jpake transcript', 2),
      swarmId,
      token,
      ...this.#inOrder(this.#ownRound1, this.#peerRound1),
      ...this.#inOrder(this.#ownRound2, peerRound2),
    ]);
    const secret = hkdfExtract(sha256(transcript), shared);
    this.#key = new Uint8Array(expandLabel(secret, 'jpake key'));
    const confirmKey = expandLabel(secret, 'jpake confirmation');
    const tag = (of: HandshakeRole) => hmac(confirmKey, KC_LABEL[of], transcript);
    this.#expectedTag = new Uint8Array(tag(role === 'initiator' ? 'responder' : 'initiator'));
    return tag(role);
  }

  #inOrder(own: Uint8Array, peer: Uint8Array): [Uint8Array, Uint8Array] {
    return this.#options.role === 'initiator' ? [own, peer] : [peer, own];
  }

  #rawPoint({ x, y }: AffinePoint): RawPoint {
    const Point = this.#raw.G.constructor as new (x: bigint, y: bigint) => RawPoint;
    return new Point(x, y);
  }

  #base64(value: bigint): string {
    return this.#package.base64.fromInt(value);
  }

  #point(x: string, y: string): Uint8Array {
    const { toInt } = this.#package.base64;
    return encodePoint({ x: toInt(x), y: toInt(y) });
  }

  #proof({ tx, ty, r }: RawProof): Uint8Array {
    return concat(this.#point(tx, ty), encodeScalar(this.#package.base64.toInt(r)));
  }
}

/** Whatever the package throws (it throws strings, too) is the peer's doing. */
function guarded(work: () => Uint8Array): Uint8Array {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof SecureError || cause instanceof RangeError) throw cause;
    throw new SecureError('bad_proof', `J-PAKE failed: ${String(cause)}`, { cause });
  }
}

function proofName(proof: RawProof, point: AffinePoint): string {
  return [proof.tx, proof.ty, proof.r, proof.c, point.x, point.y].join(' ');
}

function plainHash(text: string): string {
  return toHex(sha256(utf8(text)));
}

function malformed(what: string): SecureError {
  return new SecureError('malformed', `J-PAKE ${what}`);
}

function repeated(): SecureError {
  return new SecureError('bad_key', 'a point that was used before in this J-PAKE, or its negation');
}

const ROLE_BYTE = { initiator: 1, responder: 2 } as const;

const KC_LABEL = { initiator: utf8('KC_1_U'), responder: utf8('KC_1_V') } as const;
