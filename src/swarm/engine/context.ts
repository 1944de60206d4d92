/** What every part of the core shares: options, the current instant, and the way out. */
import { attachSignature, encodeMessage, fromHex, signingBytes } from '../../wire/index.ts';
import type { SignedBody, SwarmMessage } from '../../wire/index.ts';
import type { Crypto, KeyEntry, NodeId } from '../../secure/types.ts';
import type { AlarmKind } from '../alarm-kinds.ts';
import { Fifo } from './fifo.ts';
import { Timers } from './timers.ts';
import { DEFAULT_TUNING } from '../tuning.ts';
import type {
  Alarm,
  CoreEvent,
  CoreOptions,
  Effect,
  LinkId,
  Now,
  SelfDescription,
  Tuning,
} from '../types.ts';

export class Context {
  readonly options: CoreOptions;
  readonly tuning: Tuning;
  readonly crypto: Crypto;
  readonly nodeId: NodeId;
  /** The node id as bytes. */
  readonly node: Uint8Array;
  readonly timers = new Timers();
  readonly sends = new Fifo<{ link: LinkId; message: Uint8Array }>();
  readonly effects = new Fifo<Effect>();
  readonly events = new Fifo<CoreEvent>();
  self: SelfDescription;
  epoch: number;
  /** Set on each call into the core. */
  now: Now = { mono: 0, wall: 0 };
  #effectId = 0;
  /** By kind and key. `kept`: of the last run, and not raised again in this one. */
  #alarms = new Map<string, OpenAlarm>();

  constructor(options: CoreOptions) {
    this.options = options;
    for (const { kind, key } of options.alarms ?? [])
      this.#alarms.set(`${kind} ${key}`, { kind, key, kept: true });
    this.tuning = { ...DEFAULT_TUNING, ...options.tuning };
    this.crypto = options.crypto;
    this.self = options.self;
    this.epoch = options.epoch;
    this.nodeId = options.self.nodeId;
    this.node = fromHex(this.nodeId);
  }

  get swarm(): Uint8Array {
    return this.options.swarmId;
  }

  /** Numbers effects; never repeats. */
  nextEffectId(): number {
    return ++this.#effectId;
  }

  /** A signed object of this node. */
  sign(body: SignedBody): Uint8Array {
    const signed = signingBytes(body);
    return attachSignature(signed, this.crypto.sign(signed));
  }

  /** For links that did not come up yet; all others are `Links`' to send on. */
  send(link: LinkId, message: SwarmMessage): void {
    this.sends.push({ link, message: encodeMessage(message) });
  }

  verify(entry: KeyEntry, object: { signed: Uint8Array; signature: Uint8Array }): boolean {
    return this.crypto.verify(entry.signKey, object.signed, object.signature);
  }

  /** From 0 to 1, both as likely as anything between. */
  chance(): number {
    const [a, b, c, d] = this.options.random(4) as unknown as [number, number, number, number];
    return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) / 0x1_0000_0000;
  }

  /** `ms` half to one and a half times over. */
  jitter(ms: number): number {
    return Math.round(ms * (0.5 + this.chance()));
  }

  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[Math.min(items.length - 1, Math.floor(this.chance() * items.length))]!;
  }

  /** Those whose end has not been seen. */
  openAlarms(): readonly OpenAlarm[] {
    return [...this.#alarms.values()];
  }

  alarm(kind: AlarmKind, key: string, message: string): void {
    this.#alarms.delete(`${kind} ${key}`);
    this.#alarms.set(`${kind} ${key}`, { kind, key, kept: false });
    // As many as the agent keeps: a peer that makes names up must not fill the memory.
    if (this.#alarms.size > ALARMS_MAX) this.#alarms.delete(this.#alarms.keys().next().value!);
    this.events.push({ kind: 'alarm', alarm: { kind, key, message, at: this.now.wall } });
  }

  /** What the alarm told of has ended; nothing where none is open. */
  alarmOver(kind: AlarmKind, key: string): void {
    if (!this.#alarms.delete(`${kind} ${key}`)) return;
    const alarm = { kind, key, message: '', at: this.now.wall, over: true } as const;
    this.events.push({ kind: 'alarm', alarm });
  }

  /** A persist effect has ended. `what` in the plural, at the start of a sentence. */
  noteKept(ok: boolean, key: string, what: string): void {
    if (ok) return this.alarmOver('persist_failed', key);
    const next = 'check that the state folder is writable and not full';
    this.alarm('persist_failed', key, `${what} could not be kept on disk: ${next}`);
  }
}

interface OpenAlarm extends Pick<Alarm, 'kind' | 'key'> {
  readonly kept: boolean;
}

const ALARMS_MAX = 1_000;
