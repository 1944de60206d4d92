/**
 * When each tracked table is due. Hosts differ by a phase made of node id and table, so that ten
 * thousand that got their wish lists in one moment do not take in one moment ever after. All
 * times are monotonic milliseconds but where a taking of an earlier run is looked at.
 */
import { createHash } from 'node:crypto';
import type { Wish } from '../../takings/index.ts';

/** A table that was never taken, and one that is overdue after a start, wait at most so long. */
const FIRST_MS = 2_000;
const OVERDUE_MS = 30_000;

interface Plan {
  everyMs: number;
  due: number;
  /** Its first taking came at once, the second finds the host's own phase. */
  fresh: boolean;
}

export class Schedule {
  readonly #nodeId: string;
  readonly #plans = new Map<string, Plan>();

  constructor(nodeId: string) {
    this.#nodeId = nodeId;
  }

  /**
   * Takes over a wish list. `takenMs` tells how long ago a table was taken by the wall clock,
   * undefined when it never was.
   */
  set(wishes: readonly Wish[], mono: number, takenMs: (table: string) => number | undefined): void {
    const wanted = new Set(wishes.map(({ table }) => table));
    for (const table of this.#plans.keys()) if (!wanted.has(table)) this.#plans.delete(table);
    for (const { table, every } of wishes) {
      const everyMs = every * 1000;
      if (this.#plans.get(table)?.everyMs === everyMs) continue;
      this.#plans.set(table, this.#plan(table, everyMs, mono, takenMs(table)));
    }
  }

  /** The table that is due first, and when. */
  next(): { readonly table: string; readonly due: number } | undefined {
    let first: { table: string; due: number } | undefined;
    for (const [table, { due }] of this.#plans) {
      if (first === undefined || due < first.due) first = { table, due };
    }
    return first;
  }

  /** The table was taken, or tried. */
  taken(table: string, mono: number): void {
    const plan = this.#plans.get(table);
    if (plan === undefined) return;
    const { everyMs, due, fresh } = plan;
    plan.fresh = false;
    if (fresh) plan.due = mono + everyMs * this.#phase(table);
    else plan.due = due + everyMs > mono ? due + everyMs : mono + everyMs;
  }

  /** The table is wanted now, out of turn. */
  hurry(table: string, mono: number): void {
    const plan = this.#plans.get(table);
    if (plan !== undefined) plan.due = Math.min(plan.due, mono);
  }

  #plan(table: string, everyMs: number, mono: number, takenMs: number | undefined): Plan {
    const phase = this.#phase(table);
    if (takenMs === undefined) {
      return { everyMs, due: mono + phase * Math.min(everyMs, FIRST_MS), fresh: true };
    }
    // A clock that was set back says that it was taken in the future.
    const left = everyMs - Math.max(0, takenMs);
    const due = left > 0 ? mono + left : mono + phase * Math.min(everyMs, OVERDUE_MS);
    return { everyMs, due, fresh: false };
  }

  /** From 0 to 1. */
  #phase(table: string): number {
    const hash = createHash('sha256').update(`${this.#nodeId} ${table}`).digest();
    return hash.readUInt32BE() / 2 ** 32;
  }
}
