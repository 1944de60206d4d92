/** Hosts that hand over one after the other, timed from the answer's bytes to the commit. */
import type pg from 'pg';
import { decodeFetchAnswer, encodeFetchBody, encodeTrackBody } from '../../src/agent/index.ts';
import { HistoryStore, type Turn, type TurnNote } from '../../src/hub/history/store.ts';
import { silentLog } from '../../src/hub/log.ts';
import { TurnRun } from '../../src/hub/history/turn-run.ts';
import { FleetAsker, type Fleet } from './history-fleet.ts';

export class TimedTurns {
  readonly #pool: pg.Pool;
  readonly #store: HistoryStore;
  readonly #asker: FleetAsker;
  /** Milliseconds of a taking, one sample for each turn, by the kinds in it. */
  readonly takings = new Map<string, number[]>();
  /** Milliseconds of claim and note of all hosts, for one host. */
  readonly claims: number[] = [];

  constructor(pool: pg.Pool, fleet: Fleet) {
    this.#pool = pool;
    this.#store = new HistoryStore(pool);
    this.#asker = new FleetAsker(fleet.hosts);
  }

  /** Tells the hosts what is wished for. */
  async tell(): Promise<void> {
    const notes: TurnNote[] = [];
    for (const { nodeId: identity, version, wishes } of await this.#store.claim(HOSTS_MAX)) {
      const body = encodeTrackBody({ version, tables: wishes });
      await this.#asker.answer(identity, { kind: 'track', body });
      notes.push({ identity, version });
    }
    await this.#store.note(notes);
  }

  /** A turn of every host; `between` follows each. */
  async round(between: (nodeId: string) => Promise<void>): Promise<void> {
    await this.#pool.query('select swarmplane.wish_soon()');
    const claimedAt = performance.now();
    const turns = await this.#store.claim(HOSTS_MAX);
    const claimMs = performance.now() - claimedAt;
    const notes: TurnNote[] = [];
    for (const turn of turns) {
      notes.push(await this.#turn(turn));
      await between(turn.nodeId);
    }
    const notedAt = performance.now();
    await this.#store.note(notes);
    this.claims.push((claimMs + performance.now() - notedAt) / turns.length);
  }

  async #turn(turn: Turn): Promise<TurnNote> {
    const { swarmId } = this.#asker;
    const kinds: string[] = [];
    const run = new TurnRun({
      turn,
      store: this.#store,
      log: silentLog,
      troubles: new Map(),
      ask: async (body) => {
        const before = Date.now();
        const spec = { kind: 'fetch', body: encodeFetchBody(body) };
        const payload = await this.#asker.answer(turn.nodeId, spec);
        const answer = decodeFetchAnswer(payload, { swarmId, nodeId: turn.nodeId });
        kinds.push(...answer.takings.map(({ kind }) => kind));
        return { answer, between: [before, Date.now()] as const };
      },
      signal: NEVER,
    });
    const askedMs = this.#asker.hostMs;
    const startedAt = performance.now();
    const note = await run.go();
    const ms = performance.now() - startedAt - (this.#asker.hostMs - askedMs);
    const kind = [...new Set(kinds)].join(' and ');
    if (!this.takings.has(kind)) this.takings.set(kind, []);
    this.takings.get(kind)!.push(ms / kinds.length);
    return note;
  }
}

const HOSTS_MAX = 10_000;
const NEVER = new AbortController().signal;
