/** Requests that this node carries out: clock check, bounds, ACCEPTED, the end of time. */
import { ANSWER_BYTES_MAX, NUMBER_MAX } from '../../wire/index.ts';
import type { Outcome } from './answer.ts';
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Links } from '../links/links.ts';
import type { Members } from '../members/members.ts';
import type { Prekeys } from './prekeys.ts';
import type { Request } from './request.ts';
import type { LinkId, RunOutcome } from '../types.ts';

/**
 * Runs that are out at once, of all origins but this node and of one of them; the query room has
 * its own, smaller bounds.
 */
const RUNS_MAX = 64;
const RUNS_OF_ONE = 32;
/** What an origin has room for when others fill all, as long as origins are not too many. */
const RUNS_FOR_EACH = 4;
const RUNS_IN_ALL = 256;

/** How many times sooner ACCEPTED is said where the origin has no link. */
const RELAYED_SOONER = 4;

export interface ExecutionsListener {
  /** The request ended here, once. */
  ended(request: Request, outcome: Outcome): void;
  /** It takes longer. Returns the link over which that was said. */
  accepted(request: Request): LinkId | undefined;
}

interface Run {
  readonly request: Request;
  /** Once ACCEPTED is due: over which link it was said, undefined when there was none. */
  accepted?: { over: LinkId | undefined };
}

export class Executions {
  #context: Context;
  #members: Members;
  #prekeys: Prekeys;
  #links: Links;
  #isHub: (origin: NodeId) => boolean;
  #listener: ExecutionsListener;
  /** By effect id. */
  #runs = new Map<number, Run>();
  /** Monotonic time of the first call. */
  #startedAt: number | undefined;
  /** Runs of each origin that has any. */
  #counts = new Map<NodeId, number>();

  constructor(
    context: Context,
    members: Members,
    prekeys: Prekeys,
    links: Links,
    isHub: (origin: NodeId) => boolean,
    listener: ExecutionsListener,
  ) {
    this.#context = context;
    this.#members = members;
    this.#prekeys = prekeys;
    this.#links = links;
    this.#isHub = isHub;
    this.#listener = listener;
  }

  get size(): number {
    return this.#runs.size;
  }

  /** There is no room for it here; that was found before anything was kept of it. */
  refuse(request: Request, message: string): void {
    this.#listener.ended(request, failed('refused', 'busy', message));
  }

  start(request: Request): void {
    const off = this.#clockOffBy(request);
    if (off !== undefined) {
      const way = off > 0 ? 'ahead' : 'behind';
      const by = `${Math.round(Math.abs(off) / 1000)} s ${way}`;
      const message = `clock: this host is at least ${by} of the asker; set the clock of one of them`;
      return this.#listener.ended(request, failed('refused', `clock_${way}`, message));
    }
    const unsureMs = this.#unsureForMs(request);
    if (unsureMs > 0) {
      const message = `this host has just started, and cannot tell what comes over other hosts from what it carried out before: ask again in ${Math.ceil(unsureMs / 1000)} s, or from a host that is linked to it`;
      return this.#listener.ended(request, failed('refused', 'restarted', message));
    }
    const full = this.#full(request.origin);
    if (full !== undefined) return this.#listener.ended(request, failed('refused', 'busy', full));
    const body = this.#prekeys.open(request);
    if (body === undefined) {
      const message =
        'the request was sealed to an earlier run of this host, or to a key that it does not hold: ask again';
      return this.#listener.ended(request, failed('refused', 'stale_key', message));
    }
    this.#run(request, body);
  }

  handleDone(effect: number, outcome: RunOutcome): void {
    const request = this.#finish(effect);
    if (request !== undefined) this.#listener.ended(request, checked(outcome));
  }

  handleAcceptedTimer(effect: number): void {
    const run = this.#runs.get(effect);
    if (run !== undefined) run.accepted = { over: this.#listener.accepted(run.request) };
  }

  /** The origin lacks the answer: what was said over a link that is gone did not arrive. */
  handleBeacon(request: Request): void {
    for (const run of this.#runs.values()) {
      if (run.request !== request || run.accepted === undefined) continue;
      const { over } = run.accepted;
      if (over === undefined || this.#links.get(over) === undefined)
        run.accepted = { over: this.#listener.accepted(request) };
    }
  }

  handleEndTimer(effect: number): void {
    const request = this.#finish(effect);
    if (request === undefined) return;
    this.#cancelEffect(effect);
    const message = 'the host ran out of the time that the request gave it';
    this.#listener.ended(request, failed('expired', 'time', message));
  }

  /** The origin does not want it any more; nothing is answered. */
  cancel(request: Request): void {
    for (const [effect, running] of this.#runs) {
      if (running.request !== request) continue;
      this.#finish(effect);
      this.#cancelEffect(effect);
    }
  }

  /** The core runs from here on. */
  begin(): void {
    this.#startedAt = this.#context.now.mono;
  }

  /**
   * The replay cache does not outlast a run. What names hosts is sealed to one run of them; what is asked
   * of all may have been carried out before a start, unless its origin itself says it here, or it was
   * made since by any clock that is not too far off. Milliseconds until such requests can be taken.
   */
  #unsureForMs(request: Request): number {
    const { now, options, tuning, nodeId } = this.#context;
    const { targets, issued } = request.signed.body;
    const hasRunBefore = options.incarnation !== undefined;
    if (!hasRunBefore || targets !== undefined || request.origin === nodeId) return 0;
    const from = request.nextHop === undefined ? undefined : this.#links.get(request.nextHop);
    if (from?.nodeId === request.origin) return 0;
    // By the clock as it is now: many a host learns the time only after its start.
    const startedWall = now.wall - (now.mono - (this.#startedAt ?? now.mono));
    return issued > startedWall + tuning.clockSkewMaxMs
      ? 0
      : Math.max(1, startedWall + tuning.clockSkewMaxMs - now.wall);
  }

  /** Why there is no room for one more run of this origin. Own requests depend on no other's. */
  #full(origin: NodeId): string | undefined {
    const { nodeId } = this.#context;
    if (origin === nodeId) return undefined;
    const own = this.#counts.get(nodeId) ?? 0;
    const [of, all] = [this.#counts.get(origin) ?? 0, this.#runs.size - own];
    if (of >= RUNS_OF_ONE)
      return `this host is carrying out ${of} requests of ${this.#nameOf(origin)} already`;
    if (all < RUNS_MAX || (of < RUNS_FOR_EACH && all < RUNS_IN_ALL)) return undefined;
    return `this host is carrying out ${all} requests already, ${of} of them of ${this.#nameOf(origin)}`;
  }

  #shareOf(origin: NodeId): 'own' | 'hub' | 'member' {
    if (origin === this.#context.nodeId) return 'own';
    return this.#isHub(origin) ? 'hub' : 'member';
  }

  #nameOf(origin: NodeId): string {
    return this.#members.nameOf(origin);
  }

  #run(request: Request, plain: Uint8Array): void {
    const id = this.#context.nextEffectId();
    const { timers, now, tuning } = this.#context;
    const { body } = request.signed;
    this.#runs.set(id, { request });
    this.#counts.set(request.origin, (this.#counts.get(request.origin) ?? 0) + 1);
    this.#context.effects.push({
      kind: 'run',
      id,
      request: {
        id: request.id,
        origin: request.origin,
        originName: this.#nameOf(request.origin),
        share: this.#shareOf(request.origin),
        kind: body.what,
        body: plain,
        ...(body.certificate.length === 0 ? {} : { certificate: body.certificate }),
        remainingMs: request.endsAt - now.mono,
      },
    });
    timers.set('run-end', String(id), request.endsAt);
    if (request.origin !== this.#context.nodeId) {
      // Without a link of its own the origin can tell from this alone that the host is there.
      const after = this.#links.to(request.origin) === undefined ? RELAYED_SOONER : 1;
      timers.set('accepted', String(id), now.mono + tuning.acceptedAfterMs / after);
    }
  }

  #finish(effect: number): Request | undefined {
    const run = this.#runs.get(effect);
    this.#runs.delete(effect);
    if (run !== undefined) this.#uncount(run.request.origin);
    this.#context.timers.clear('accepted', String(effect));
    this.#context.timers.clear('run-end', String(effect));
    return run?.request;
  }

  #uncount(origin: NodeId): void {
    const left = this.#counts.get(origin)! - 1;
    if (left > 0) this.#counts.set(origin, left);
    else this.#counts.delete(origin);
  }

  #cancelEffect(runId: number): void {
    const id = this.#context.nextEffectId();
    this.#context.effects.push({ kind: 'cancel', id, runId });
  }

  /** Milliseconds by which this host is ahead of the asker, less than 0 when behind, where that is too much. */
  #clockOffBy(request: Request): number | undefined {
    const { wall } = this.#context.now;
    const { issued, expires } = request.signed.body;
    const off = wall < issued ? wall - issued : Math.max(0, wall - expires);
    return Math.abs(off) > this.#context.tuning.clockSkewMaxMs ? off : undefined;
  }
}

function failed(status: Outcome['status'], code: string, message: string): Outcome {
  const payload = new Uint8Array(0);
  return { status, code, message, rowCount: 0, truncated: false, tookMs: 0, payload };
}

/** What cannot be sent becomes an error of this host. */
function checked(outcome: RunOutcome): Outcome {
  const size = outcome.payload.length;
  if (size > ANSWER_BYTES_MAX) {
    return failed(
      'error',
      'answer_too_large',
      `answer of ${size} bytes, at most ${ANSWER_BYTES_MAX}`,
    );
  }
  return { ...outcome, rowCount: natural(outcome.rowCount), tookMs: natural(outcome.tookMs) };
}

function natural(value: number): number {
  return Number.isFinite(value) && value > 0 ? Math.min(Math.round(value), NUMBER_MAX) : 0;
}
