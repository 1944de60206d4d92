/**
 * One run: the swarm forms, a phase with faults in which hosts ask and answer, then a quiet phase
 * in which everything must come right again. What happened is handed to the invariants.
 */
import { utf8 } from '../../src/wire/index.ts';
import type { RequestSpec } from '../../src/swarm/index.ts';
import type { Asked, SimHost } from './host.ts';
import { okOutcome } from './host.ts';
import { drawKnobs } from './knobs.ts';
import type { Knobs, SimOptions } from './knobs.ts';
import { CALM } from './network.ts';
import { World } from './world.ts';

/** What invariants look at. */
export interface Recording {
  readonly options: SimOptions;
  readonly knobs: Knobs;
  readonly world: World;
  readonly asked: readonly { readonly asked: Asked; readonly askerLife: number }[];
  /** Requests of the quiet phase, which every live host must have answered. */
  readonly quiet: readonly Asked[];
  /** Others of that phase, which ask two hosts by name. */
  readonly named: readonly Asked[];
  /** Hosts that stay down. */
  readonly gone: readonly SimHost[];
  /** `mono` at which faults ended, and at which all live hosts saw each other alive. */
  readonly faultsEndedAt: number;
  readonly healedAt: number | undefined;
  /** Largest sizes that any core reported. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** Three periods of re-contact with their jitter, and the time that a death takes. */
export const HEAL_MS = 3 * 90_000;
const QUIET_MS = 90_000;
/** News waits a moment for others, and each of the ways in a full mesh takes a delay. */
const NEWS_MS = 1_000;

export function record(options: SimOptions): Recording {
  const knobs = drawKnobs(options);
  const { seed, nodes } = options;
  const tuning = { prekeyMs: knobs.prekeyMs };
  const world = new World({ seed, nodes, knobs: knobs.network, tuning });
  for (const host of world.hosts) answerWithOwnName(host);
  world.settle(10_000);
  const run = new Run(world, knobs);
  run.faulty();
  return { options, knobs, world, ...run.calm() };
}

/** So that an answer shows whose it is and what it answers. */
function answerWithOwnName(host: SimHost): void {
  host.runner = (request) => ({
    outcome: okOutcome(utf8(`${host.name} ${request.id}`)),
    // Now and then a host takes long, or for ever.
    afterMs: host.random.hits(0.01)
      ? Infinity
      : host.random.between(1, host.random.pick([30, 4_000])),
  });
}

class Run {
  #world: World;
  #knobs: Knobs;
  #asked: { asked: Asked; askerLife: number }[] = [];
  #sizes = new Map<string, number>();
  #faulty = true;

  constructor(world: World, knobs: Knobs) {
    this.#world = world;
    this.#knobs = knobs;
    this.#every(1_000, () => this.#measure());
  }

  faulty(): void {
    const { askEveryMs, crashEveryMs, partitionEveryMs, lagEveryMs, faultyMs } = this.#knobs;
    this.#every(askEveryMs, () => this.#ask());
    this.#every(crashEveryMs, () => this.#crash());
    this.#every(partitionEveryMs, () => this.#partition());
    this.#every(lagEveryMs, () => this.#lag());
    this.#every(1_000, () => this.#world.network.resetSome(this.#knobs.resetShare));
    this.#world.run(faultyMs);
    this.#faulty = false;
  }

  calm(): Omit<Recording, 'options' | 'knobs' | 'world'> {
    const world = this.#world;
    Object.assign(world.network.knobs, { ...CALM, delayMaxMs: this.#knobs.network.delayMaxMs });
    world.network.heal();
    const gone = world.hosts.slice(world.hosts.length - this.#knobs.deadForGood);
    for (const host of gone) host.crash(true);
    for (const host of world.hosts) if (!gone.includes(host)) host.start();
    const faultsEndedAt = world.now;
    const healedAt = this.#awaitHealing(gone);
    const quiet = world.upHosts.slice(0, 3).map((host) => host.ask({ timeoutMs: 15_000 }));
    const named = world.upHosts.slice(0, 3).map((host) => host.ask(this.#twoHosts()));
    world.run(16_000);
    // A digest each 60 s repairs what floods lost.
    world.run(QUIET_MS);
    this.#awaitNews();
    for (const asked of [...quiet, ...named]) this.#asked.push({ asked, askerLife: asked.by.life });
    return { asked: this.#asked, quiet, named, gone, faultsEndedAt, healedAt, sizes: this.#sizes };
  }

  #twoHosts(): Partial<RequestSpec> {
    const { random, upHosts } = this.#world;
    const nodes = [random.pick(upHosts).nodeId, random.pick(upHosts).nodeId];
    return { targets: { kind: 'nodes', nodes }, body: random.bytes(3_000), timeoutMs: 15_000 };
  }

  #awaitHealing(gone: readonly SimHost[]): number | undefined {
    const world = this.#world;
    const end = world.now + HEAL_MS;
    while (world.now < end) {
      world.run(1_000);
      if (world.upHosts.every((host) => isWhole(host, world.upHosts, gone))) return world.now;
    }
    return undefined;
  }

  /** Hosts renew their records now and then: news that is on its way is no disagreement. */
  #awaitNews(): void {
    const end = this.#world.now + NEWS_MS;
    const agree = (): boolean => new Set(this.#world.upHosts.map((it) => it.table())).size <= 1;
    while (!agree() && this.#world.now < end) this.#world.run(20);
  }

  /** Again and again at random times around `ms`, while faults last. */
  #every(ms: number, action: () => void): void {
    if (ms === Infinity) return;
    const next = (): void => {
      this.#world.after(this.#world.random.between(ms / 2, ms * 1.5), () => {
        if (!this.#faulty) return;
        action();
        next();
      });
    };
    next();
  }

  #ask(): void {
    const { random, hosts } = this.#world;
    const able = this.#world.upHosts.filter((host) => !host.frozen);
    if (able.length === 0) return;
    const by = random.pick(able);
    const named = random.hits(0.3)
      ? { kind: 'nodes' as const, nodes: [random.pick(hosts).nodeId, random.pick(hosts).nodeId] }
      : { kind: 'all' as const };
    const body = random.bytes(random.pick([20, 20, 2_000, 60_000]));
    const timeoutMs = random.pick([1_000, 5_000, 10_000]);
    this.#asked.push({ asked: by.ask({ targets: named, body, timeoutMs }), askerLife: by.life });
  }

  #crash(): void {
    const { random, upHosts, hosts } = this.#world;
    if (upHosts.length <= hosts.length * (1 - this.#knobs.downMost)) return;
    const host = random.pick(upHosts);
    host.crash(random.hits(0.3));
    this.#world.after(random.between(200, 25_000), () => {
      if (this.#faulty) host.start();
    });
  }

  #partition(): void {
    const { random, hosts, network } = this.#world;
    const side = hosts.map(() => random.hits(0.5));
    network.partition(
      hosts.filter((_, i) => side[i]),
      hosts.filter((_, i) => !side[i]),
    );
    this.#world.after(this.#knobs.partitionMs, () => network.heal());
  }

  #lag(): void {
    const { random, upHosts } = this.#world;
    if (upHosts.length > 0) random.pick(upHosts).freeze(5_000);
  }

  #measure(): void {
    for (const host of this.#world.upHosts) {
      for (const [name, size] of Object.entries(host.core!.sizes())) {
        this.#sizes.set(name, Math.max(size, this.#sizes.get(name) ?? 0));
      }
    }
  }
}

/** Sees every live host alive and linked, and the others dead. */
function isWhole(host: SimHost, up: readonly SimHost[], gone: readonly SimHost[]): boolean {
  const table = new Map(host.members().map((member) => [member.nodeId, member]));
  return (
    up.every((other) => {
      const member = table.get(other.nodeId);
      return member?.state === 'alive' && (other === host || member.linked);
    }) && gone.every((other) => (table.get(other.nodeId)?.state ?? 'dead') === 'dead')
  );
}
