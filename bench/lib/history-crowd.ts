/** A large fleet of whom every host hands over at the same time, through the fetcher of a hub. */
import type pg from 'pg';
import { Fetcher } from '../../src/hub/history/fetcher.ts';
import { HistoryStore, type Ingested, type TurnNote } from '../../src/hub/history/store.ts';
import { DEFAULT_TUNING } from '../../src/hub/hub.ts';
import { silentLog } from '../../src/hub/log.ts';
import { partsOf } from '../../src/hub/parts.ts';
import { FleetAsker, type Fleet } from './history-fleet.ts';

export interface Crush {
  /** Until the last taking was committed, milliseconds. */
  readonly ms: number;
  /** Of these the work of the hosts themselves, which share this process here. */
  readonly hostMs: number;
  readonly bytes: number;
  /** The same answers, one row and one commit each, in a plain table. */
  readonly floorMs: number;
}

export class Crowd {
  readonly #pool: pg.Pool;
  readonly #fleet: Fleet;
  readonly #tables: number;
  readonly #store: CountingStore;
  readonly #asker: FleetAsker;

  /** `tables`: how many each host tracks. */
  constructor(pool: pg.Pool, fleet: Fleet, tables: number) {
    this.#pool = pool;
    this.#fleet = fleet;
    this.#tables = tables;
    this.#store = new CountingStore(pool);
    this.#asker = new FleetAsker(fleet.hosts);
  }

  /** Tells the hosts what is wished for. */
  async tell(): Promise<void> {
    const hosts = this.#fleet.hosts.length;
    await this.#gather(() => this.#store.until('told', hosts));
    await this.#pool.query('create table floor (host integer not null, answer bytea not null)');
  }

  async crush(wall: number): Promise<Crush> {
    const { hosts } = this.#fleet;
    for (const host of hosts) await host.take(wall);
    await this.#pool.query('select swarmplane.wish_soon()');
    this.#asker.forgetAsked();
    const ms = await this.#gather(() => this.#store.until('taken', hosts.length * this.#tables));
    const answers = await this.#asker.askAgain();
    const { hostMs } = this.#asker;
    const bytes = answers.reduce((sum, { length }) => sum + length, 0);
    return { ms, hostMs, bytes, floorMs: await this.#floor(answers) };
  }

  /** How long a fetcher needs for it, milliseconds. */
  async #gather(done: () => Promise<void>): Promise<number> {
    const fetcher = new Fetcher({
      store: this.#store,
      asker: this.#asker,
      log: silentLog,
      askMs: 60_000,
      isSensitive: () => false,
      retentionMs: DEFAULT_TUNING.retentionMs,
      parts: partsOf(DEFAULT_TUNING),
    });
    const ended = done();
    const startedAt = performance.now();
    fetcher.wake();
    await ended;
    const ms = performance.now() - startedAt;
    await fetcher.stop();
    return ms;
  }

  async #floor(answers: readonly Uint8Array[]): Promise<number> {
    const startedAt = performance.now();
    await Promise.all(
      answers.map((answer, host) =>
        this.#pool.query('insert into floor values ($1, $2)', [host, Buffer.from(answer)]),
      ),
    );
    return performance.now() - startedAt;
  }
}

/** Says when so much has been told or committed. */
class CountingStore extends HistoryStore {
  #left = { told: 0, taken: 0 };
  #done: () => void = () => undefined;

  /** Resolves when as many hosts have been told, or takings committed. */
  until(what: 'told' | 'taken', count: number): Promise<void> {
    this.#left[what] = count;
    return new Promise((resolve) => (this.#done = resolve));
  }

  override async note(notes: readonly TurnNote[]): Promise<void> {
    await super.note(notes);
    this.#count('told', notes.length);
  }

  override async ingest(nodeId: string, batch: string): Promise<Ingested[]> {
    const results = await super.ingest(nodeId, batch);
    this.#count(
      'taken',
      results.reduce((sum, { taken }) => sum + taken, 0),
    );
    return results;
  }

  #count(what: 'told' | 'taken', count: number): void {
    if (this.#left[what] <= 0) return;
    this.#left[what] -= count;
    if (this.#left[what] <= 0) this.#done();
  }
}
