/** Which values of an answer are versions, as they are: through aggregates, subqueries and sorters. */
import { isVersionOrder, type VersionOrder } from '../tables/version-order.ts';
import type { ColumnRead, Program } from './program.ts';
import { Flow, type Followable } from './value-flow.ts';

/** The order of each column of the answer; undefined for what is no version, or is one by an expression. */
export function versionOrders(program: Program): readonly (VersionOrder | undefined)[] {
  const flow = new Flow(program, versions);
  const orders: (VersionOrder | undefined)[] = [];
  for (const [at, instruction] of program.instructions.entries()) {
    flow.arrive(at);
    flow.rowOf(instruction)?.forEach((value, column) => {
      const { collate = '' } = value?.made === false ? value.read.column : {};
      if (isVersionOrder(collate)) orders[column] ??= collate;
    });
    flow.follow(instruction, at);
  }
  return orders;
}

function versions(read: ColumnRead): Followable | undefined {
  return isVersionOrder(read.column.collate ?? '') ? { read, made: false } : undefined;
}
