/** One run: a fleet, requests and faults at the same time, then peace and the verdict. */
import { Random } from '../sim/random.ts';
import type { ChaosResult } from './command.ts';
import { AGENTS, DATABASE, FIRST_ROUND_FIRST, HUBS, unleash } from './faults.ts';
import { Fleet } from './fleet.ts';
import { insertAll } from './requests.ts';
import { SilenceWatch } from './silence.ts';
import { MACHINE, STRANGERS } from './stranger-faults.ts';
import { faultsFound } from './verdict.ts';

export interface ChaosOptions {
  readonly requests: number;
  readonly agents: number;
  readonly hubs: number;
  /** Over which the requests are inserted, in milliseconds. */
  readonly ms: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** After the last fault: the longest that no request ends while some are open. */
const STALL_MS = 120_000;

export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const { requests: count, ms, say } = options;
  const random = new Random(options.seed);
  const fleet = await Fleet.start(options);
  const over = new AbortController();
  try {
    say(`${fleet.agents.length} agents and ${fleet.hubs.length} hubs are up, seed ${options.seed}`);
    const unleashed = unleash(fleet, random.fork(), over.signal, {
      lanes: [AGENTS, HUBS, { ...DATABASE, ...MACHINE }, STRANGERS],
      rounds: Infinity,
    });
    const silence = new SilenceWatch(fleet);
    // A fault that cannot be undone ends the run; it is seen by the second await.
    unleashed.catch(() => undefined);
    const inserting = insertAll(fleet, random.fork(), { count, ms });
    const inserted = await Promise.race([inserting, unleashed.then(() => inserting)]);
    over.abort(FIRST_ROUND_FIRST);
    const faults = await unleashed;
    say(`${inserted.length} requests are in; ${JSON.stringify(faults)}`);
    const found = await faultsFound(fleet, inserted, STALL_MS);
    return { faults, found: [...found, ...(await silence.stop())] };
  } finally {
    over.abort();
    if (process.env['CHAOS_KEEP'] === undefined) await fleet.stop();
  }
}
