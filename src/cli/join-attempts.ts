/**
 * When a host that wants to join tries again, and when it gives up.
 *
 * A refusal proves nothing: it comes before anybody has shown who he is, so a stranger on the way
 * can forge it. Only when every address has refused, and nothing else, for a minute is it taken at
 * its word. What says that a member is there and has no time, or that nobody is there yet, is
 * waited out for as long as it takes.
 */

/** What a failed try means. */
export type JoinVerdict =
  | { readonly kind: 'final' }
  | {
      readonly kind: 'again';
      readonly pauseMs: number;
      /** For people. */
      readonly waitsFor: string;
      readonly tries: number;
      readonly waitedMs: number;
      /** After which refusals are final, where there have been only refusals; else undefined. */
      readonly givesUpInMs: number | undefined;
    };

/** Refusals are believed after this. */
export const REFUSED_FOR_MS = 60_000;
const PAUSE_MIN_MS = 1_000;
/** A member admits one host a second: who was refused for that comes back about when it is his turn. */
const PAUSE_MAX_MS = 30_000;
/** A wrong secret is an alarm at the member, and ten of them lock a network out for a while. */
const REFUSED_PAUSE_MIN_MS = 5_000;

const WAITS_FOR: Readonly<Record<string, string>> = {
  busy: 'a member that has time: many hosts join at once',
  timeout: 'an answer: the member, or this machine, has much to do',
  closed: 'an answer: the connection was closed in the middle',
  worker_failed: 'this machine: it has too much to do for the admission (J-PAKE)',
  unreachable: 'somebody to listen there',
  handshake_failed: 'a handshake that works',
};
const REFUSALS: ReadonlySet<string> = new Set([
  ...['wrong_secret', 'wrong_swarm', 'wrong_epoch', 'cannot_admit', 'not_admitted'],
  ...['not_swarmplane', 'self', 'clone', 'wrong_peer', 'expelled', 'wrong_clock', 'swarm_full'],
  // A token that was made a moment ago has not come to every member yet.
  ...['unknown_token', 'token_ended', 'token_used_up'],
]);

interface Tried {
  /** Since when it has only refused; undefined while it did something else last, or was not tried. */
  refusedSince: number | undefined;
}

export class JoinAttempts {
  readonly #addresses: readonly string[];
  readonly #tried = new Map<string, Tried>();
  readonly #startedAt: number;
  #tries = 0;
  /** In a row of one kind, for the backoff. */
  #failures = 0;
  #last: string | undefined;

  /** `addresses`: at least one, the first choice first. `now`: mono, milliseconds. */
  constructor(addresses: readonly string[], now: number) {
    this.#addresses = addresses;
    this.#startedAt = now;
  }

  /** The address whose turn it is. */
  next(): string {
    return this.#addresses[this.#tries % this.#addresses.length]!;
  }

  /** `code`: of a NetError. `chance`: from 0 to 1. */
  failed(address: string, code: string, now: number, chance: number): JoinVerdict {
    this.#tries++;
    const isRefusal = REFUSALS.has(code);
    if (!isRefusal && WAITS_FOR[code] === undefined) return { kind: 'final' };
    const since = isRefusal ? (this.#tried.get(address)?.refusedSince ?? now) : undefined;
    this.#tried.set(address, { refusedSince: since });
    const end = this.#refusedUntil();
    if (end !== undefined && end <= now) return { kind: 'final' };
    this.#failures = code === this.#last ? this.#failures + 1 : 0;
    this.#last = code;
    return {
      kind: 'again',
      // The last try is made when the minute is over.
      pauseMs: Math.min(this.#pause(isRefusal, chance), end === undefined ? Infinity : end - now),
      waitsFor: isRefusal ? 'another answer: a stranger can forge this one' : WAITS_FOR[code]!,
      tries: this.#tries,
      waitedMs: now - this.#startedAt,
      givesUpInMs: end === undefined ? undefined : end - now,
    };
  }

  /** `mono` from which on refusals are final; undefined while some address may still let us in. */
  #refusedUntil(): number | undefined {
    let latest = 0;
    for (const address of this.#addresses) {
      const since = this.#tried.get(address)?.refusedSince;
      if (since === undefined) return undefined;
      latest = Math.max(latest, since);
    }
    return latest + REFUSED_FOR_MS;
  }

  /** Half of it by chance, so that hosts that were started together do not come back together. */
  #pause(isRefusal: boolean, chance: number): number {
    const least = isRefusal ? REFUSED_PAUSE_MIN_MS : PAUSE_MIN_MS;
    const most = Math.min(PAUSE_MAX_MS, least * 2 ** Math.min(this.#failures, 8));
    // The first round of several addresses goes through without a wait.
    if (this.#tries < this.#addresses.length) return 0;
    return Math.round(most * (0.5 + chance / 2));
  }
}
