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
  /** Signatures that were none, of the message at hand. */
  bad: BadSignature[] = [];
  /** Work for the message at hand, in signatures, for what was beyond its origin's share. */
  wasted = 0;
  /** Bytes that went to links which did not come up yet. */
  sentEarly = 0;
  #effectId = 0;
  /** Persist effects on their way, by effect. */
  readonly #persists = new Map<number, Persist>();
  /** By kind and key. `kept`: of the last run, and not raised again in this one. */
  #alarms = new Map<string, OpenAlarm>();

  constructor(options: CoreOptions) {
    this.options = options;
    for (const { kind, key } of options.alarms ?? [])
      this.#alarms.set(`${kind} ${key}`, { kind, key, subject: undefined, kept: true });
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
    const bytes = encodeMessage(message);
    this.sentEarly += bytes.length;
    this.sends.push({ link, message: bytes });
  }

  /** `isNamed`: the object itself says which key it is signed with, so that all hosts check it with that. */
  verify(
    entry: KeyEntry,
    object: { signed: Uint8Array; signature: Uint8Array },
    isNamed = false,
  ): boolean {
    const isGood = this.crypto.verify(entry.signKey, object.signed, object.signature);
    if (!isGood) this.bad.push({ by: entry.nodeId, isNamed, isFirst: entry.version === 0 });
    return isGood;
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

  /** `subject`: the member that brings it about; none where this host or the operator does. */
  alarm(kind: AlarmKind, key: string, message: string, subject?: NodeId): void {
    this.#alarms.delete(`${kind} ${key}`);
    this.#alarms.set(`${kind} ${key}`, { kind, key, subject, kept: false });
    this.events.push({ kind: 'alarm', alarm: { kind, key, message, at: this.now.wall } });
    this.#boundAlarms(subject);
  }

  /** One that makes names up gets its own oldest alarms ended; those of this host itself stay. */
  #boundAlarms(subject: NodeId | undefined): void {
    const all = [...this.#alarms.values()];
    const ofOne = all.filter((one) => subject !== undefined && one.subject === subject);
    const isFull = all.length > ALARMS_MAX;
    const oldest =
      ofOne.length > ALARMS_OF_ONE_MAX
        ? ofOne[0]
        : isFull
          ? (all.find(isOfMember) ?? all[0])
          : undefined;
    if (oldest !== undefined) this.alarmOver(oldest.kind, oldest.key);
  }

  /** What the alarm told of has ended; nothing where none is open. */
  alarmOver(kind: AlarmKind, key: string): void {
    if (!this.#alarms.delete(`${kind} ${key}`)) return;
    const alarm = { kind, key, message: '', at: this.now.wall, over: true } as const;
    this.events.push({ kind: 'alarm', alarm });
  }

  /** Has bytes kept over a restart; what becomes of that is told to `done`, once. Gives the effect. */
  persist(wanted: Persist): number {
    const id = this.nextEffectId();
    this.#persists.set(id, wanted);
    this.effects.push({ kind: 'persist', id, key: wanted.key, bytes: wanted.bytes });
    return id;
  }

  handlePersisted(effect: number, ok: boolean): void {
    const wanted = this.#persists.get(effect);
    if (wanted === undefined) return;
    this.#persists.delete(effect);
    const { key, what, done } = wanted;
    if (ok) this.alarmOver('persist_failed', key);
    else if (what !== undefined)
      this.alarm('persist_failed', key, `${what} could not be kept on disk: ${DISK}`);
    done?.(ok);
  }
}

export interface Persist {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** For the alarm where the disk says no: the beginning of a sentence. Undefined: no alarm this time. */
  readonly what?: string;
  /** Called within `handleEffectDone`. What was asked for later may be done earlier. */
  readonly done?: (ok: boolean) => void;
}

const DISK = 'check that the state folder is writable and not full';

interface BadSignature {
  readonly by: NodeId;
  readonly isNamed: boolean;
  /** Under the key that its id is a hash of: nobody can know another one of that version. */
  readonly isFirst: boolean;
}

interface OpenAlarm extends Pick<Alarm, 'kind' | 'key'> {
  readonly kept: boolean;
  readonly subject: NodeId | undefined;
}

/** As many as the agent keeps. */
const ALARMS_MAX = 1_000;
const ALARMS_OF_ONE_MAX = 16;

function isOfMember({ subject }: OpenAlarm): boolean {
  return subject !== undefined;
}
