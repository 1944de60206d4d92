/** How long a server has to answer a goodbye. */
const GOODBYE_MS = 1_000;

/** Waits for the end of a connection, not for ever: over one that is half-open no answer comes. */
export async function goodbye(ended: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, GOODBYE_MS);
  });
  await Promise.race([ended.catch(() => undefined), patience]);
  clearTimeout(timer);
}
