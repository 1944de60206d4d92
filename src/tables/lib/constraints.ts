/** What a query's WHERE tells a collector. Using it is optional: SQLite checks every row again. */
import type { CollectContext, Value } from '../types.ts';

/**
 * The values that `column` must equal one of, or undefined when the query leaves it open.
 * An empty list never comes back.
 */
export function eqValues(
  context: Pick<CollectContext, 'constraints'>,
  column: string,
): Value[] | undefined {
  const values = context.constraints
    .filter((constraint) => constraint.column === column && constraint.op === 'eq')
    .map((constraint) => constraint.value);
  return values.length > 0 ? values : undefined;
}

/** As eqValues, for integers: values that are no integer are left out, as nothing can equal them. */
export function eqIntegers(
  context: Pick<CollectContext, 'constraints'>,
  column: string,
): number[] | undefined {
  return eqValues(context, column)?.map(Number).filter(Number.isSafeInteger);
}

/** As eqValues, for text. */
export function eqTexts(
  context: Pick<CollectContext, 'constraints'>,
  column: string,
): string[] | undefined {
  return eqValues(context, column)?.filter((value) => typeof value === 'string');
}

/** The patterns that `column` must match, with the operator each is for. */
export function patterns(
  context: Pick<CollectContext, 'constraints'>,
  column: string,
): { op: 'like' | 'glob'; pattern: string }[] {
  const found: { op: 'like' | 'glob'; pattern: string }[] = [];
  for (const { column: name, op, value } of context.constraints) {
    if (name !== column || typeof value !== 'string') continue;
    if (op === 'like' || op === 'glob') found.push({ op, pattern: value });
  }
  return found;
}

/** Whether the query reads any of these columns: if not, what is costly about them can be skipped. */
export function wants(
  context: Pick<CollectContext, 'columns'>,
  ...columns: readonly string[]
): boolean {
  return columns.some((column) => context.columns.has(column));
}
