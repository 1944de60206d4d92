/**
 * Versions in the reduce step. alasql orders texts by their letters only; where SQL orders a column
 * of versions (<, <=, >, >=, BETWEEN, ORDER BY, MAX, MIN) its parsed statement is changed so that sort
 * keys are compared instead. What is the same (=, IN, GROUP BY, DISTINCT, UNION) stays by text.
 */
import type { Value } from '../tables/types.ts';
import {
  compareVersions,
  VERSION_ORDERS,
  versionKey,
  type VersionOrder,
} from '../tables/version-order.ts';
import { greatest, type Aggregate } from './reduce-functions.ts';

/** A node of alasql's tree; which fields it has depends on its class. */
export type Node = { [field: string]: unknown };

/** The classes of nodes that are made here or told apart. */
export interface NodeClasses {
  readonly Column: new (fields: object) => Node;
  readonly FuncValue: new (fields: object) => Node;
  readonly NumValue: new (fields: object) => Node;
  readonly Op: new (fields: object) => Node;
  readonly Select: new (fields: object) => Node;
}

const ORDERING = new Set(['<', '<=', '>', '>=']);
const RANGES = new Set(['BETWEEN', 'NOT BETWEEN']);
const EXTREMES = new Set(['a_MAX', 'a_MIN']);

/** By the names under which alasql is to know them; no name of a person is one of these. */
export const VERSION_SCALARS = Object.fromEntries(
  VERSION_ORDERS.map((order) => [keyFunction(order), (value: Value) => keyOf(order, value)]),
);
export const VERSION_AGGREGATES: Readonly<Record<string, Aggregate>> = Object.fromEntries(
  VERSION_ORDERS.flatMap((order) => {
    const compare = (a: string, b: string) => compareVersions(order, a, b);
    return [
      [`a_MAX_${order}`, greatest(1, compare)],
      [`a_MIN_${order}`, greatest(-1, compare)],
    ];
  }),
);

/** Changes a parsed statement in place. `orders` names the columns of versions by their keys. */
export function orderVersions(
  statement: Node,
  orders: Readonly<Record<string, VersionOrder>>,
  classes: NodeClasses,
): void {
  const known = new Map(Object.entries(orders));
  if (known.size === 0) return;
  const nodes = [...nodesOf(statement)];
  while (nodes.some((node) => noteAlias(node, known))) continue;
  for (const node of nodes) {
    if (node instanceof classes.Op) orderComparison(node, known, classes);
    if (node instanceof classes.Select) orderRows(node, known, classes);
    const order = EXTREMES.has(String(node['funcid'])) ? orderOf(node, known) : undefined;
    if (order !== undefined) node['funcid'] = `${String(node['funcid'])}_${order}`;
  }
}

/** True when a name was learned: `max(version) as newest` is a version too. */
function noteAlias(node: Node, known: Map<string, VersionOrder>): boolean {
  const { as } = node;
  if (typeof as !== 'string' || known.has(as)) return false;
  const order = orderOf(node, known);
  if (order !== undefined) known.set(as, order);
  return order !== undefined;
}

/** The version order of a column, or of the greatest or least of one. */
function orderOf(
  node: unknown,
  known: ReadonlyMap<string, VersionOrder>,
): VersionOrder | undefined {
  if (!isNode(node)) return undefined;
  if (typeof node['columnid'] === 'string') return known.get(node['columnid']);
  const isExtreme = /^a_(MAX|MIN)/.test(String(node['funcid']));
  return isExtreme ? orderOf(node['expression'], known) : undefined;
}

function orderComparison(
  node: Node,
  known: ReadonlyMap<string, VersionOrder>,
  classes: NodeClasses,
): void {
  const op = String(node['op']);
  const sides = ORDERING.has(op)
    ? ['left', 'right']
    : RANGES.has(op)
      ? ['left', 'right1', 'right2']
      : [];
  const order = sides.map((side) => orderOf(node[side], known)).find((it) => it !== undefined);
  if (order === undefined) return;
  if (node['allsome'] !== undefined)
    throw new Error(`${op} ALL and ${op} ANY are not there for versions; use max() or min()`);
  for (const side of sides) node[side] = keyed(node[side], order, classes);
}

function orderRows(
  select: Node,
  known: ReadonlyMap<string, VersionOrder>,
  classes: NodeClasses,
): void {
  const columns = select['columns'] as Node[];
  for (const term of (select['order'] as Node[] | undefined) ?? []) {
    const { expression } = term;
    const meant =
      expression instanceof classes.NumValue ? numbered(expression, columns, classes) : expression;
    const order = orderOf(meant, known);
    if (order !== undefined) term['expression'] = keyed(meant, order, classes);
  }
}

/** `ORDER BY 2` is the second column, by its alias where it has one. */
function numbered(
  number: Node,
  columns: readonly Node[],
  { Column }: NodeClasses,
): Node | undefined {
  const column = columns[Number(number['value']) - 1];
  const { as } = column ?? {};
  return typeof as === 'string' ? new Column({ columnid: as }) : column;
}

function keyed(node: unknown, order: VersionOrder, { FuncValue }: NodeClasses): Node {
  return new FuncValue({ funcid: keyFunction(order), args: [node] });
}

function keyFunction(order: VersionOrder): string {
  return `k_${order}`;
}

function keyOf(order: VersionOrder, value: Value): Value {
  return typeof value === 'string' ? versionKey(order, value) : value;
}

function* nodesOf(value: unknown): Generator<Node> {
  if (!isNode(value)) return;
  if (!Array.isArray(value)) yield value;
  for (const inner of Object.values(value)) yield* nodesOf(inner);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}
