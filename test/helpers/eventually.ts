/**
 * Waiting for what sends no signal: states of other processes, rows that another session writes. It has
 * an end before the test's own, and says then what was waited for.
 */

/** Ends `eventually` at once. */
export class Stop extends Error {}

/** Tests end after 60 s: a sooner end is one that says why. */
const LIMIT_MS = 50_000;

/** Looks again until it is there, not false, null or undefined. An error ends it. */
export async function until<T>(
  look: () => Promise<T> | T,
  what: string | (() => string) = look.toString(),
  { limitMs = LIMIT_MS, everyMs = 10 }: { limitMs?: number; everyMs?: number } = {},
): Promise<NonNullable<T>> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() > deadline) throw late(limitMs, what);
    await new Promise((done) => setTimeout(done, everyMs));
  }
}

/** Asks again until there is an answer, over errors too: for processes that are only starting. */
export async function eventually<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  what: string | (() => string),
  timeoutMs = LIMIT_MS,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
      last = undefined;
    } catch (error) {
      if (error instanceof Stop) throw error;
      last = error;
    }
    if (Date.now() > deadline) throw late(timeoutMs, what, last);
    await new Promise((done) => setTimeout(done, 25));
  }
}

function late(limitMs: number, what: string | (() => string), cause?: unknown): Error {
  const said = typeof what === 'string' ? what : what();
  const trouble = cause instanceof Error ? `; the last try: ${cause.message}` : '';
  return new Error(`not within ${limitMs} ms: ${said}${trouble}`, { cause });
}
