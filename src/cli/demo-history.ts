/** What the demo's hosts have handed over to the hub of the tables that it tracks from its first start. */
import { runSql } from '../hub/index.ts';
import { printable } from './text.ts';

/** The one that README.md asks for. */
export const DEMO_TRACKED = 'deb_packages';
const WAIT_MS_MAX = 60_000;

/** A host without rows of it, and why. */
export interface Missing {
  readonly host: string;
  readonly reason: string;
}

/** Waits a minute at most; a host that could not look is not waited for: it looks again in an hour. */
export async function untilHandedOver(
  url: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly Missing[]> {
  const deadline = Date.now() + WAIT_MS_MAX;
  for (;;) {
    const missing = await withoutRows(url, names);
    const isFinal = missing.every(({ reason }) => reason !== NOT_YET);
    if (isFinal || signal.aborted || Date.now() > deadline) return missing;
    await new Promise((done) => setTimeout(done, 250));
  }
}

const NOT_YET = 'not yet';

async function withoutRows(url: string, names: readonly string[]): Promise<Missing[]> {
  const [found] = await runSql(
    url,
    `select host, missing from swarmplane.tracked where "table" = '${DEMO_TRACKED}'`,
  );
  const said = new Map(found!.rows.map(([host, missing]) => [host, missing]));
  return names.flatMap((host) => {
    const reason = said.has(host) ? said.get(host) : NOT_YET;
    return reason ? [{ host, reason }] : [];
  });
}

/** A line for the welcome. */
export function handoverLine(missing: readonly Missing[], of: number): string {
  const there = `${of - missing.length} of ${of} hosts have handed over ${DEMO_TRACKED}`;
  return [there, ...missing.map(({ host, reason }) => `${host}: ${printable(reason)}`)].join('; ');
}
