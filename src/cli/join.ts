/** `up --join`: asks members to be let in until one does, or until it is certain that none will. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Agent, Log } from '../agent/index.ts';
import { JoinAttempts } from './join-attempts.ts';

/**
 * Resolves with the address of the member that let this host in. Says on standard error what it
 * waits for after each try. Rejects with the last refusal when that is final, with what is wrong
 * here, or when `signal` aborts.
 */
export async function joinSwarm(
  agent: Agent,
  addresses: readonly string[],
  log: Log,
  signal: AbortSignal,
): Promise<string> {
  const attempts = new JoinAttempts(addresses, performance.now());
  for (;;) {
    const address = attempts.next();
    try {
      await agent.node.join(address, signal);
      return address;
    } catch (error) {
      signal.throwIfAborted();
      const verdict = attempts.failed(address, codeOf(error), performance.now(), Math.random());
      if (verdict.kind === 'final') throw error;
      const { message, hint } = error as { message: string; hint?: string };
      const { tries, waitedMs, pauseMs, waitsFor, givesUpInMs } = verdict;
      log.warn(
        {
          member: address,
          error: message,
          ...(hint && { hint }),
          waits_for: waitsFor,
          tries,
          waited_s: seconds(waitedMs),
          next_try_s: seconds(pauseMs),
          ...(givesUpInMs !== undefined && { gives_up_in_s: seconds(givesUpInMs) }),
        },
        'not let in yet, trying again',
      );
      await pause(pauseMs, undefined, { signal });
    }
  }
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'unknown';
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
