/** Does what the core asks for and tells it the outcome; nothing here can fail the driver. */
import type { NodeId } from '../secure/types.ts';
import type { CloseCode, Effect, EffectResult, LinkId } from '../swarm/types.ts';
import type { NetOptions } from './options.ts';

export interface EffectHandlers {
  done(effectId: number, result: EffectResult): void;
  /** Rejects with the reason when no link came of it. */
  dial(address: string, nodeId: NodeId | undefined): Promise<void>;
  hold(link: LinkId, ms: number): void;
  close(link: LinkId, code: CloseCode, reason: string): void;
}

export class Effects {
  readonly #options: Pick<NetOptions, 'store' | 'run' | 'log'>;
  readonly #handlers: EffectHandlers;
  readonly #runs = new Map<number, AbortController>();
  /** The last write per key, so that two of one key never overtake each other. */
  readonly #writes = new Map<string, Promise<boolean>>();

  constructor(options: Pick<NetOptions, 'store' | 'run' | 'log'>, handlers: EffectHandlers) {
    this.#options = options;
    this.#handlers = handlers;
  }

  handle(effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        void this.#persist(effect);
        return;
      case 'dial':
        void this.#dial(effect);
        return;
      case 'run':
        void this.#run(effect);
        return;
      case 'cancel':
        this.#runs.get(effect.runId)?.abort();
        return;
      case 'hold':
        this.#handlers.hold(effect.link, effect.ms);
        return;
      case 'close':
        this.#handlers.close(effect.link, effect.code, effect.reason);
    }
  }

  /** Withdraws everything that runs, and waits for writes. */
  async stop(): Promise<void> {
    for (const run of this.#runs.values()) run.abort();
    await Promise.all(this.#writes.values());
  }

  async #persist(effect: Extract<Effect, { kind: 'persist' }>): Promise<void> {
    const { id, key, bytes } = effect;
    const before = this.#writes.get(key) ?? Promise.resolve(true);
    const write = before.then(() => this.#write(key, bytes));
    this.#writes.set(key, write);
    const ok = await write;
    if (this.#writes.get(key) === write) this.#writes.delete(key);
    this.#handlers.done(id, { kind: 'persist', ok });
  }

  async #write(key: string, bytes: Uint8Array): Promise<boolean> {
    try {
      await this.#options.store.write(key, bytes);
      return true;
    } catch (error) {
      this.#options.log.error({ key, err: error }, 'cannot keep swarm state');
      return false;
    }
  }

  async #dial(effect: Extract<Effect, { kind: 'dial' }>): Promise<void> {
    const { id, address, nodeId } = effect;
    try {
      await this.#handlers.dial(address, nodeId);
      this.#handlers.done(id, { kind: 'dial', ok: true });
    } catch (error) {
      const reason = (error as Error).message;
      this.#options.log.debug({ address, nodeId, reason }, 'dial failed');
      this.#handlers.done(id, { kind: 'dial', ok: false, reason });
    }
  }

  async #run(effect: Extract<Effect, { kind: 'run' }>): Promise<void> {
    const abort = new AbortController();
    this.#runs.set(effect.id, abort);
    const started = performance.now();
    try {
      const outcome = await this.#options.run(effect.request, abort.signal);
      this.#handlers.done(effect.id, { kind: 'run', outcome });
    } catch (error) {
      this.#options.log.error({ request: effect.request.id, err: error }, 'a request failed');
      this.#handlers.done(effect.id, {
        kind: 'run',
        outcome: {
          status: 'error',
          code: 'failed',
          message: (error as Error).message,
          rowCount: 0,
          truncated: false,
          payload: new Uint8Array(),
          tookMs: Math.round(performance.now() - started),
        },
      });
    } finally {
      this.#runs.delete(effect.id);
    }
  }
}
