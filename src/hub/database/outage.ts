/** Telling a database that is away from one that says no, and waiting for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, messageOf } from '../errors.ts';

/** True when the same statement may work later: connection lost, server starting, deadlock, no room. */
export function isOutage(error: unknown): boolean {
  const code = codeOf(error) || codeOf((error as AggregateError | null)?.errors?.[0]);
  if (/^(08|57P|53|40)/.test(code)) return true;
  if (/^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/.test(code))
    return true;
  return /connection (terminated|ended|timeout)|timeout exceeded when trying to connect|query read timeout|not queryable/i.test(
    messageOf(error),
  );
}

/** True when somebody held a lock for longer than this waits: the same statement may work later. */
export function isBlocked(error: unknown): boolean {
  return codeOf(error) === '55P03';
}

/** True when to wait is all there is to do. */
export function mayPass(error: unknown): boolean {
  return isOutage(error) || isBlocked(error);
}

/** True when the database will not take these data, however often they are sent. */
export function isBadData(error: unknown): boolean {
  return /^(22|23|54)/.test(codeOf(error));
}

/** Growing waits with jitter: 0.1 s to 5 s. */
export class Backoff {
  #wait = 100;

  reset(): void {
    this.#wait = 100;
  }

  /** Resolves at once when `signal` is or becomes aborted. */
  async pause(signal?: AbortSignal): Promise<void> {
    const ms = this.#wait * (0.75 + Math.random() / 2);
    this.#wait = Math.min(this.#wait * 2, 5_000);
    await sleep(ms, undefined, { ...(signal === undefined ? {} : { signal }) }).catch(
      () => undefined,
    );
  }
}
