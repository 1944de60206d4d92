/** Deaths at the points of a handover where a row could be lost or doubled. */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { eventually } from '../helpers/swarm.ts';
import type { Random } from '../sim/random.ts';
import { atIngest, type Caught } from './barrier.ts';
import { restart, type Lane } from './faults.ts';
import type { Fleet } from './fleet.ts';

const KILLER = fileURLToPath(new URL('../helpers/kill-at-history-write.mjs', import.meta.url));

/** Each kills an agent at a write of its journal: half written, not synced, before or after a rename. */
export const JOURNAL: Lane = {
  'agent killed at a write of its history': async ({ agents }, random) => {
    const host = random.pick(agents);
    const at = String(random.between(1, 14));
    await host.end('SIGKILL');
    host.start({ NODE_OPTIONS: `--import=${KILLER}`, KILL_AT: at });
    await eventually(() => (host.running ? undefined : true), `${host.name} dies at write ${at}`);
    host.start();
    await host.until(() => true, 'is up again');
  },
};

/** To be in one lane with all that ends hubs and the database. */
export const HANDOVER: Lane = {
  'hub killed in the middle of an ingest, which is committed without it': (fleet) =>
    atIngest(fleet, async ({ hub, commit }) => {
      await hub.host.end('SIGKILL');
      await commit();
      await restart(hub.host, 'SIGKILL', 0);
    }),
  'hub killed after the commit, before it knew': (fleet) =>
    atIngest(fleet, (caught) =>
      unheard(caught, async () => restart(caught.hub.host, 'SIGKILL', 0)),
    ),
  'connection lost after the commit, before the hub knew': (fleet) =>
    atIngest(fleet, (caught) => unheard(caught, () => Promise.resolve())),
  'PostgreSQL killed in the middle of an ingest': (fleet, random) =>
    atIngest(fleet, () => killDatabase(fleet, random)),
  'PostgreSQL killed after the commit, before the hub knew': (fleet, random) =>
    atIngest(fleet, (caught) => unheard(caught, () => killDatabase(fleet, random))),
};

/** Every hub is away for longer than the hosts' intervals. */
export const ABSENCE: Lane = {
  'no hub for a while': async ({ hubs }, random) => {
    await Promise.all(hubs.map(({ host }) => host.end(random.hits(0.5) ? 'SIGKILL' : 'SIGTERM')));
    await pause(random.between(5_000, 20_000));
    for (const { host } of hubs) host.start();
    for (const { host } of hubs) await host.until(() => true, 'is up again');
  },
};

/** Commits while nothing of it reaches the hub. */
async function unheard({ hub, commit }: Caught, work: () => Promise<void>): Promise<void> {
  hub.proxy.freeze();
  try {
    await commit();
    await work();
  } finally {
    hub.proxy.thaw();
    hub.proxy.cut();
  }
}

async function killDatabase({ postgres }: Fleet, random: Random): Promise<void> {
  process.kill(await postgres.pid(), 'SIGKILL');
  await pause(random.between(0, 1_000));
  await postgres.restart();
}
