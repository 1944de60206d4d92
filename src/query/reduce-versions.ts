/**
 * Versions in the reduce step. alasql orders texts by their letters only; where SQL orders a column
 * of versions (<, <=, >, >=, BETWEEN, ORDER BY, MAX, MIN) its parsed statement is changed so that sort
 * keys are compared instead. What is the same (=, IN, GROUP BY, DISTINCT, UNION) stays by text. What has
 * versions of two orders has no order, and is refused.
 */
import type { Value } from '../tables/types.ts';
import {
  compareVersions,
  VERSION_ORDERS,
  versionKey,
  type VersionOrder,
} from '../tables/version-order.ts';
import { greatest, type Aggregate } from './reduce-functions.ts';
import { meaningOf, meaningsOf, nodesOf, type Meanings, type Node } from './reduce-meanings.ts';
import type { AnswerOrder } from './types.ts';

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

/**
 * Changes a parsed statement in place. `orders` names the columns of versions by their keys.
 * @throws Error where versions of different orders would be put into one
 */
export function orderVersions(
  statement: Node,
  orders: Readonly<Record<string, AnswerOrder>>,
  classes: NodeClasses,
): void {
  const nodes = [...nodesOf(statement)];
  const known = meaningsOf(nodes, orders);
  if (known.size === 0) return;
  for (const node of nodes) {
    if (node instanceof classes.Op) orderComparison(node, known, classes);
    if (node instanceof classes.Select) orderRows(node, known, classes);
    if (!EXTREMES.has(String(node['funcid']))) continue;
    const order = oneOrder([node], known);
    if (order !== undefined) node['funcid'] = `${String(node['funcid'])}_${order}`;
  }
}

function orderComparison(node: Node, known: Meanings, classes: NodeClasses): void {
  const op = String(node['op']);
  const sides = ORDERING.has(op)
    ? ['left', 'right']
    : RANGES.has(op)
      ? ['left', 'right1', 'right2']
      : [];
  const order = oneOrder(
    sides.map((side) => node[side]),
    known,
  );
  if (order === undefined) return;
  if (node['allsome'] !== undefined)
    throw new Error(`${op} ALL and ${op} ANY are not there for versions; use max() or min()`);
  for (const side of sides) node[side] = keyed(node[side], order, classes);
}

function orderRows(select: Node, known: Meanings, classes: NodeClasses): void {
  const columns = select['columns'] as Node[];
  for (const term of (select['order'] as Node[] | undefined) ?? []) {
    const { expression } = term;
    const meant =
      expression instanceof classes.NumValue ? numbered(expression, columns, classes) : expression;
    const order = oneOrder([meant], known);
    if (order !== undefined) term['expression'] = keyed(meant, order, classes);
  }
}

/** The order that all of them stand in; undefined where none is a version. */
function oneOrder(nodes: readonly unknown[], known: Meanings): VersionOrder | undefined {
  const found = new Set(nodes.flatMap((node) => [...meaningOf(node, known)]));
  if (found.has('text'))
    throw new Error(
      'one name is both a version and something else here; give what is made of a version a name of its own',
    );
  if (found.size > 1 || found.has('mixed'))
    throw new Error(
      'versions of different tables have no common order here; keep them in columns of their own, ' +
        "or compare two by version_compare(a, b, 'DPKG')",
    );
  const [order] = found;
  return order as VersionOrder | undefined;
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
