/** Faults in three lanes that go on side by side: hubs, agents, the database. Each undoes itself. */
import { setTimeout as pause } from 'node:timers/promises';
import type { TestHost } from '../helpers/swarm.ts';
import type { Random } from '../sim/random.ts';
import type { Fleet } from './fleet.ts';

type Fault = (fleet: Fleet, random: Random) => Promise<void>;

const AGENTS: Record<string, Fault> = {
  'agent killed': async ({ agents }, random) =>
    restart(random.pick(agents), 'SIGKILL', random.between(0, 1_500)),
  'agent stopped': async ({ agents }, random) =>
    restart(random.pick(agents), 'SIGTERM', random.between(0, 500)),
  'agent paused': async ({ agents }, random) =>
    freeze(random.pick(agents), random.between(300, 3_000)),
};

const HUBS: Record<string, Fault> = {
  'hub killed': async ({ hubs }, random) =>
    restart(random.pick(hubs).host, 'SIGKILL', random.between(0, 4_000)),
  'hub stopped': async ({ hubs }, random) => restart(random.pick(hubs).host, 'SIGTERM', 0),
  'hub paused past its lease': async ({ hubs }, random) => freeze(random.pick(hubs).host, 4_500),
};

const DATABASE: Record<string, Fault> = {
  'PostgreSQL killed': async ({ postgres }, random) => {
    process.kill(await postgres.pid(), 'SIGKILL');
    await pause(random.between(0, 3_000));
    await postgres.restart();
  },
  'PostgreSQL stopped': async ({ postgres }) => {
    process.kill(await postgres.pid(), 'SIGINT');
    await postgres.restart();
  },
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

/** Runs until `signal` aborts; the last faults are undone by then. How often each was done. */
export async function unleash(
  fleet: Fleet,
  random: Random,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const done: Record<string, number> = {};
  const lane = async (faults: Record<string, Fault>, own: Random): Promise<void> => {
    // Each kind in turn, in an order of chance: a short run has them all too.
    while (!signal.aborted) {
      for (const name of shuffled(Object.keys(faults), own)) {
        if (signal.aborted) return;
        await faults[name]!(fleet, own);
        done[name] = (done[name] ?? 0) + 1;
        await pause(own.between(100, 1_500), undefined, { signal }).catch(() => undefined);
      }
    }
  };
  await Promise.all([AGENTS, HUBS, DATABASE].map((faults) => lane(faults, random.fork())));
  return done;
}

async function restart(host: TestHost, signal: NodeJS.Signals, awayMs: number): Promise<void> {
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

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.between(0, left.length - 1), 1)[0]!);
}
