/**
 * How far accusers are listened to. Each may say so much in a time; and whoever goes on accusing a
 * member that this host has a link to, and that refutes it each time, is not believed for a while.
 * Hosts that cannot reach each other accuse and are refuted, too, but ever more seldom (suspicion.ts):
 * what counts is how often it is one and the same.
 */
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import { Rates } from '../engine/rates.ts';

/** ACCUSE and FORGET of one member: half a network lost at once, then one a second. */
const SAID = { perSecond: 1, burst: 64 };
/** Refuted accusations of one member by another, in ten minutes. */
const REFUTED_MAX = 8;
const REFUTED_MS = 10 * 60_000;
/** Not believed for so long, then twice as long each time. */
const DOUBT_MIN_MS = 10 * 60_000;
const DOUBT_MAX_MS = 24 * 3_600_000;
/** Members whose refutations are counted for one accuser. */
const PAIRS_MAX = 64;

interface Credit {
  /** By accused: `mono` of each refutation. */
  readonly refuted: Map<NodeId, number[]>;
  /** How often it lost its credit. */
  rounds: number;
  until: number;
}

export class Accusers {
  #context: Context;
  #said: Rates;
  #records = new Map<NodeId, Credit>();

  constructor(context: Context) {
    this.#context = context;
    this.#said = new Rates(context, () => SAID);
  }

  get size(): number {
    return this.#records.size;
  }

  /** Whether it may say one thing more; nothing is taken. */
  has(by: NodeId): boolean {
    return this.#said.has(by);
  }

  /** False once it has said too much. */
  mayAccuse(by: NodeId): boolean {
    return this.#said.take(by);
  }

  isDisbelieved(by: NodeId): boolean {
    return (this.#records.get(by)?.until ?? 0) > this.#context.now.mono;
  }

  /** `node` is there, as this host saw all the while. `names`: for people. */
  noteRefuted(by: NodeId, node: NodeId, names: { by: string; node: string }): void {
    const { mono } = this.#context.now;
    const record: Credit = this.#records.get(by) ?? { refuted: new Map(), rounds: 0, until: 0 };
    this.#records.set(by, record);
    const times = (record.refuted.get(node) ?? []).filter((at) => at > mono - REFUTED_MS);
    record.refuted.delete(node);
    record.refuted.set(node, [...times, mono]);
    if (record.refuted.size > PAIRS_MAX) record.refuted.delete(record.refuted.keys().next().value!);
    if (times.length + 1 < REFUTED_MAX) return;
    record.refuted.delete(node);
    record.until = mono + Math.min(DOUBT_MAX_MS, DOUBT_MIN_MS * 2 ** Math.min(record.rounds++, 16));
    this.#context.alarm(
      'false_accuser',
      by,
      `"${names.by}" (${by.slice(0, 12)}) says again and again that "${names.node}" is gone, which has a link to this host and denies it: what it says of others is not believed for a while; its way to that host is broken, or it is hostile: then put it out with \`swarmplane secret rotate --expel\``,
      by,
    );
  }

  sweep(isMember: (node: NodeId) => boolean): void {
    this.#said.sweep();
    const { mono } = this.#context.now;
    for (const [by, { refuted, until }] of this.#records) {
      for (const [node, times] of refuted)
        if (times.at(-1)! <= mono - REFUTED_MS) refuted.delete(node);
      const isOver = refuted.size === 0 && until + DOUBT_MAX_MS <= mono;
      if (isOver || !isMember(by)) this.#records.delete(by);
    }
  }
}
