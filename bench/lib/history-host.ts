/**
 * A host of the history benchmark: the agent's own wish list, tracker, journal and handover, with a disk in
 * memory, a clock that the benchmark sets, and tables that hold what it puts there.
 */
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { History } from '../../src/agent/history/history.ts';
import { signStatement, type RequestSpec } from '../../src/agent/index.ts';
import { createLog } from '../../src/agent/log.ts';
import type { TakenRow } from '../../src/query/index.ts';
import { documentHash } from '../../src/tables/canonical.ts';
import type { Shape } from '../../src/tables/types.ts';
import { SimDisk } from '../../test/agent/sim-disk.ts';
import { newIdentity, SWARM_ID } from '../../test/hub/history/host.ts';

export interface TableNow {
  readonly shape: Shape;
  readonly rows: readonly TakenRow[];
}

export class BenchHost {
  readonly name: string;
  readonly tables: Map<string, TableNow>;
  readonly #identity = newIdentity();
  readonly #clock = new StepClock();
  #history!: History;

  private constructor(name: string, tables: ReadonlyMap<string, TableNow>) {
    this.name = name;
    this.tables = new Map(tables);
  }

  static async open(name: string, tables: ReadonlyMap<string, TableNow>): Promise<BenchHost> {
    const host = new BenchHost(name, tables);
    host.#history = await History.open({
      disk: new SimDisk(Math.random),
      bounds: { bytes: 64 * 2 ** 20, ageMs: 30 * 86_400_000 },
      nodeId: host.nodeId,
      runner: {
        prepare: () => Promise.resolve({ columns: [], tables: [], sensitive: [], plan: [] }),
        take: (table) => {
          const { shape, rows } = host.tables.get(table as string)!;
          const hash = documentHash(rows.map(({ row }) => row));
          return Promise.resolve({ shape, rows, hash, truncated: false });
        },
      },
      sign: (content) => signStatement(host.#identity, SWARM_ID, content),
      random: (n) => new Uint8Array(randomBytes(n)),
      time: host.#clock,
      log: createLog('error', name),
      isHub: () => true,
      requireCertificate: () => undefined,
    });
    return host;
  }

  get nodeId(): string {
    return this.#identity.nodeId;
  }

  /** Every wished table once more, its interval or longer after the last time. */
  async take(wall: number): Promise<void> {
    await this.#clock.step(wall);
  }

  /** The answer to a `track` or `fetch` request. */
  async answer({ kind, body }: Pick<RequestSpec, 'kind' | 'body'>): Promise<Uint8Array> {
    const from = { id: '0'.repeat(32), origin: 'hub', share: 'hub' as const, originName: 'hub' };
    const request = { ...from, kind, body, remainingMs: 15_000 };
    if (kind === 'track') return this.#history.track(request);
    return (await this.#history.fetch(request)).payload;
  }
}

/** What falls due happens in a step, and nothing in between. */
class StepClock {
  #wall = 0;
  #mono = 0;
  #armed: { readonly at: number; readonly call: () => void } | undefined;

  mono(): number {
    return this.#mono;
  }

  wall(): number {
    return this.#wall;
  }

  after(ms: number, call: () => void): () => void {
    const armed = { at: this.#mono + ms, call };
    this.#armed = armed;
    return () => {
      if (this.#armed === armed) this.#armed = undefined;
    };
  }

  async step(wall: number): Promise<void> {
    this.#mono += STEP_MS;
    this.#wall = wall;
    for (;;) {
      const armed = this.#armed;
      if (armed === undefined || armed.at > this.#mono) return;
      this.#armed = undefined;
      armed.call();
      // All that it does is done without waiting for anything outside.
      while (this.#armed === undefined) await setImmediate();
    }
  }
}

/** The interval of what is tracked here. */
export const EVERY_S = 3_600;
const STEP_MS = EVERY_S * 1000;
