/**
 * Changing a session's keys in band (docs/protocol.md section 4), started by the initiator only:
 *
 *   I to R  REKEY         eI                  under the old i2r key
 *   R to I  REKEY_REPLY   eR                  under the old r2i key; r2i is new from here on
 *   I to R  REKEY_SWITCH  (empty)             under the old i2r key; i2r is new from here on
 *
 * Messages flow all the while; TCP's order tells each side which key the next frame is under.
 */
import { concat } from '../wire/index.ts';
import { SecureError } from './errors.ts';
import { expandLabel, hkdfExtract } from './hash.ts';
import type { HandshakeRole } from './pake.ts';
import { x25519, x25519KeyPair, type X25519KeyPair } from './x25519.ts';

export interface RekeyLimits {
  readonly ms: number;
  readonly frames: number;
}

export const REKEY_AFTER: RekeyLimits = { ms: 120_000, frames: 2 ** 20 };

export interface DirectionKeys {
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
}

export class Rekeying {
  readonly #role: HandshakeRole;
  readonly #random: (n: number) => Uint8Array;
  readonly #after: RekeyLimits;
  /** What the next master is mixed from; the master itself is not kept. */
  readonly #chain: Uint8Array;
  #keys: DirectionKeys;
  /** On the initiator while a reply is awaited. */
  #ephemeral: X25519KeyPair | undefined;
  /** On the responder while the switch is awaited. */
  #switching = false;
  #since: number | undefined;

  constructor(
    role: HandshakeRole,
    master: Uint8Array,
    random: (n: number) => Uint8Array,
    after: RekeyLimits = REKEY_AFTER,
  ) {
    this.#role = role;
    this.#random = random;
    this.#after = after;
    this.#chain = expandLabel(master, 'rekey');
    this.#keys = directionKeys(role, master);
  }

  /** As derived last. */
  get keys(): DirectionKeys {
    return this.#keys;
  }

  isDue(nowMono: number, frames: number): boolean {
    this.#since ??= nowMono;
    if (this.#role !== 'initiator' || this.#ephemeral !== undefined) return false;
    return nowMono - this.#since >= this.#after.ms || frames >= this.#after.frames;
  }

  /** Initiator: the body of REKEY. */
  start(nowMono: number): Uint8Array {
    if (this.#role !== 'initiator' || this.#ephemeral !== undefined) {
      throw new Error('rekeying is started once at a time, by the initiator');
    }
    this.#since = nowMono;
    this.#ephemeral = x25519KeyPair(this.#random(32));
    return this.#ephemeral.publicKey;
  }

  /** Responder, on REKEY: the body of REKEY_REPLY and the new sending key. */
  answer(eI: Uint8Array): { reply: Uint8Array; send: Uint8Array } {
    if (this.#role !== 'responder' || this.#switching) throw unexpected('REKEY');
    const own = x25519KeyPair(this.#random(32));
    this.#mix(own.secretKey, eI, concat(eI, own.publicKey));
    this.#switching = true;
    return { reply: own.publicKey, send: this.#keys.send };
  }

  /** Initiator, on REKEY_REPLY: both new keys. */
  finish(eR: Uint8Array): DirectionKeys {
    const own = this.#ephemeral;
    if (own === undefined) throw unexpected('REKEY_REPLY');
    this.#ephemeral = undefined;
    this.#mix(own.secretKey, eR, concat(own.publicKey, eR));
    return this.#keys;
  }

  /** Responder, on REKEY_SWITCH: the new receiving key. */
  switched(body: Uint8Array): Uint8Array {
    if (!this.#switching || body.length > 0) throw unexpected('REKEY_SWITCH');
    this.#switching = false;
    return this.#keys.receive;
  }

  wipe(): void {
    this.#chain.fill(0);
    this.#keys.send.fill(0);
    this.#keys.receive.fill(0);
    this.#ephemeral = undefined;
  }

  #mix(secretKey: Uint8Array, peerKey: Uint8Array, both: Uint8Array): void {
    const shared = x25519(secretKey, peerKey);
    if (shared === undefined) {
      throw new SecureError('bad_key', 'the peer rekeyed with a public key of low order');
    }
    secretKey.fill(0);
    const master = expandLabel(hkdfExtract(this.#chain, shared), 'master', both);
    this.#chain.set(expandLabel(master, 'rekey'));
    this.#keys = directionKeys(this.#role, master);
  }
}

function directionKeys(role: HandshakeRole, master: Uint8Array): DirectionKeys {
  const i2r = expandLabel(master, 'traffic i2r');
  const r2i = expandLabel(master, 'traffic r2i');
  return role === 'initiator' ? { send: i2r, receive: r2i } : { send: r2i, receive: i2r };
}

function unexpected(name: string): SecureError {
  return new SecureError('malformed', `${name} is not due here`);
}
