/**
 * Where values of columns go in a prepared program: registers and columns of ephemeral tables, followed in
 * the order of the instructions. https://sqlite.org/opcode.html
 */
import type { ColumnRead, Instruction, Program } from './program.ts';
import type { Plan } from './session.ts';

/** A value of a column, as it is or as an expression made it of one. */
export interface Followed {
  readonly read: ColumnRead;
  readonly made: boolean;
}

/** A column that a collector needs and was given by equality: what it was given is compared with it again. */
export const GIVEN = 'given';

export type Followable = Followed | typeof GIVEN;

/** What is followed of what a cursor over a host table reads. */
export type Source = (read: ColumnRead, plans: readonly Plan[]) => Followable | undefined;

type Fields = Map<number, Followable>;

const COMPARISONS = new Set(['Eq', 'Ne', 'Lt', 'Le', 'Gt', 'Ge']);
const SEEKS = new Set(['SeekGE', 'SeekGT', 'SeekLE', 'SeekLT']);
const INSERTS = new Set(['Insert', 'IdxInsert', 'SorterInsert']);
/** Where a row that is left out goes on: the next one, by itself or at the head of a loop. */
const NEXT_ROW = /^(VNext|Next|Prev|SorterNext|Goto|Return)$/;
/** Two registers, and the one that is written. */
const BINARY =
  /^(Concat|Add|Subtract|Multiply|Divide|Remainder|BitAnd|BitOr|ShiftLeft|ShiftRight|And|Or)$/;
const UNARY = /^(Not|BitNot|IsTrue)$/;
/** Register p2 is filled with something else. */
const FILLS = /^(Integer|Int64|Real|String8?|Blob|Variable|Rowid|NewRowid|Sequence|Count)$/;
/** Jumps that may pass over what fills a register, as in coalesce() and CASE. */
const PASSES = new Set(['IsNull', 'NotNull', 'If', 'IfNot', 'Goto', ...COMPARISONS]);
/** Aggregates that give one of the values. */
const PICKS = /^(min|max|first_value|last_value|nth_value|lag|lead)\(/;
/** Arguments of a function that takes any number of them: so many are looked at. */
const ARGUMENTS_MAX = 6;

export class Flow {
  readonly #program: Program;
  readonly #source: Source;
  readonly #registers: Fields = new Map();
  /** Registers that hold a record. */
  readonly #records = new Map<number, Fields>();
  /** Ephemeral tables, sorters and pseudo tables. */
  readonly #cursors = new Map<number, Fields>();
  /** By address. */
  readonly #arriving = new Map<number, Fields>();
  /** By the register of a coroutine: what registers held where it gave a row, which it may at several places. */
  readonly #yielded = new Map<number, Fields>();

  constructor(program: Program, source: Source) {
    this.#program = program;
    this.#source = source;
  }

  /** Takes in what registers hold where the program jumped to this address. */
  arrive(at: number): void {
    this.#hold(this.#arriving.get(at));
    this.#arriving.delete(at);
  }

  comparedBy({ opcode, p1, p2, p3, p4 }: Instruction, at: number): Followed | undefined {
    if (COMPARISONS.has(opcode)) {
      const sides = [this.#registers.get(p1), this.#registers.get(p3)];
      return sides.includes(GIVEN) || this.#leavesOut(opcode, p2, at) ? undefined : followed(sides);
    }
    if (opcode === 'If' || opcode === 'IfNot') return followed([this.#registers.get(p1)]);
    if (opcode === 'IsNull' || opcode === 'NotNull') {
      const tested = followed([this.#registers.get(p1)]);
      return tested?.made === true && this.#isNextRow(p2) ? tested : undefined;
    }
    if (opcode === 'NotFound' || opcode === 'Found')
      return this.#sought({ opcode, p1, p2, p3, p4 }, at);
    if (opcode === 'Compare') return this.#merged(this.#from(p1, p3), this.#from(p2, p3), at);
    if (SEEKS.has(opcode)) {
      const key = this.#cursors.get(p1);
      return followed(Array.from({ length: Number(p4) }, (_, field) => key?.get(field)));
    }
    return undefined;
  }

  /** What a row of the answer has, value by value; undefined for what is no ResultRow. */
  rowOf({ opcode, p1, p2 }: Instruction): (Followed | undefined)[] | undefined {
    if (opcode !== 'ResultRow') return undefined;
    return this.#from(p1, p2).map((value) => followed([value]));
  }

  follow({ opcode, p1, p2, p3, p4 }: Instruction, at: number): void {
    if (PASSES.has(opcode) && p2 > at) return this.#leave(p2);
    if (opcode === 'Yield') return this.#yield(p1);
    if (opcode === 'EndCoroutine') return this.#hold(this.#yielded.get(p1));
    if (opcode === 'VColumn') return this.#set(p3, this.#read(p1, p2));
    if (opcode === 'Column') return this.#set(p3, followed([this.#cursors.get(p1)?.get(p2)]));
    if (opcode === 'Copy') return this.#copy(p1, p2, p3 + 1);
    if (opcode === 'SCopy') return this.#copy(p1, p2, 1);
    if (opcode === 'Move') return this.#copy(p1, p2, p3);
    if (opcode === 'Null') return this.#empty(p2, Math.max(p2, p3));
    if (opcode === 'Function' || opcode === 'PureFunc')
      return this.#make(p3, this.#from(p2, argumentsOf(p4)));
    if (BINARY.test(opcode))
      return this.#make(
        p3,
        [p1, p2].map((it) => this.#registers.get(it)),
      );
    if (UNARY.test(opcode)) return this.#make(p2, [this.#registers.get(p1)]);
    // One of the values; a count or a sum is none.
    if (opcode === 'AggStep' && PICKS.test(p4)) return this.#pick(p2, p3);
    if (opcode === 'AggValue') return this.#copy(p1, p3, 1);
    if (FILLS.test(opcode)) return this.#set(p2);
    this.#followRecord({ opcode, p1, p2, p3 });
  }

  #followRecord({ opcode, p1, p2, p3 }: Pick<Instruction, 'opcode' | 'p1' | 'p2' | 'p3'>): void {
    if (opcode === 'MakeRecord') {
      const fields: Fields = new Map();
      for (let i = 0; i < p2; i++) {
        const value = followed([this.#registers.get(p1 + i)]);
        if (value !== undefined) fields.set(i, value);
      }
      this.#set(p3);
      this.#records.set(p3, fields);
    } else if (INSERTS.has(opcode)) {
      for (const [field, value] of this.#records.get(p2) ?? [])
        this.#fieldsOf(p1).set(field, value);
    } else if (opcode === 'RowData' || opcode === 'SorterData') {
      this.#set(p2);
      this.#records.set(p2, this.#fieldsOf(p1));
      if (opcode === 'SorterData') this.#cursors.set(p3, this.#fieldsOf(p1));
    } else if (opcode === 'OpenDup') {
      this.#cursors.set(p1, this.#fieldsOf(p2));
    } else if (
      opcode === 'OpenEphemeral' ||
      opcode === 'SorterOpen' ||
      opcode === 'OpenAutoindex'
    ) {
      this.#cursors.delete(p1);
    }
  }

  #read(cursor: number, number: number): Followable | undefined {
    const plans = this.#program.cursors.get(cursor) ?? [];
    const table = plans[0]?.table;
    const column = table?.columns[number];
    return table === undefined || column === undefined
      ? undefined
      : this.#source({ table, column }, plans);
  }

  #fieldsOf(cursor: number): Fields {
    let fields = this.#cursors.get(cursor);
    if (fields === undefined) this.#cursors.set(cursor, (fields = new Map()));
    return fields;
  }

  /** Takes in what registers hold that nothing is known to have filled. */
  #hold(fields: Fields | undefined): void {
    for (const [register, value] of fields ?? [])
      if (!this.#registers.has(register)) this.#registers.set(register, value);
  }

  #yield(coroutine: number): void {
    const before = this.#yielded.get(coroutine) ?? new Map<number, Followable>();
    this.#yielded.set(coroutine, new Map([...before, ...this.#registers]));
  }

  #set(register: number, value?: Followable): void {
    this.#records.delete(register);
    if (value === undefined) this.#registers.delete(register);
    else this.#registers.set(register, value);
  }

  #empty(first: number, last: number): void {
    for (let register = first; register <= last; register++) this.#set(register);
  }

  /** What an expression makes of values. */
  #make(register: number, from: readonly (Followable | undefined)[]): void {
    const value = followed(from);
    this.#set(register, value && { ...value, made: true });
  }

  #pick(from: number, into: number): void {
    if (followed([this.#registers.get(from)]) !== undefined) this.#copy(from, into, 1);
  }

  #copy(from: number, to: number, count: number): void {
    this.#from(from, count).forEach((value, i) => this.#set(to + i, followed([value])));
  }

  #from(register: number, count: number): (Followable | undefined)[] {
    return Array.from({ length: count }, (_, i) => this.#registers.get(register + i));
  }

  #leave(to: number): void {
    const arriving = this.#arriving.get(to) ?? new Map<number, Followable>();
    this.#arriving.set(to, new Map([...arriving, ...this.#registers]));
  }

  /** IN and NOT IN, by the list or by what is looked for in it; the latter by NOT IN only leaves rows out. */
  #sought(
    { opcode, p1, p2, p3, p4 }: Omit<Instruction, 'address'>,
    at: number,
  ): Followed | undefined {
    if (this.#isDistinct(at, p1)) return undefined;
    const key = this.#keyOf(p3, Number(p4));
    if (key.includes(GIVEN)) return undefined;
    const leavesOut = opcode === 'Found' && this.#isNextRow(p2);
    return followed([...(leavesOut ? [] : key), ...(this.#cursors.get(p1)?.values() ?? [])]);
  }

  /** A key of so many registers, or a whole record. */
  #keyOf(register: number, count: number): (Followable | undefined)[] {
    return count > 0
      ? this.#from(register, count)
      : [...(this.#records.get(register)?.values() ?? [])];
  }

  /**
   * INTERSECT and EXCEPT, which go through both sides in one order and part by Jump: where equal rows
   * are given, and where only those of the left that are less. UNION gives what is less on either side.
   */
  #merged(
    left: readonly (Followable | undefined)[],
    right: readonly (Followable | undefined)[],
    at: number,
  ): Followed | undefined {
    const jump = this.#program.instructions[at + 1];
    // One way for less and greater: a row is compared with the one before it.
    if (jump?.opcode !== 'Jump' || jump.p1 === jump.p3) return undefined;
    const gives = (to: number): boolean => this.#program.instructions[to]?.opcode === 'Gosub';
    if (gives(jump.p2)) return followed([...left, ...right]);
    return gives(jump.p3) ? undefined : followed(right);
  }

  /** What is equal goes on with the next row, as by <> and NOT IN. */
  #leavesOut(opcode: string, to: number, at: number): boolean {
    if (opcode === 'Eq') return this.#isNextRow(to);
    return opcode === 'Ne' && !this.#isNextRow(to) && this.#isNextRow(at + 1);
  }

  #isNextRow(address: number): boolean {
    return NEXT_ROW.test(this.#program.instructions[address]?.opcode ?? '');
  }

  /** DISTINCT looks for a row among those before it, and then puts it there. */
  #isDistinct(at: number, cursor: number): boolean {
    const after = this.#program.instructions.slice(at + 1, at + 3);
    return after.some(({ opcode, p1 }) => opcode === 'IdxInsert' && p1 === cursor);
  }
}

function followed(values: readonly (Followable | undefined)[]): Followed | undefined {
  return values.find((value) => value !== undefined && value !== GIVEN);
}

/** P4 of a Function: its name, and in brackets the number of its arguments, -1 for any. */
function argumentsOf(p4: string): number {
  const count = Number(/\((-?\d+)\)$/.exec(p4)?.[1] ?? 0);
  return count < 0 ? ARGUMENTS_MAX : count;
}
