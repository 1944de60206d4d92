/** What is asked through this agent, counted and logged under the ids that the asked hosts log, too. */
import type { AgentCounters } from './figures.ts';
import type { Log } from '../log.ts';
import type { AskEvent } from '../types.ts';

/** Hands events on as they come. Time runs from the first look at them. */
export async function* observed(
  events: AsyncIterable<AskEvent>,
  counters: AgentCounters,
  log: Log,
): AsyncGenerator<AskEvent, void> {
  const startedAt = performance.now();
  for await (const event of events) {
    if (event.kind === 'account') {
      const ms = performance.now() - startedAt;
      const { requestId, hosts } = event.account;
      counters.asked(event.account, ms);
      const ok = hosts.filter(({ state }) => state === 'ok').length;
      log.info(
        { request: requestId, hosts: hosts.length, ok, ms: Math.round(ms) },
        'the account of a request is whole',
      );
    }
    yield event;
  }
}
