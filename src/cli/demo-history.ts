/** What the demo's hosts have handed over to the hub of the tables that it tracks from its first start. */
import { runSql } from '../hub/index.ts';

/** The one that README.md asks for. */
export const DEMO_TRACKED = 'deb_packages';
const WAIT_MS_MAX = 60_000;

/** @returns the hosts that have not handed over a taking, or why there is none, within a minute */
export async function untilHandedOver(
  url: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const deadline = Date.now() + WAIT_MS_MAX;
  for (;;) {
    const missing = await withoutTaking(url, names);
    if (missing.length === 0 || signal.aborted || Date.now() > deadline) return missing;
    await new Promise((done) => setTimeout(done, 250));
  }
}

async function withoutTaking(url: string, names: readonly string[]): Promise<string[]> {
  const [found] = await runSql(
    url,
    `select host from swarmplane.tracked where "table" = '${DEMO_TRACKED}'`,
  );
  const hosts = new Set(found!.rows.map(([host]) => host));
  return names.filter((name) => !hosts.has(name));
}

/** A line for the welcome. */
export function handoverLine(missing: readonly string[], of: number): string {
  const there = `${of - missing.length} of ${of} hosts have handed over ${DEMO_TRACKED}`;
  return missing.length === 0 ? there : `${there}; not yet: ${missing.join(', ')}`;
}
