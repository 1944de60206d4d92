/**
 * Prekeys (docs/protocol.md section 8): X25519 pairs of about a day each, their public halves shown
 * in the own record. The body of a request to named hosts is sealed to theirs. A pair is on disk
 * before anybody sees it, and gone once nothing that was sealed to it can still be valid: whoever
 * takes the disk afterwards opens none of it.
 */
import { concat, pack, REQUEST_MS_MAX, unpack } from '../../wire/index.ts';
import type { RequestBody, ShownPrekey } from '../../wire/index.ts';
import type { Recipient } from '../../secure/types.ts';
import type { KeptPrekey } from '../types.ts';
import type { Context } from '../engine/context.ts';
import type { Request } from './request.ts';

/** Key of the persist effect; `restore` reads it back. */
export const PREKEYS_KEY = 'prekeys';

interface Pair extends KeptPrekey {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

export class Prekeys {
  #context: Context;
  #renew: () => void;
  /** The newest first; others may have sealed to each. */
  #pairs: Pair[];
  #saving: Pair[] | undefined;
  /** The last write failed: what is on disk is not what is here. */
  #unsaved = false;
  /** Wall time at which the newest has had its day. */
  #dueAt = 0;

  /** `renew` makes the own record anew, with the newest prekey in it. */
  constructor(context: Context, renew: () => void) {
    this.#context = context;
    this.#renew = renew;
    this.#pairs = (context.options.prekeys ?? []).map((kept) => pairOf(context, kept));
  }

  /** What the own record shows. */
  get shown(): ShownPrekey | undefined {
    const newest = this.#pairs[0];
    return newest && { made: newest.made, publicKey: newest.publicKey };
  }

  /** Goes on with the newest pair of the last run, unless its day is over. */
  start(): void {
    this.#setDue();
    this.sweep();
    if (!this.#showsSoon()) this.#renew();
  }

  /** Deletes what has had its time, and makes the next pair when it is due. */
  sweep(): void {
    if (this.#saving !== undefined) return;
    const pairs = this.#pairs.filter((pair) => this.#mayBeUsed(pair));
    if (pairs.length === 0 || this.#context.now.wall >= this.#dueAt) pairs.unshift(this.#make());
    const changed = pairs.length !== this.#pairs.length || pairs[0] !== this.#pairs[0];
    if (changed || this.#unsaved) this.#save(pairs);
  }

  #saved(pairs: Pair[], ok: boolean): void {
    const isNew = this.#showsSoon();
    this.#saving = undefined;
    this.#unsaved = !ok;
    for (const { seed, secretKey } of this.#pairs.filter((pair) => !pairs.includes(pair))) {
      seed.fill(0);
      secretKey.fill(0);
    }
    this.#pairs = pairs;
    if (isNew) {
      this.#setDue();
      this.#renew();
    }
  }

  /** The body of a request to this host; undefined when it was sealed to no key that is here, or to an earlier run. */
  open(request: Request): Uint8Array | undefined {
    const { body } = request.signed;
    if (body.targets === undefined) return request.body;
    const { node, crypto, self } = this.#context;
    const about = sealingContext(body);
    const id = recipientId(this.#context, node, self.bootId);
    for (const { publicKey, secretKey } of this.#pairs) {
      const plain = crypto.openFromMany(request.body, { id, publicKey, secretKey }, about);
      if (plain !== undefined) return plain;
    }
    return undefined;
  }

  /** A new pair is on its way to the disk. */
  #showsSoon(): boolean {
    return this.#saving !== undefined && this.#saving[0] !== this.#pairs[0];
  }

  #make(): Pair {
    const { now, options } = this.#context;
    return pairOf(this.#context, { made: now.wall, seed: options.random(32) });
  }

  /** Spread over hours: hosts that were started together do not flood the swarm together. */
  #setDue(): void {
    const { tuning } = this.#context;
    const day = tuning.prekeyMs * (1 - this.#context.chance() / 6);
    this.#dueAt = (this.#pairs[0]?.made ?? 0) + day;
  }

  /**
   * The last request that was sealed to a pair begins two days after it was made and runs out by
   * its own time and the difference of two clocks. One of the future was made by a clock that was
   * wrong: nobody knows how long it would be shown as good.
   */
  #mayBeUsed({ made }: Pair): boolean {
    const { now, tuning } = this.#context;
    const skew = tuning.clockSkewMaxMs;
    return made <= now.wall + skew && now.wall < made + 2 * tuning.prekeyMs + REQUEST_MS_MAX + skew;
  }

  #save(pairs: Pair[]): void {
    this.#saving = pairs;
    this.#context.persist({
      key: PREKEYS_KEY,
      bytes: pack(pairs.map(({ made, seed }) => [made, seed])),
      // Tried again each minute: one alarm is enough.
      ...(!this.#unsaved && { what: 'the prekeys' }),
      done: (ok) => this.#saved(pairs, ok),
    });
  }
}

/**
 * The key that a request may be sealed to: made in the last two days, by the clock of this node. One of
 * the future would be good for ever, whatever its owner deletes.
 */
export function usablePrekey(
  context: Context,
  shown: ShownPrekey | undefined,
): Uint8Array | undefined {
  if (shown === undefined || !context.crypto.isX25519Key(shown.publicKey)) return undefined;
  const age = context.now.wall - shown.made;
  const isOfNow = age >= -context.tuning.clockSkewMaxMs && age < 2 * context.tuning.prekeyMs;
  return isOfNow ? shown.publicKey : undefined;
}

/** Whom a body is sealed to: a host in its present run, so that it carries none out again in the next. */
export function recipientId(context: Context, node: Uint8Array, bootId: Uint8Array): Uint8Array {
  return context.crypto.sha256(node, bootId);
}

/** A body that only `recipients` can open, and only as that of this request. */
export function sealBody(
  context: Context,
  request: RequestName,
  recipients: readonly Recipient[],
  plain: Uint8Array,
): Uint8Array {
  const { random } = context.options;
  return context.crypto.sealToMany({ recipients, plain, context: sealingContext(request), random });
}

/** What a kept file holds; nothing where it cannot be read: a fresh pair is made then. */
export function readPrekeys(bytes: Uint8Array): KeptPrekey[] {
  try {
    const value = unpack(bytes) as [number, Uint8Array][];
    const kept = value.map(([made, seed]) => ({ made, seed: new Uint8Array(seed) }));
    return kept.every(isPrekey) ? kept : [];
  } catch {
    return [];
  }
}

function isPrekey({ made, seed }: KeptPrekey): boolean {
  return Number.isSafeInteger(made) && made >= 0 && seed.length === 32;
}

function pairOf({ crypto }: Context, { made, seed }: KeptPrekey): Pair {
  return { made, seed, ...crypto.x25519KeyPair(seed) };
}

/** So that nobody can put a body that it overheard into a request of its own. */
function sealingContext({ swarm, origin, id }: RequestName): Uint8Array {
  return concat(swarm, origin, id);
}

type RequestName = Pick<RequestBody, 'swarm' | 'origin' | 'id'>;
