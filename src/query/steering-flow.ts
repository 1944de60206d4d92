/**
 * What a program compares that it cannot look for. xBestIndex hears of a comparison only where it is plain
 * and beside its table; what an expression makes of a value, or what is compared behind a LIMIT, a
 * materialized table or in HAVING, shows in the program alone.
 */
import type { ColumnRead, Program } from './program.ts';
import type { Plan } from './session.ts';
import { Flow, GIVEN, type Followable } from './value-flow.ts';

/**
 * A column that says where to look, compared with something by a cursor that is not given it: the
 * query would look at the default places and find nothing of what it asks for.
 */
export function unsteeredComparison(program: Program): ColumnRead | undefined {
  const flow = new Flow(program, atDefaultPlaces);
  for (const [at, instruction] of program.instructions.entries()) {
    flow.arrive(at);
    const compared = flow.comparedBy(instruction, at);
    if (compared !== undefined) return compared.read;
    flow.follow(instruction, at);
  }
  return undefined;
}

function atDefaultPlaces(read: ColumnRead, plans: readonly Plan[]): Followable | undefined {
  const { column } = read;
  const isGiven = plans.every(({ constraints }) =>
    constraints.some((it) => it.column === column && it.op === 'eq' && it.arg !== undefined),
  );
  const isNeeded = column.steers === true || column.required === true || column.always === 0;
  if (isGiven && isNeeded) return GIVEN;
  const isFollowed = column.steers === true || column.always !== undefined;
  return isFollowed ? { read, made: false } : undefined;
}
