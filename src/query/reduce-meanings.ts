/** What the names of a parsed statement of the reduce step mean: versions of which order, or other texts. */
import type { AnswerOrder } from './types.ts';

/** A node of alasql's tree; which fields it has depends on its class. */
export type Node = { [field: string]: unknown };

/** Orders of what a name or an expression may give; `text` only beside others. */
export type Meaning = ReadonlySet<AnswerOrder | 'text'>;
export type Meanings = ReadonlyMap<string, Meaning>;

const NOTHING: Meaning = new Set();
const UNIONS = ['union', 'unionall', 'except', 'intersect'];
const EXTREME = /^a_(MAX|MIN)/;

/** Of columns of the answers, and of names that the statement gives: `max(version) as newest`. */
export function meaningsOf(
  nodes: readonly Node[],
  orders: Readonly<Record<string, AnswerOrder>>,
): Meanings {
  const known = new Map<string, Set<AnswerOrder | 'text'>>();
  for (const [name, order] of Object.entries(orders)) known.set(name, new Set([order]));
  if (known.size === 0) return known;
  const selects = nodes.filter((node) => Array.isArray(node['columns']));
  const learn = (name: string, meaning: Meaning): boolean => {
    const had = known.get(name) ?? new Set();
    const size = had.size;
    for (const order of meaning) had.add(order);
    if (had.size > 0) known.set(name, had);
    return had.size > size;
  };
  while (selects.filter((select) => learnNames(select, known, learn)).length > 0) continue;
  return known;
}

function learnNames(
  select: Node,
  known: Meanings,
  learn: (name: string, meaning: Meaning) => boolean,
): boolean {
  const columns = select['columns'] as Node[];
  const learned = columns.map((column, at) => {
    const { as, columnid } = column;
    const meaning = meaningOf(column, known);
    if (typeof as === 'string') {
      const isOther = meaning.size === 0 && known.has(as);
      if (learn(as, isOther ? new Set(['text'] as const) : meaning)) return true;
    }
    const name = typeof as === 'string' ? as : columnid;
    if (typeof name !== 'string' || meaning.size === 0) return false;
    return armsOf(select).some((arm) => learn(name, meaningOf(columnOf(arm, at), known)));
  });
  return learned.includes(true);
}

/** What an expression may give as it is: a column, the greatest of one, or one of several. */
export function meaningOf(node: unknown, known: Meanings): Meaning {
  if (!isNode(node)) return NOTHING;
  if (typeof node['columnid'] === 'string') return known.get(node['columnid']) ?? NOTHING;
  return new Set(picked(node).flatMap((it) => [...meaningOf(it, known)]));
}

function picked(node: Node): readonly unknown[] {
  const { funcid, args, whens, elses, left, op, right } = node;
  if (EXTREME.test(String(funcid))) return [node['expression']];
  if (Array.isArray(args)) {
    if (funcid === 'f_COALESCE' || funcid === 'f_IFNULL') return args;
    if (funcid === 'f_NULLIF') return args.slice(0, 1);
    return funcid === 'f_IIF' ? args.slice(1) : [];
  }
  if (Array.isArray(whens)) return [...(whens as Node[]).map(({ then }) => then), elses];
  // What stands in brackets.
  if (left === undefined && op === undefined && right !== undefined) return [right];
  if (Array.isArray(node['columns']))
    return [node, ...armsOf(node)].map((select) => columnOf(select, 0));
  return [];
}

/** The other sides of UNION and its like. */
function armsOf(select: Node): Node[] {
  return UNIONS.flatMap((name) => {
    const arm = select[name];
    return isNode(arm) ? [arm, ...armsOf(arm)] : [];
  });
}

function columnOf(select: Node, at: number): unknown {
  return (select['columns'] as unknown[] | undefined)?.[at];
}

export function* nodesOf(value: unknown): Generator<Node> {
  if (!isNode(value)) return;
  if (!Array.isArray(value)) yield value;
  for (const inner of Object.values(value)) yield* nodesOf(inner);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}
