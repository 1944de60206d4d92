/** Faults in lanes that go on side by side: hubs, agents, the database, strangers in it. Each undoes itself. */
import { setTimeout as pause } from 'node:timers/promises';
import type { TestHost } from '../helpers/swarm.ts';
import type { Random } from '../sim/random.ts';
import type { Fleet } from './fleet.ts';

/** False where it could not be done. */
export type Fault = (fleet: Fleet, random: Random) => Promise<boolean | void>;
export type Lane = Readonly<Record<string, Fault>>;

export const AGENTS: Lane = {
  'agent killed': async ({ agents }, random) =>
    restart(random.pick(agents), 'SIGKILL', random.between(0, 1_500)),
  'agent stopped': async ({ agents }, random) =>
    restart(random.pick(agents), 'SIGTERM', random.between(0, 500)),
  'agent paused': async ({ agents }, random) =>
    freeze(random.pick(agents), random.between(300, 3_000)),
};

export const HUBS: Lane = {
  'hub killed': async ({ hubs }, random) =>
    restart(random.pick(hubs).host, 'SIGKILL', random.between(0, 4_000)),
  'hub stopped': async ({ hubs }, random) => restart(random.pick(hubs).host, 'SIGTERM', 0),
  'hub paused past its lease': async ({ hubs }, random) => freeze(random.pick(hubs).host, 4_500),
};

export const DATABASE: Lane = {
  'PostgreSQL killed': async ({ postgres }, random) => {
    process.kill(await postgres.pid(), 'SIGKILL');
    await pause(random.between(0, 3_000));
    await postgres.restart();
  },
  'PostgreSQL stopped': async ({ postgres }) => {
    process.kill(await postgres.pid(), 'SIGINT');
    await postgres.restart();
  },
  'a replica takes the place of the server': ({ postgres }) => postgres.failOver(),
  'connections cut': async ({ hubs }) => {
    for (const { proxy } of hubs) proxy.cut();
  },
  'connections half-open': async ({ hubs }, random) => {
    const { proxy } = random.pick(hubs);
    proxy.freeze();
    await pause(random.between(1_000, 7_000));
    proxy.thaw();
    proxy.cut();
  },
};

export interface Plan {
  readonly lanes: readonly Lane[];
  /** How often each fault of a lane has its turn. */
  readonly rounds: number;
}

/** Reason of an abort: each fault has its first turn all the same, on however slow a machine. */
export const FIRST_ROUND_FIRST = 'first round first';

/** Runs until `signal` aborts or every turn was had; the last faults are undone by then. How often each was done. */
export async function unleash(
  fleet: Fleet,
  random: Random,
  signal: AbortSignal,
  { lanes, rounds }: Plan,
): Promise<Record<string, number>> {
  const done: Record<string, number> = {};
  const lane = async (faults: Lane, own: Random): Promise<void> => {
    // Each kind in turn, in an order of chance: a short run has them all too.
    const isOver = (round: number): boolean =>
      signal.aborted && (round > 0 || signal.reason !== FIRST_ROUND_FIRST);
    for (let round = 0; round < rounds && !isOver(round); round++) {
      for (const name of shuffled(Object.keys(faults), own)) {
        if (isOver(round)) return;
        const did = (await faults[name]!(fleet, own)) !== false;
        done[name] = (done[name] ?? 0) + Number(did);
        await pause(own.between(100, 1_500), undefined, { signal }).catch(() => undefined);
      }
    }
  };
  await Promise.all(lanes.map((faults) => lane(faults, random.fork())));
  return done;
}

export async function restart(
  host: TestHost,
  signal: NodeJS.Signals,
  awayMs: number,
): Promise<void> {
  await host.end(signal);
  await pause(awayMs);
  host.start();
  await host.until(() => true, 'is up again');
}

/** To others its connections are half-open meanwhile. */
async function freeze(host: TestHost, ms: number): Promise<void> {
  host.signal('SIGSTOP');
  await pause(ms);
  host.signal('SIGCONT');
}

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.between(0, left.length - 1), 1)[0]!);
}
