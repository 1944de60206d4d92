/** Which values of an answer are versions, as they are: through aggregates, subqueries and sorters. */
import { isVersionOrder } from '../tables/version-order.ts';
import type { ColumnRead, Program } from './program.ts';
import type { AnswerOrder } from './types.ts';
import { Flow, type Followable } from './value-flow.ts';

/** The order of each column of the answer; undefined for what is no version, or is one by an expression. */
export function versionOrders(program: Program): readonly (AnswerOrder | undefined)[] {
  const flow = new Flow(program, versions);
  const orders: (AnswerOrder | undefined)[] = [];
  for (const [at, instruction] of program.instructions.entries()) {
    flow.arrive(at);
    flow.rowOf(instruction)?.forEach((value, column) => {
      const { collate = '' } = value?.made === false ? value.read.column : {};
      if (isVersionOrder(collate)) orders[column] = commonOrder(orders[column], collate);
    });
    flow.follow(instruction, at);
  }
  return orders;
}

/** Of two values of one column, as by UNION: there is no order of versions of two kinds. */
export function commonOrder(
  a: AnswerOrder | undefined,
  b: AnswerOrder | undefined,
): AnswerOrder | undefined {
  return a === undefined || b === undefined || a === b ? (a ?? b) : 'mixed';
}

function versions(read: ColumnRead): Followable | undefined {
  return isVersionOrder(read.column.collate ?? '') ? { read, made: false } : undefined;
}
