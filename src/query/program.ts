/** What a prepared statement will do, read from its program as EXPLAIN lists it: https://sqlite.org/opcode.html */
import type { Column, HostTable, Value } from '../tables/types.ts';
import type { Plan } from './session.ts';
import { steeringOf } from './steering.ts';

export interface Instruction {
  readonly address: number;
  readonly opcode: string;
  readonly p1: number;
  readonly p2: number;
  readonly p3: number;
}

export interface ColumnRead {
  readonly table: HostTable;
  readonly column: Column;
}

export interface Program {
  readonly instructions: readonly Instruction[];
  /** One for each VFilter, in the program's order. */
  readonly plans: readonly Plan[];
  /** The plans of each cursor: several under a MULTI-INDEX OR. */
  readonly cursors: ReadonlyMap<number, readonly Plan[]>;
  readonly columns: readonly ColumnRead[];
}

/** `lines` are rows of EXPLAIN: addr, opcode, p1, p2, p3, p4, ...; P4 of a VFilter is a number in `known`. */
export function readProgram(lines: readonly (readonly Value[])[], known: readonly Plan[]): Program {
  const instructions = lines.map(([address, opcode, p1, p2, p3]) => ({
    address: Number(address),
    opcode: String(opcode),
    p1: Number(p1),
    p2: Number(p2),
    p3: Number(p3),
  }));
  const cursors = new Map<number, Plan[]>();
  const plans: Plan[] = [];
  lines.forEach(([, opcode, p1, , , p4]) => {
    const plan = opcode === 'VFilter' ? known[Number(p4)] : undefined;
    if (plan === undefined) return;
    plans.push(plan);
    cursors.set(Number(p1), [...(cursors.get(Number(p1)) ?? []), plan]);
  });
  const columns = instructions.flatMap(({ opcode, p1, p2 }) => {
    const table = opcode === 'VColumn' ? cursors.get(p1)?.[0]?.table : undefined;
    const column = table?.columns[p2];
    return table === undefined || column === undefined ? [] : [{ table, column }];
  });
  return { instructions, plans, cursors, columns };
}

/** Instructions after a VColumn among which its comparison stands, if there is one. */
const NEAR = 8;
const COMPARISONS = new Set(['Eq', 'Ne', 'Lt', 'Le', 'Gt', 'Ge']);
const NEXT = /^(VNext|Next|Prev)$/;

/**
 * A column that says where to look, compared with something by a cursor that is not given it: under
 * OR, in an ON that is not its own, or in CASE, where xBestIndex hears nothing of it.
 */
export function unsteeredComparison(program: Program): ColumnRead | undefined {
  const { instructions, cursors } = program;
  for (const [at, { opcode, p1, p2, p3 }] of instructions.entries()) {
    const plans = opcode === 'VColumn' ? (cursors.get(p1) ?? []) : [];
    const table = plans[0]?.table;
    const column = table?.columns[p2];
    if (table === undefined || column?.steers !== true) continue;
    if (plans.every((plan) => steeringOf(plan).some((it) => it.column === column))) continue;
    if (isCompared(instructions, at, p3)) return { table, column };
  }
  return undefined;
}

/** Whether a register is compared soon after it was filled, but for a comparison that only leaves a row out. */
function isCompared(instructions: readonly Instruction[], at: number, register: number): boolean {
  for (const { opcode, p1, p2, p3 } of instructions.slice(at + 1, at + 1 + NEAR)) {
    if (opcode === 'ResultRow' || NEXT.test(opcode)) return false;
    if (COMPARISONS.has(opcode) && (p1 === register || p3 === register))
      return opcode !== 'Eq' || !NEXT.test(instructions[p2]?.opcode ?? '');
    // Filled anew with something else.
    if (/Column$/.test(opcode) && p3 === register) return false;
  }
  return false;
}
