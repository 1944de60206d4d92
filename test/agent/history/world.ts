/** A host's history on a simulated disk and clock, with tables that hold what a test puts there. */
import { setImmediate } from 'node:timers/promises';
import { decodeFetchAnswer, signStatement, type Statement } from '../../../src/agent/index.ts';
import { encodeFetchBody, encodeTrackBody } from '../../../src/agent/index.ts';
import { History, type HistoryOptions } from '../../../src/agent/history/history.ts';
import { QueryError, type TakenTable } from '../../../src/query/index.ts';
import { Identity } from '../../../src/secure/index.ts';
import { documentHash, encodeRow, keyHash, rowHash } from '../../../src/tables/canonical.ts';
import type { Shape } from '../../../src/tables/types.ts';
import { Keeper } from './client.ts';
import type { SimDisk } from '../sim-disk.ts';

const IDENTITY = Identity.create((n) => new Uint8Array(n).fill(7), 1_700_000_000);
const SWARM_ID = new Uint8Array(32).fill(9);
const nothing = (): void => undefined;
const log = { info: nothing, warn: nothing } as unknown as HistoryOptions['log'];
let lines = 0;

export const EVERY = 60;

export class World {
  readonly identity: Identity;
  readonly swarmId: Uint8Array;
  disk: SimDisk;
  history!: History;
  keeper = new Keeper();
  /** Rows of each table now; an error where it cannot be read. */
  readonly tables = new Map<string, readonly string[] | Error | 'hangs'>();
  /** What each try to take a table found, by its time: the truth. */
  readonly truth = new Map<number, readonly string[] | undefined>();
  /** Time of each taking that a host has counted, by table and sequence: none of them may be lost. */
  readonly counted = new Map<string, number>();
  shape: Shape = { columns: [{ name: 'name', type: 'TEXT' }], key: ['name'] };
  bytes = 64 * 2 ** 20;
  ageMs = 30 * 86_400_000;
  wall = 1_700_000_000_000;
  mono = 0;
  version = 0;
  #timers = new Map<symbol, { at: number; call: () => void }>();

  constructor(disk: SimDisk, { identity = IDENTITY, swarmId = SWARM_ID } = {}) {
    this.disk = disk;
    this.identity = identity;
    this.swarmId = swarmId;
  }

  get nodeId(): string {
    return this.identity.nodeId;
  }

  async open(): Promise<void> {
    this.#timers.clear();
    this.history = await History.open({
      disk: this.disk,
      bounds: { bytes: this.bytes, ageMs: this.ageMs },
      log,
      nodeId: this.nodeId,
      isHub: () => true,
      requireCertificate: nothing,
      sign: (content: Statement) => signStatement(this.identity, this.swarmId, content),
      random: (n) => new Uint8Array(n).fill(++lines),
      runner: {
        prepare: () => Promise.resolve({ columns: [], tables: [], sensitive: [] }),
        take: (wanted, options) => this.#take(wanted as string, options?.signal),
      },
      time: {
        mono: () => this.mono,
        wall: () => this.wall,
        after: (ms, call) => {
          const timer = Symbol('timer');
          this.#timers.set(timer, { at: this.mono + ms, call });
          return () => this.#timers.delete(timer);
        },
      },
    });
    this.history.start();
  }

  async track(...tables: string[]): Promise<void> {
    const wishes = tables.map((table) => ({ table, every: EVERY }));
    await this.serve('track', encodeTrackBody({ version: ++this.version, tables: wishes }));
  }

  /** What it answers to a request of a hub. */
  async serve(kind: 'track' | 'fetch', body: Uint8Array): Promise<Uint8Array> {
    const hub = { origin: 'hub', share: 'hub' as const, originName: 'hub', remainingMs: 1000 };
    const request = { id: '0'.repeat(32), kind, body, ...hub };
    if (kind === 'track') return this.history.track(request);
    return (await this.history.fetch(request)).payload;
  }

  /** Lets time pass; what falls due happens, each at its own instant. */
  async pass(seconds: number): Promise<void> {
    const end = this.mono + seconds * 1000;
    for (;;) {
      const [next] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined || next[1].at > end) break;
      this.#timers.delete(next[0]);
      this.#forward(Math.max(0, next[1].at - this.mono) + 1);
      next[1].call();
      await settled();
      for (const { table, sequence, at } of this.history.status.tables) {
        if (at !== null) this.counted.set(`${table} ${sequence}`, at);
      }
    }
    this.#forward(Math.max(0, end - this.mono));
  }

  /** What a hub is given now; it is for the caller to commit it. */
  async fetch(bytes?: number): Promise<ReturnType<typeof decodeFetchAnswer>> {
    const body = encodeFetchBody({
      acks: this.keeper.acks,
      ...(bytes === undefined ? {} : { bytes }),
    });
    return decodeFetchAnswer(await this.serve('fetch', body), this);
  }

  /** Fetches until nothing is left. */
  async fetchAll(bytes?: number): Promise<void> {
    for (;;) {
      const { takings, more } = await this.fetch(bytes);
      for (const taking of takings) this.keeper.commit(taking);
      if (!more) return;
    }
  }

  #forward(ms: number): void {
    this.mono += Math.ceil(ms);
    this.wall += Math.ceil(ms);
  }

  #take(table: string, signal?: AbortSignal): Promise<TakenTable> {
    const rows = this.tables.get(table) ?? [];
    this.truth.set(this.wall, Array.isArray(rows) ? [...rows].sort() : undefined);
    if (rows instanceof Error) return Promise.reject(rows);
    if (rows === 'hangs') {
      return new Promise((_, reject) =>
        signal?.addEventListener('abort', () => reject(new QueryError('cancelled', 'stopped'))),
      );
    }
    const taken = (rows as readonly string[]).map((name) => [name]);
    const { shape } = this;
    return Promise.resolve({
      shape,
      truncated: false,
      hash: documentHash(taken.map((row) => rowHash(shape, row))),
      rows: taken.map((row) => ({
        key: keyHash(shape, row),
        row: rowHash(shape, row),
        bytes: encodeRow(shape, row),
      })),
    });
  }
}

/** Everything that only waits for the simulated disk has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await setImmediate();
}
