/**
 * Wakes the hub when there may be work. NOTIFY is a hint and may get lost; the truth is in the
 * tables, so it also wakes at every (re)connect and every few seconds anyway.
 *
 * pg-listen does the listening, inside these bounds: an error handler before it connects (without
 * one, a malformed NOTIFY from any role ends the process), payloads that are never parsed, no end to
 * its retries (by default it is dead for ever after 3 s of outage), pings with a time limit (a
 * half-open connection is silent), and a watchdog that sends itself a notification through the
 * server and replaces the whole subscriber when none comes back.
 */
import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import pgListen, { type Subscriber } from 'pg-listen';
import { connectionString } from './database.ts';
import { messageOf } from '../errors.ts';
import { pinned } from './session.ts';
import { goodbye } from './goodbye.ts';
import { silentLog, type Log } from '../log.ts';
import type { Pulse } from '../pulse.ts';

export type WakeReason = 'notify' | 'connect' | 'poll';

export interface Listener {
  /** Resolves at once: a server that is away is connected to later. */
  start(): Promise<void>;
  /** Returns how to end it. */
  onWake(listener: (reason: WakeReason) => void): () => void;
  stop(): Promise<void>;
}

export interface ListenerOptions {
  /** Straight to the server: a pooler loses LISTEN. */
  readonly url: string;
  readonly channel: string;
  readonly log?: Log;
  /** Mean of the poll, which has 20 % jitter. */
  readonly pollMs?: number;
  /** Between two pings of the connection. */
  readonly pingMs?: number;
  /** Until a ping or a connect counts as failed. */
  readonly answerMs?: number;
  /** Between two notifications to itself; one that has not come back by the next is a failure. */
  readonly watchdogMs?: number;
  /** Longest wait between two attempts to connect. */
  readonly retryMsMax?: number;
  /** Goes well whenever a notification to itself comes back. */
  readonly pulse?: Pulse;
}

type Settings = Required<Omit<ListenerOptions, 'pulse'>> & Pick<ListenerOptions, 'pulse'>;

export function createListener(options: ListenerOptions): Listener {
  return new PgListener(options);
}

class PgListener implements Listener {
  readonly #settings: Settings;
  readonly #listeners = new Set<(reason: WakeReason) => void>();
  #subscription: Subscription | undefined;
  #poll: NodeJS.Timeout | undefined;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(options: ListenerOptions) {
    this.#settings = { ...DEFAULTS, ...options, url: connectionString(options.url) };
  }

  async start(): Promise<void> {
    if (this.#poll !== undefined) return;
    // What it is to hear first is sent at the first look.
    this.#settings.pulse?.wentWell();
    this.#replace();
    this.#schedulePoll();
    this.#watchdog = setInterval(() => this.#watch(), this.#settings.watchdogMs);
  }

  onWake(listener: (reason: WakeReason) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#poll);
    clearInterval(this.#watchdog);
    this.#poll = undefined;
    const subscription = this.#subscription;
    this.#subscription = undefined;
    await subscription?.close();
  }

  #watch(): void {
    if (this.#subscription?.checkSelf() === true) return;
    this.#settings.log.warn({}, 'the listener for notifications is silent: making a new one');
    this.#replace();
  }

  #replace(): void {
    void this.#subscription?.close();
    this.#subscription = new Subscription(this.#settings, (reason) => this.#wake(reason));
  }

  #schedulePoll(): void {
    const ms = this.#settings.pollMs * (0.8 + Math.random() * 0.4);
    this.#poll = setTimeout(() => {
      this.#schedulePoll();
      this.#wake('poll');
    }, ms);
  }

  #wake(reason: WakeReason): void {
    for (const listener of this.#listeners) {
      try {
        listener(reason);
      } catch (error) {
        this.#settings.log.error({ error: messageOf(error) }, 'a listener for work failed');
      }
    }
  }
}

const DEFAULTS = {
  log: silentLog,
  pollMs: 5_000,
  pingMs: 10_000,
  answerMs: 5_000,
  watchdogMs: 30_000,
  retryMsMax: 5_000,
};

/** The life of one pg-listen subscriber. Never rejects and never throws. */
class Subscription {
  readonly #settings: Settings;
  readonly #wake: (reason: WakeReason) => void;
  readonly #subscriber: Subscriber;
  readonly #selfChannel = `swarmplane_self_${randomBytes(6).toString('hex')}`;
  /** True at first: connecting may take until the next look. */
  #heardSelf = true;
  #listening = false;
  readonly #sockets = new Set<Socket>();
  #closed = false;

  constructor(settings: Settings, wake: (reason: WakeReason) => void) {
    this.#settings = settings;
    this.#wake = wake;
    this.#subscriber = this.#create();
    void this.#open();
  }

  /** False when the last notification to itself did not come back; sends the next one. */
  checkSelf(): boolean {
    const alive = this.#heardSelf;
    this.#heardSelf = false;
    if (alive && this.#listening) this.#subscriber.notify(this.#selfChannel).catch(() => undefined);
    return alive;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await goodbye(this.#subscriber.close());
    // One that is half-open would keep this process alive.
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Throws once closed: to destroy a socket here would not hold, connect() brings it back to life. */
  #newSocket(): Socket {
    if (this.#closed) throw new Error('closed');
    const socket = new Socket();
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }

  #create(): Subscriber {
    const { url, answerMs, pingMs } = this.#settings;
    const subscriber = pgListen.default(
      pinned({
        use: 'hub',
        connectionString: url,
        application_name: 'swarmplane listener',
        connectionTimeoutMillis: answerMs,
        query_timeout: answerMs,
        stream: () => this.#newSocket(),
      }),
      {
        parse: (payload) => payload,
        retryTimeout: 0,
        retryInterval: (attempt) => this.#retryMs(attempt),
        paranoidChecking: pingMs,
      },
    );
    subscriber.events.on('error', (error: Error) => this.#failed(error));
    subscriber.events.on('connected', () => this.#connected());
    subscriber.notifications.on(this.#settings.channel, () => this.#tell('notify'));
    subscriber.notifications.on(this.#selfChannel, () => {
      this.#heardSelf = true;
      this.#settings.pulse?.wentWell();
    });
    return subscriber;
  }

  /** If this fails pg-listen goes on trying by itself, and says 'connected' in the end. */
  async #open(): Promise<void> {
    try {
      await this.#subscriber.connect();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** After the first time pg-listen listens again by itself before it says so. */
  #connected(): void {
    if (this.#closed) void this.close();
    else if (!this.#listening) void this.#listen();
    else {
      this.#settings.pulse?.wentWell();
      this.#tell('connect');
    }
  }

  async #listen(): Promise<void> {
    try {
      await this.#subscriber.listenTo(this.#settings.channel);
      await this.#subscriber.listenTo(this.#selfChannel);
      this.#listening = true;
      this.#settings.pulse?.wentWell();
      // What was committed before LISTEN took hold made no sound.
      this.#tell('connect');
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (this.#closed) return;
    this.#settings.pulse?.failed(error);
    this.#settings.log.warn({ error: messageOf(error) }, 'listening for notifications failed');
  }

  #tell(reason: WakeReason): void {
    if (!this.#closed) this.#wake(reason);
  }

  /** pg-listen's loop knows no end: it is left by an exception, which it turns into an error event. */
  #retryMs(attempt: number): number {
    if (this.#closed) throw new Error('closed');
    const ms = Math.min(100 * 2 ** Math.min(attempt, 16), this.#settings.retryMsMax);
    return ms * (0.5 + Math.random() / 2);
  }
}
