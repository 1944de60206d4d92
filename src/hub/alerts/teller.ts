/** Wakes the webhook when an alert opens or is resolved: NOTIFY swarmplane_alert, and a poll. */
import { createListener, type Listener } from '../database/listener.ts';
import type { Log } from '../log.ts';
import type { Pulse } from '../pulse.ts';
import type { AlertStore } from './alert-store.ts';
import { Webhook, type WebhookTarget } from './webhook.ts';

export type { WebhookTarget } from './webhook.ts';

/** Sent without payload at each commit that opens or resolves an alert (sql/10-alert.sql). */
export const ALERT_CHANNEL = 'swarmplane_alert';

export class AlertTeller {
  readonly #webhook: Webhook;
  readonly #listener: Listener;

  /** Undefined where no webhook is configured. */
  static for(
    options: { databaseUrl: string; log: Log; pollMs: number; webhook?: WebhookTarget },
    alerts: AlertStore,
    pulse: Pulse,
  ): AlertTeller | undefined {
    const { databaseUrl, log, pollMs, webhook } = options;
    if (webhook === undefined) return undefined;
    const listener = createListener({ url: databaseUrl, channel: ALERT_CHANNEL, log, pollMs });
    return new AlertTeller(new Webhook({ target: webhook, alerts, log, pulse }), listener);
  }

  private constructor(webhook: Webhook, listener: Listener) {
    this.#webhook = webhook;
    this.#listener = listener;
    listener.onWake(() => webhook.wake());
  }

  start(): Promise<void> {
    return this.#listener.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#listener.stop(), this.#webhook.stop()]);
  }
}
