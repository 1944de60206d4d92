/** One claim from its asking to its end: who is away, what the others answered, what is left over. */
import type { Asker, AskEvent, HostOutcome } from '../../agent/index.ts';
import { codeOf, HubError, messageOf } from '../errors.ts';
import { actionOutcomeOf } from './action-outcome.ts';
import { bound, type Log } from '../log.ts';
import { outcomeOf, outcomeWithoutRows, plainOutcome, type Outcome } from './outcome.ts';
import type { Claim, ClaimedDelivery, Queue } from './queue.ts';
import { Recorder } from './recorder.ts';
import type { Pulse } from '../pulse.ts';
import type { Spool } from './spool.ts';

export interface RunOptions {
  readonly queue: Queue;
  readonly spool: Spool;
  readonly asker: Asker;
  readonly log: Log;
  /** Longest one try may take at the hosts. */
  readonly askMs: number;
  /** Waited beyond that for the account, in case the swarm does not end in time. */
  readonly graceMs: number;
  /** False while the swarm has not settled after the start: away may only mean not met yet. */
  readonly certain: () => boolean;
  /** The process ends: write no longer than this allows. */
  readonly abandon: AbortSignal;
  readonly parts: { readonly outcomes: Pulse };
}

export type StopReason = 'cancelled' | 'lost' | 'stop';

export class Run {
  readonly claim: Claim;
  readonly #options: RunOptions;
  readonly #recorder: Recorder;
  readonly #open: Map<string, ClaimedDelivery>;
  readonly #abort = new AbortController();
  /** Resolves when it is aborted; what is waited for then is left to itself. */
  readonly #stopped = new Promise<undefined>((resolve) =>
    this.#abort.signal.addEventListener('abort', () => resolve(undefined), { once: true }),
  );
  /** Ids of the swarm's requests, as hosts log them; empty until it was asked. */
  #asked: readonly string[] = [];
  #reason: StopReason | undefined;
  /** The answers are of sensitive tables. */
  #sensitive = false;

  constructor(claim: Claim, options: RunOptions) {
    this.claim = claim;
    const log = bound(options.log, () => this.#ids());
    this.#options = { ...options, log };
    this.#open = new Map(claim.deliveries.map((delivery) => [delivery.nodeId, delivery]));
    const { queue, spool, abandon: signal, parts } = options;
    const { token } = claim;
    this.#recorder = new Recorder({ queue, spool, token, log, signal, pulse: parts.outcomes });
  }

  /** Outcomes were dropped: no heartbeat may keep the lease. */
  get gaveUp(): boolean {
    return this.#recorder.gaveUp;
  }

  /**
   * Ends the asking early. The first reason stays. A host that has an action already does not give it
   * back when the request is cancelled: what it says of it is waited for.
   */
  stop(reason: StopReason): void {
    if (reason === 'cancelled' && this.claim.work.kind === 'action') return;
    this.#reason ??= reason;
    this.#abort.abort();
  }

  /** Never rejects. Resolves when every outcome is written, given back or lost. */
  async go(): Promise<void> {
    try {
      await this.#setAsideAway();
      if (this.#open.size > 0 && this.#reason === undefined) await this.#ask();
    } catch (error) {
      await this.#failAll(error);
    }
    try {
      await this.#finish();
    } catch (error) {
      this.#options.log.warn(
        { error: messageOf(error) },
        'could not give work back; its lease runs out',
      );
    }
  }

  /** Hosts known to be away are not asked. */
  async #setAsideAway(): Promise<void> {
    if (!this.#options.certain()) return;
    const here = new Set<string>();
    for (const member of this.#options.asker.members())
      if (member.state === 'alive' || member.state === 'suspect') here.add(member.nodeId);
    for (const delivery of [...this.#open.values()]) {
      if (here.has(delivery.nodeId)) continue;
      await this.#end(delivery.nodeId, (id) =>
        plainOutcome(id, 'away', { code: 'unreachable', message: 'the host is away' }),
      );
    }
  }

  async #ask(): Promise<void> {
    const { askMs, graceMs } = this.#options;
    const timeoutMs = Math.max(100, Math.min(askMs, this.claim.remainingMs));
    const events = this.#events(timeoutMs)[Symbol.asyncIterator]();
    const guard = setTimeout(() => this.#abort.abort(), timeoutMs + graceMs);
    try {
      for (;;) {
        const next = await Promise.race([this.#stopped, events.next()]);
        if (next === undefined || next.done === true) break;
        await this.#take(next.value);
      }
    } finally {
      clearTimeout(guard);
      // Not awaited: an asker that hangs would hang here too.
      void Promise.resolve(events.return?.()).catch(() => undefined);
    }
  }

  /** What makes a line of this hub's log and one of a host's log belong together. */
  #ids(): object {
    const { requestId, token } = this.claim;
    const [first, ...others] = this.#asked;
    const request = others.length === 0 ? first : this.#asked;
    return { hub_request: requestId, lease: token, ...(request && { request }) };
  }

  #note(ids: readonly string[]): void {
    this.#asked = ids;
    const attempt = Math.max(...this.claim.deliveries.map((delivery) => delivery.attempt));
    this.#options.log.info({ deliveries: this.#open.size, attempt }, 'asked the swarm');
  }

  #events(timeoutMs: number): AsyncIterable<AskEvent> {
    const { asker } = this.#options;
    const { work, askedBy, remainingMs } = this.claim;
    const onAsked = (ids: readonly string[]): void => this.#note(ids);
    const limits = { timeoutMs, signal: this.#abort.signal, onAsked };
    if (work.kind === 'query')
      return asker.ask({
        sql: work.sql,
        targets: this.#targets(),
        onSensitive: (tables) => this.#noteSensitive(tables),
        ...limits,
      });
    const ids = new Map([...this.#open.values()].map(({ nodeId, id }) => [nodeId, id]));
    const expires = Math.round(Date.now() + remainingMs);
    return asker.command({
      action: work.action,
      args: work.args,
      askedBy,
      expires,
      ids,
      ...limits,
    });
  }

  /** Rows of sensitive tables are asked for in the name of those only who may have them. */
  #noteSensitive(tables: readonly string[]): void {
    const { sensitive, askedBy } = this.claim;
    if (!sensitive) {
      throw new HubError(
        'sensitive',
        `${askedBy} may not have rows of the sensitive ${tables.length === 1 ? 'table' : 'tables'} ${tables.join(', ')}`,
        { hint: `swarmplane hub grant --role sensitive ${askedBy}` },
      );
    }
    this.#sensitive = true;
  }

  #targets(): { kind: 'all' } | { kind: 'nodes'; nodes: string[] } {
    const nodes = [...this.#open.keys()];
    const all = this.#options.asker
      .members()
      .every(({ state, nodeId }) => state === 'left' || state === 'dead' || this.#open.has(nodeId));
    return this.claim.wholeSwarm && all ? { kind: 'all' } : { kind: 'nodes', nodes };
  }

  async #take(event: AskEvent): Promise<void> {
    const certain = this.#options.certain();
    if (event.kind === 'answer') {
      const { answer } = event;
      const make = this.claim.work.kind === 'action' ? actionOutcomeOf : outcomeOf;
      const sensitive = this.#sensitive;
      return this.#end(answer.outcome.nodeId, (id) => make(id, answer, { certain, sensitive }));
    }
    for (const host of event.account.hosts) await this.#endFromAccount(host, certain);
  }

  #endFromAccount(host: HostOutcome, certain: boolean): Promise<void> {
    return this.#end(host.nodeId, (id) => outcomeWithoutRows(id, host, certain));
  }

  /** Hosts that are not in this claim, strangers among them, are ignored. */
  async #end(nodeId: string, make: (id: string) => Outcome): Promise<void> {
    const delivery = this.#open.get(nodeId);
    if (delivery === undefined) return;
    this.#open.delete(nodeId);
    const outcome = make(delivery.id);
    const { id, state, code } = outcome;
    this.#options.log.debug({ delivery: id, node: nodeId, state, code }, 'a host ended');
    await this.#recorder.add(outcome, this.#open.size === 0);
  }

  /** The asking itself failed: for good when the SQL was refused, otherwise it is tried again. */
  async #failAll(error: unknown): Promise<void> {
    if (this.#reason !== undefined) return;
    const code = codeOf(error) || 'ask_failed';
    const final = isRefusal(error);
    if (!final)
      this.#options.log.warn({ error: messageOf(error) }, 'asking the swarm failed, trying again');
    for (const nodeId of [...this.#open.keys()])
      await this.#end(nodeId, (id) =>
        plainOutcome(id, final ? 'refused' : 'again', { code, message: sentenceOf(error) }),
      );
  }

  /** What is still open when the asking ended. */
  async #finish(): Promise<void> {
    if (this.#reason === undefined || this.#reason === 'cancelled') {
      const [state, code, message] =
        this.#reason === undefined
          ? (['again', 'no_answer', 'the swarm gave no account of the host'] as const)
          : (['cancelled', 'cancelled', 'the request was cancelled'] as const);
      for (const nodeId of [...this.#open.keys()])
        await this.#end(nodeId, (id) => plainOutcome(id, state, { code, message }));
    }
    await this.#recorder.flush();
    if (this.#reason === 'stop' && this.#open.size > 0)
      await this.#options.queue.giveBack(this.claim.token);
  }
}

/** With the hint, which is all that the asker sees of it. */
function sentenceOf(error: unknown): string {
  const hint = error instanceof HubError ? error.hint : undefined;
  return hint === undefined ? messageOf(error) : `${messageOf(error)}; hint: ${hint}`;
}

/** Codes of QueryError that say the SQL itself is no good: no host would run it. */
const REFUSALS = new Set([
  'syntax',
  'no_such_table',
  'no_such_column',
  'not_authorized',
  'sql_too_long',
  'constraint_required',
  'not_served',
]);

function isRefusal(error: unknown): boolean {
  if (error instanceof HubError) return error.code === 'sensitive';
  return error instanceof Error && error.name === 'QueryError' && REFUSALS.has(codeOf(error));
}
