/** What a prepared statement will do, read from its program as EXPLAIN lists it: https://sqlite.org/opcode.html */
import type { Column, HostTable, Value } from '../tables/types.ts';
import type { Plan } from './session.ts';

export interface Instruction {
  readonly address: number;
  readonly opcode: string;
  readonly p1: number;
  readonly p2: number;
  readonly p3: number;
  readonly p4: string;
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
  const instructions = lines.map(([address, opcode, p1, p2, p3, p4]) => ({
    address: Number(address),
    opcode: String(opcode),
    p1: Number(p1),
    p2: Number(p2),
    p3: Number(p3),
    p4: String(p4),
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
