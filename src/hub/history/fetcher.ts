/**
 * Gathers what hosts took of their tracked tables: tells them what is wished for, asks whose turn it is,
 * and acknowledges only what has been committed. Whatever dies in between is asked for again; what comes
 * twice changes nothing.
 */
import {
  decodeFetchAnswer,
  decodeTrackAnswer,
  encodeFetchBody,
  encodeTrackBody,
  type Asker,
  type HostOutcome,
  type RequestSpec,
} from '../../agent/index.ts';
import { messageOf } from '../errors.ts';
import type { HistoryStore, Turn, TurnNote } from './store.ts';
import type { Log } from '../log.ts';
import { isMomentary } from '../queue/outcome.ts';
import { isBlocked, isOutage, mayPass } from '../database/outage.ts';
import { RETRY_MS_MAX } from '../parts.ts';
import type { Pulse } from '../pulse.ts';
import { Describer } from './describer.ts';
import { TurnRun, type TableTrouble } from './turn-run.ts';
import { WakeLoop } from '../wake-loop.ts';

export interface FetcherOptions {
  readonly store: HistoryStore;
  readonly asker: Asker;
  readonly log: Log;
  /** Longest wait for a host's answer. */
  readonly askMs: number;
  /** Whether hosts show the table to holders of a certificate only. */
  readonly isSensitive: (table: string) => boolean;
  readonly parts: { readonly history: Pulse; readonly historyRetention: Pulse };
  /** How often old history is dropped. */
  readonly retentionMs: number;
}

/** Hosts claimed at once, and asked at once. */
const CLAIM_MAX = 32;
/** A host that was told anew has its first takings about then; asked again, each time twice as late. */
const FIRST_TAKINGS_MS = 3_000;
/** After so many a host is asked at its usual turn. */
const HURRIED_MAX = 6;
/** Most wakes are for requests, with which this must not compete. */
const GATHER_MS = 50;

export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #stop = new AbortController();
  /** Tables whose whole state is needed, or that are left alone for a while, by node. */
  readonly #troubles = new Map<string, Map<string, TableTrouble>>();
  /** How often each host was asked again early: it was told anew, or the last turn failed. */
  readonly #hurried = new Map<string, number>();
  /** Wish list and certificate that each host with sensitive tables was told last. */
  readonly #shown = new Map<string, { version: number; certificate: Uint8Array }>();
  readonly #describer: Describer;
  readonly #turns: WakeLoop;
  readonly #tidying: WakeLoop;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#describer = new Describer({ ...options, pulse: options.parts.history });
    this.#turns = new WakeLoop({
      work: () => this.#takeTurns(),
      failed: (error) => this.#report(error),
      gatherMs: GATHER_MS,
      pulse: options.parts.history,
    });
    const { retentionMs, store, log, parts } = options;
    this.#tidying = new WakeLoop({
      work: async () => {
        await store.tidy();
        return retentionMs;
      },
      failed: (error) => log.warn({ error: messageOf(error) }, TIDY_FAILED),
      retryMs: Math.min(retentionMs, RETRY_MS_MAX),
      pulse: parts.historyRetention,
    });
  }

  start(): void {
    this.#tidying.wakeIn(this.#options.retentionMs);
    this.wake();
  }

  /** Looks soon for hosts whose turn it is. Cheap to call often. */
  wake(): void {
    this.#turns.wake();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#tidying.stop(), this.#turns.stop()]);
  }

  async #takeTurns(): Promise<number | undefined> {
    const { store, parts } = this.#options;
    await this.#describer.look();
    for (;;) {
      const turns = await store.claim(CLAIM_MAX);
      parts.history.step();
      await this.#serve(turns);
      if (turns.length < CLAIM_MAX || this.#stop.signal.aborted) return store.nextMs();
    }
  }

  #report(error: unknown): void {
    const say = mayPass(error) ? 'warn' : 'error';
    const facts = { error: messageOf(error) };
    this.#options.log[say](facts, 'could not gather history, it is tried again');
  }

  async #serve(turns: readonly Turn[]): Promise<void> {
    const { store } = this.#options;
    const untold = turns.filter((turn) => !turn.told || this.#isNewlyAllowed(turn));
    if (untold.length > 0) await store.note(await this.#tell(untold));
    const others = turns.filter((turn) => !untold.includes(turn));
    const notes = await Promise.all(others.map((turn) => this.#fetch(turn)));
    if (notes.length > 0) await store.note(notes);
  }

  /** This hub has a certificate now with which the host was not told: it may have refused without. */
  #isNewlyAllowed({ nodeId, version, wishes }: Turn): boolean {
    const certificate = this.#certificateFor(wishes);
    if (certificate === undefined) return false;
    const shown = this.#shown.get(nodeId);
    return shown?.version !== version || Buffer.compare(shown.certificate, certificate) !== 0;
  }

  #certificateFor(wishes: Turn['wishes']): Uint8Array | undefined {
    const { asker, isSensitive } = this.#options;
    const read = wishes.flatMap(({ table, query, sensitive = [] }) =>
      query ? sensitive : [table],
    );
    return asker.certificateFor([...new Set(read)].filter(isSensitive));
  }

  /** Hosts with the same list get it in one request. */
  async #tell(turns: readonly Turn[]): Promise<TurnNote[]> {
    const byVersion = new Map<number, Turn[]>();
    for (const turn of turns)
      byVersion.set(turn.version, [...(byVersion.get(turn.version) ?? []), turn]);
    const told = [...byVersion.values()].map(async (group): Promise<TurnNote[]> => {
      const { version, wishes } = group[0]!;
      const body = encodeTrackBody({ version, tables: wishes });
      const nodes = group.map(({ nodeId }) => nodeId);
      const certificate = this.#certificateFor(wishes);
      const answers = await this.#ask('track', body, nodes, certificate);
      return nodes.map((identity) => {
        const said = answers.get(identity);
        if (!(said instanceof Uint8Array)) return this.#failed(identity, new Unanswered(said));
        if (certificate !== undefined) this.#shown.set(identity, { version, certificate });
        this.#hurried.set(identity, 0);
        return toldNote(identity, said);
      });
    });
    return (await Promise.all(told)).flat();
  }

  async #fetch(turn: Turn): Promise<TurnNote> {
    const { store, asker, log, parts } = this.#options;
    const identity = turn.nodeId;
    const troubles = this.#troubles.get(identity) ?? new Map<string, TableTrouble>();
    const certificate = this.#certificateFor(turn.wishes);
    const run = new TurnRun({
      turn,
      store,
      log,
      troubles,
      ask: async (body) => {
        const question = encodeFetchBody(body);
        const before = Date.now();
        const answers = await this.#ask('fetch', question, [identity], certificate);
        const after = Date.now();
        const said = answers.get(identity);
        if (!(said instanceof Uint8Array)) throw new Unanswered(said);
        const origin = { swarmId: asker.swarmId, nodeId: identity };
        return { answer: decodeFetchAnswer(said, origin), between: [before, after] as const };
      },
      signal: this.#stop.signal,
    });
    try {
      const note = await run.go();
      parts.history.forget(identity);
      const soon = this.#hurried.has(identity) && !run.isWhole ? this.#soon(identity) : undefined;
      if (soon === undefined) this.#hurried.delete(identity);
      return { ...(soon !== undefined && { soon }), ...note };
    } catch (error) {
      if (isOutage(error)) throw error;
      // Somebody holds rows of this host: the others go on.
      if (isBlocked(error)) parts.history.failed(error, identity);
      return this.#failed(identity, error);
    } finally {
      if (troubles.size > 0) this.#troubles.set(identity, troubles);
      else this.#troubles.delete(identity);
    }
  }

  /**
   * When to ask again before the host's next turn, each time twice as late: its usual turn is one whole
   * interval later, often an hour, in which nothing would be known of it.
   */
  #soon(identity: string): number | undefined {
    const tries = this.#hurried.get(identity) ?? 0;
    if (tries >= HURRIED_MAX) return undefined;
    this.#hurried.set(identity, tries + 1);
    return FIRST_TAKINGS_MS * 2 ** tries;
  }

  /** A host that refuses has a reason that asking again does not change. */
  #failed(identity: string, error: unknown): TurnNote {
    const note = failed(identity, error);
    const soon = note.refusal === undefined ? this.#soon(identity) : undefined;
    return { ...note, ...(soon !== undefined && { soon }) };
  }

  /** Payloads by node; what became of it where the host gave none. */
  async #ask(
    kind: RequestSpec['kind'],
    body: Uint8Array,
    nodes: readonly string[],
    certificate: Uint8Array | undefined,
  ): Promise<Map<string, Uint8Array | HostOutcome>> {
    const { asker, askMs } = this.#options;
    const answers = new Map<string, Uint8Array | HostOutcome>();
    const targets = { kind: 'nodes', nodes } as const;
    const spec = { kind, body, targets, timeoutMs: askMs, ...(certificate && { certificate }) };
    for await (const event of asker.request(spec, this.#stop.signal)) {
      if (event.kind !== 'answer') continue;
      const { nodeId, state } = event.outcome;
      answers.set(nodeId, state === 'ok' ? event.payload : event.outcome);
    }
    // However long hosts take: that is not this hub's doing.
    this.#options.parts.history.step();
    return answers;
  }
}

/** A host that keeps a newer list gets one above it at once. */
function toldNote(identity: string, payload: Uint8Array): TurnNote {
  try {
    const { version, taken, refused } = decodeTrackAnswer(payload);
    if (!taken) return { identity, version, soon: 0 };
    return { identity, version, refused, told: true, soon: FIRST_TAKINGS_MS };
  } catch (error) {
    return failed(identity, error);
  }
}

function failed(identity: string, error: unknown): TurnNote {
  const refusal = error instanceof Unanswered ? error.refusal : undefined;
  return { identity, error: messageOf(error), ...(refusal !== undefined && { refusal }) };
}

/** A host that gave no payload, and why. */
class Unanswered extends Error {
  /** The code with which the host refused; undefined where it did not, or only for a moment. */
  readonly refusal: string | undefined;

  constructor(outcome: HostOutcome | undefined) {
    const { state, code, message } = outcome ?? {};
    super(message ?? code ?? state ?? 'the host did not answer');
    this.refusal =
      state === 'refused' && !isMomentary(code) ? (code ?? 'no reason given') : undefined;
  }
}

const TIDY_FAILED = 'could not drop old history, it is tried again later';
