/**
 * Processes of commands that an agent left behind when it was killed. They carry the id of their
 * command in their environment, which every process inherits: nothing had to be written down after
 * they started, so there is no moment at which they could be missed.
 */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { COMMAND_VARIABLE } from './process.ts';

const TERM_MS = 5_000;
const KILL_MS = 2_000;
const LOOK_MS = 50;

/** Ends what still runs for these commands; the ids of those that cannot be ended. Never rejects. */
export async function endLeftovers(ids: ReadonlySet<string>): Promise<Set<string>> {
  if (ids.size === 0) return new Set();
  for (const [signal, forMs] of [
    ['SIGTERM', TERM_MS],
    ['SIGKILL', KILL_MS],
  ] as const) {
    const deadline = performance.now() + forMs;
    const told = new Set<number>();
    do {
      const found = await find(ids);
      if (found.size === 0) return new Set();
      for (const pid of found.keys()) {
        if (!told.has(pid)) end(pid, signal);
        told.add(pid);
      }
      await sleep(LOOK_MS);
    } while (performance.now() < deadline);
  }
  return new Set((await find(ids)).values());
}

/** Command ids by process id. Empty where there is no /proc. */
async function find(ids: ReadonlySet<string>): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const id = await commandOf(pid);
    if (id !== undefined && ids.has(id)) found.set(Number(pid), id);
  }
  return found;
}

/** Others' processes cannot be read by an ordinary user, who did not start them either. */
async function commandOf(pid: string): Promise<string | undefined> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  const mark = `${COMMAND_VARIABLE}=`;
  const entry = environment.split('\0').find((each) => each.startsWith(mark));
  return entry?.slice(mark.length);
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}
