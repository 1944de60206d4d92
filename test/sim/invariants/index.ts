/** The invariants of docs/simulation, each a checker that returns what it found wrong. */
import type { Recording } from '../run.ts';
import { onceAndInTime } from './s4-once-and-in-time.ts';
import { statesPartition } from './s5-states-partition.ts';
import { answersBelong } from './s6-answers-belong.ts';
import { partitionsHeal } from './s7-partitions-heal.ts';
import { deadStayDead } from './s8-dead-stay-dead.ts';
import { tablesAgree } from './s9-tables-agree.ts';
import { bodiesArrive } from './s16-bodies-arrive.ts';
import { sizesBounded } from './s10-sizes-bounded.ts';

export interface Invariant {
  readonly name: string;
  readonly promise: string;
  check(recording: Recording): string[];
}

export const INVARIANTS: readonly Invariant[] = [
  onceAndInTime,
  statesPartition,
  answersBelong,
  partitionsHeal,
  deadStayDead,
  tablesAgree,
  sizesBounded,
  bodiesArrive,
];
