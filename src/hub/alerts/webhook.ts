/**
 * Tells a webhook of alerts: each opening and each resolution, at least once, in the order of their
 * ids unless one had to be tried again. What is still to be told lies in the database
 * (sql/12-alert-event.sql), so it survives a restart, and of several hubs one at a time tells it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { AlertEvent, AlertStore } from './alert-store.ts';
import type { Pulse } from '../pulse.ts';
import { WakeLoop } from '../wake-loop.ts';

export interface WebhookTarget {
  /** http or https. Never logged: what follows the host may be a secret. */
  readonly url: string;
  /** Sent as `authorization: Bearer ..`. Never logged. */
  readonly token?: string;
}

export interface WebhookOptions {
  readonly target: WebhookTarget;
  readonly alerts: AlertStore;
  readonly log: Log;
  /** Longest one call may take. */
  readonly timeoutMs?: number;
  /** Wait after the first failure; doubles up to a minute. */
  readonly pauseMs?: number;
  readonly pulse?: Pulse;
}

const PAUSE_MS_MAX = 60_000;
/** How often a pause says that it is one. */
const STEP_MS = 1_000;

export class Webhook {
  readonly #options: WebhookOptions & { readonly timeoutMs: number; readonly pauseMs: number };
  /** All that may be said of the target in logs and alerts. */
  readonly #host: string;
  readonly #stopping = new AbortController();
  readonly #telling: WakeLoop;
  #failures = 0;
  /** An earlier process may have left the alert about this webhook open. */
  #troubled = true;

  constructor(options: WebhookOptions) {
    this.#options = { timeoutMs: 10_000, pauseMs: 1_000, ...options };
    this.#host = new URL(options.target.url).host;
    this.#telling = new WakeLoop({
      work: () => this.#tellAll(),
      failed: (error) =>
        options.log.warn({ error: messageOf(error) }, 'could not look for alerts to tell'),
      ...(options.pulse && { pulse: options.pulse }),
    });
  }

  /** Looks for something to tell now. Cheap to call often. */
  wake(): void {
    this.#telling.wake();
  }

  /** Ends a call that is under way; it is made again after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#telling.stop();
  }

  async #tellAll(): Promise<undefined> {
    while (!this.#stopping.signal.aborted && (await this.#tellNext()));
  }

  /** False when there is nothing to tell now. @throws what pg throws */
  async #tellNext(): Promise<boolean> {
    const { alerts, log, timeoutMs } = this.#options;
    const event = await alerts.claimEvent(LEASES * timeoutMs);
    // A webhook that takes none has an alert of its own.
    this.#options.pulse?.step();
    if (event === undefined) return false;
    const trouble = await this.#post(event);
    await alerts.endEvent(event.id, trouble);
    // Cut short by the stop: that says nothing about the webhook.
    if (trouble !== undefined && this.#stopping.signal.aborted) return false;
    const facts = { webhook: this.#host, event: event.id, alert: event.alert.id };
    if (trouble === undefined) {
      log.info({ ...facts, says: event.event }, 'told the webhook of an alert');
      await this.#recovered();
    } else {
      log.warn({ ...facts, attempt: event.attempt, error: trouble }, 'the webhook took no alert');
      await this.#failed(trouble);
    }
    return true;
  }

  /** Undefined when the webhook took it, else why not. Never rejects. */
  async #post(event: AlertEvent): Promise<string | undefined> {
    const { target, timeoutMs } = this.#options;
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(target.url, {
        method: 'POST',
        // Elsewhere the token would be shown to somebody else.
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'swarmplane',
          'idempotency-key': `swarmplane-alert-${event.id}`,
          ...(target.token === undefined ? {} : { authorization: `Bearer ${target.token}` }),
        },
        body: JSON.stringify(event),
        signal: AbortSignal.any([limit, this.#stopping.signal]),
      });
      // What it says is not read: it could be endless.
      await response.body?.cancel();
      return response.ok ? undefined : `${this.#host} answered ${response.status}`;
    } catch (error) {
      if (limit.aborted) return `${this.#host} did not answer within ${timeoutMs} ms`;
      return `${this.#host} cannot be reached: ${causeOf(error)}`;
    }
  }

  async #failed(trouble: string): Promise<void> {
    const { alerts, pauseMs } = this.#options;
    this.#troubled = true;
    await alerts.raise(KIND, this.#host, trouble);
    const ms = Math.min(pauseMs * 2 ** Math.min(this.#failures++, 16), PAUSE_MS_MAX);
    await this.#pause(ms * (0.75 + Math.random() / 2));
  }

  /** To wait for its turn is to go on: it is no stall, however long. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    for (let left = ms; left > 0 && !signal.aborted; left -= STEP_MS) {
      this.#options.pulse?.step();
      await sleep(Math.min(left, STEP_MS), undefined, { signal }).catch(() => undefined);
    }
  }

  async #recovered(): Promise<void> {
    this.#failures = 0;
    if (!this.#troubled) return;
    this.#troubled = false;
    await this.#options.alerts.resolve([KIND], [this.#host]);
  }
}

const KIND = 'webhook_failed';
/** A claim lasts this many time limits: longer than one call, and over before anybody wonders. */
const LEASES = 3;

/** undici says `fetch failed`; the reason is its cause. Neither holds more of the URL than the host. */
function causeOf(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause;
  return messageOf(cause ?? error);
}
