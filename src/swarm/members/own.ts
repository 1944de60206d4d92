/**
 * The own record. Each incarnation is on disk before anyone sees it, so that a restarted host
 * comes back with a higher one and no two records of one incarnation exist.
 */
import { decodeSigned, pack, unpack } from '../../wire/index.ts';
import type { MemberBody, ShownPrekey, SignedObject } from '../../wire/index.ts';
import { fromHex, INCARNATION_MAX, toHex } from '../../wire/index.ts';
import { CLONE_REMEDY } from './clone.ts';
import type { Context } from '../engine/context.ts';

/** Key of the persist effect; `restore` reads it back. */
export const INCARNATION_KEY = 'incarnation';

export class OwnRecord {
  #context: Context;
  #publish: (record: SignedObject<MemberBody>) => void;
  #prekey: () => ShownPrekey | undefined;
  /** The incarnation of the newest record that others may have. */
  #incarnation: number;
  #saving: number | undefined;
  #wanted: number | undefined;
  #left = false;
  #foreignBoot: string | undefined;
  #outdoneAt = -Infinity;
  /** The highest incarnation that somebody doubts. */
  #doubted = 0;
  #refutedAt = -Infinity;

  constructor(
    context: Context,
    publish: (record: SignedObject<MemberBody>) => void,
    prekey: () => ShownPrekey | undefined,
  ) {
    this.#context = context;
    this.#publish = publish;
    this.#prekey = prekey;
    this.#incarnation = context.options.incarnation ?? 0;
  }

  /** A record of the last known incarnation, for the own table until the first one is on disk. */
  provisional(): SignedObject<MemberBody> {
    return this.#make(this.#incarnation, 'alive');
  }

  /** Wants a new record, of an incarnation above `above`. */
  renew(above = 0): void {
    if (this.#left) return;
    const seconds = Math.floor(this.#context.now.wall / 1000);
    const known = Math.max(this.#incarnation, this.#saving ?? 0, above);
    this.#wanted = withinBound(Math.max(this.#wanted ?? 0, known + 1, seconds));
    this.#save();
  }

  /** The incarnation is on disk (or cannot be kept): the record goes out. */
  #saved(incarnation: number): void {
    this.#saving = undefined;
    if (this.#left) return;
    this.#incarnation = incarnation;
    this.#publish(this.#make(incarnation, 'alive'));
    this.#save();
  }

  /** Somebody doubts this node: it refutes, unless it has already; not more than once a second. */
  refute(incarnation: number): void {
    if (incarnation < this.#known()) return;
    const { timers, now } = this.#context;
    this.#doubted = Math.max(this.#doubted, incarnation);
    const at = this.#refutedAt + REFUTE_MS;
    if (at <= now.mono) this.handleRefuteTimer();
    else timers.set('refute', '', at);
  }

  handleRefuteTimer(): void {
    if (this.#doubted < this.#known()) return;
    this.#refutedAt = this.#context.now.mono;
    this.renew(this.#doubted);
  }

  /**
   * A record under the own key that was not made in this run: of an earlier run, or a clone's.
   * Both are outdone; the same other boot twice in one run is a clone.
   */
  observe(record: SignedObject<MemberBody>): void {
    const boot = toHex(record.body.bootId);
    if (boot === toHex(this.#context.self.bootId)) return;
    if (record.body.incarnation < this.#known()) return;
    const again = this.#foreignBoot === boot;
    this.#foreignBoot = boot;
    if (again) {
      this.#context.alarm(
        'clone',
        this.#context.nodeId,
        `another host runs with a copy of this host's identity: ${CLONE_REMEDY}`,
      );
    }
    // Two clones would outdo each other without end.
    const quiet = this.#context.now.mono - this.#outdoneAt > CLONE_PAUSE_MS;
    if (again && !quiet) return;
    this.#outdoneAt = this.#context.now.mono;
    this.renew(record.body.incarnation);
  }

  /** Says goodbye at once; the disk follows. */
  leave(): SignedObject<MemberBody> {
    this.#left = true;
    const seconds = Math.floor(this.#context.now.wall / 1000);
    this.#incarnation = withinBound(Math.max(this.#known() + 1, seconds));
    this.#persist(this.#incarnation);
    return this.#make(this.#incarnation, 'left');
  }

  /** The highest incarnation that is out or on its way. */
  #known(): number {
    return Math.max(this.#incarnation, this.#saving ?? 0, this.#wanted ?? 0);
  }

  #save(): void {
    if (this.#saving !== undefined || this.#wanted === undefined) return;
    const incarnation = this.#wanted;
    this.#wanted = undefined;
    this.#saving = incarnation;
    this.#persist(incarnation, () => this.#saved(incarnation));
  }

  #persist(incarnation: number, done: () => void = () => {}): void {
    const bytes = pack(incarnation);
    this.#context.persist({ key: INCARNATION_KEY, what: 'the own incarnation', bytes, done });
  }

  #make(incarnation: number, state: 'alive' | 'left'): SignedObject<MemberBody> {
    const { self, swarm } = this.#context;
    const body: MemberBody = {
      kind: 'member',
      swarm,
      node: fromHex(self.nodeId),
      entry: self.entry.bytes,
      name: self.name,
      addresses: self.addresses,
      labels: self.labels,
      version: self.version,
      hub: self.hub,
      incarnation,
      bootId: self.bootId,
      state,
      prekey: this.#prekey(),
      admission: self.admission,
    };
    return decodeSigned(this.#context.sign(body)) as SignedObject<MemberBody>;
  }
}

const CLONE_PAUSE_MS = 60_000;
const REFUTE_MS = 1_000;

/** A copy of this host's identity may have used the numbers up; no clock does. */
function withinBound(incarnation: number): number {
  return Math.min(incarnation, INCARNATION_MAX);
}

/** Undefined when the bytes are none. */
export function readIncarnation(bytes: Uint8Array): number | undefined {
  try {
    const value = unpack(bytes);
    const isOne = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
    return isOne ? withinBound(value) : undefined;
  } catch {
    return undefined;
  }
}
