/**
 * The types of a statement's columns, which SQLite has only for those of tables: what instructions put into
 * a register. Where more than one may have, it is what all of them put there, together. Whatever may be of
 * two types, or of one that is not known, is TEXT, which holds everything. https://sqlite.org/opcode.html
 */
import type { ColumnType } from '../tables/types.ts';
import type { Instruction, Program } from './program.ts';

/** By column of the answer; undefined for one that is NULL wherever it is. */
export function resultTypes(program: Program): readonly (ColumnType | undefined)[] {
  return new Types(program).ofRows();
}

const WHOLE =
  /^(Integer|Int64|Rowid|NewRowid|Sequence|Count|And|Or|Not|IsTrue|ZeroOrNull|BitAnd|BitOr|BitNot|ShiftLeft|ShiftRight)$/;
const ARITHMETIC = /^(Add|Subtract|Multiply|Divide)$/;
const INSERTS = /^(Insert|IdxInsert|SorterInsert)$/;
const COUNTS =
  /^(count|row_number|rank|dense_rank|ntile|length|instr|unicode|unixepoch|octet_length)\(/;
const FRACTIONS = /^(avg|total|round|percent_rank|cume_dist|julianday)\(/;
const LIKE_ARGUMENT = /^(sum|min|max|abs|first_value|last_value|nth_value|lag|lead)\(/;
/** Go on at P2, or not. */
const JUMPS =
  /^(Goto|Gosub|InitCoroutine|Yield|If|IfNot|IsNull|NotNull|IsType|Eq|Ne|Lt|Le|Gt|Ge|ElseEq|Jump|Once|IfPos|IfNotZero|DecrJumpZero|IfNullRow|Seek\w+|IfNoHope|NoConflict|NotFound|Found|NotExists|Last|IfSmaller|IfSizeBetween|IfEmpty|Sort|SorterSort|Rewind|SorterNext|Prev|Next|Idx(LE|GT|LT|GE)|RowSet\w+|Filter|VFilter|VNext|Init|MustBeInt|Program|FkIfZero)$/;
/** Other instructions come before the next one. */
const LEAVES = /^(Gosub|Yield|InitCoroutine|EndCoroutine|Return|Program|Goto|Halt)$/;
/** P2 of Cast: https://sqlite.org/src/file/src/sqliteInt.h, SQLITE_AFF_.. */
const AFFINITY: Readonly<Record<number, ColumnType>> = {
  [65]: 'BLOB',
  [66]: 'TEXT',
  [68]: 'BIGINT',
  [69]: 'DOUBLE',
};

class Types {
  readonly #program: Program;
  /** Whatever is put there by any instruction. */
  readonly #registers = new Map<number, ColumnType>();
  /** By address and register, what the instruction there puts into it; undefined: nothing but NULL so far. */
  readonly #put = new Map<number, Map<number, ColumnType | undefined>>();
  readonly #targets: ReadonlySet<number>;
  /** By cursor and column. */
  readonly #fields = new Map<string, ColumnType>();
  /** Cursors over rows of another one. */
  readonly #same = new Map<number, number>();
  /** By the register that the rows of a pseudo table are in, the cursor they come from. */
  readonly #rowsIn = new Map<number, number>();
  #grew = false;

  constructor(program: Program) {
    this.#program = program;
    const jumps = program.instructions.filter(({ opcode }) => JUMPS.test(opcode));
    this.#targets = new Set(
      jumps.flatMap(({ opcode, p1, p2, p3 }) => (opcode === 'Jump' ? [p1, p2, p3] : [p2])),
    );
    // Types only grow, from nothing by one to TEXT.
    do {
      this.#grew = false;
      for (const [at, instruction] of program.instructions.entries()) this.#follow(instruction, at);
    } while (this.#grew);
  }

  ofRows(): (ColumnType | undefined)[] {
    const types: (ColumnType | undefined)[] = [];
    for (const [at, { opcode, p1, p2 }] of this.#program.instructions.entries()) {
      if (opcode !== 'ResultRow') continue;
      for (let i = 0; i < p2; i++) types[i] = joined(types[i], this.#read(p1 + i, at));
    }
    return types;
  }

  #follow(instruction: Instruction, at: number): void {
    const { opcode, p1, p2, p3, p4 } = instruction;
    const read = (register: number): ColumnType | undefined => this.#read(register, at);
    const write = (register: number, type: ColumnType | undefined): void =>
      this.#write(at, register, type);
    if (WHOLE.test(opcode)) write(into(instruction), 'BIGINT');
    else if (opcode === 'Null') this.#empty(at, p2, Math.max(p2, p3));
    else if (opcode === 'Real') write(p2, 'DOUBLE');
    else if (/^(String8?|Variable)$/.test(opcode)) write(p2, 'TEXT');
    else if (opcode === 'Concat') write(p3, 'TEXT');
    else if (opcode === 'Blob') write(p2, 'BLOB');
    else if (opcode === 'Remainder') write(p3, 'BIGINT');
    else if (ARITHMETIC.test(opcode)) write(p3, computed(read(p1), read(p2)));
    else if (opcode === 'Cast') write(p1, AFFINITY[p2] ?? 'TEXT');
    else if (opcode === 'VColumn') write(p3, this.#declared(p1, p2));
    else if (opcode === 'Column') write(p3, this.#field(p1, p2));
    else if (opcode === 'SCopy' || opcode === 'IntCopy') write(p2, read(p1));
    else if (opcode === 'Copy') this.#copy(at, instruction, p3 + 1);
    else if (opcode === 'Move') this.#copy(at, instruction, p3);
    else if (opcode === 'Function' || opcode === 'PureFunc') write(p3, made(p4, read(p2)));
    else if (/^AggStep1?$/.test(opcode)) write(p3, made(p4, read(p2)));
    else if (opcode === 'AggFinal') write(p1, this.#registers.get(p1));
    else if (opcode === 'AggValue') write(p3, this.#registers.get(p1));
    else if (INSERTS.test(opcode)) this.#insert(instruction, at);
    else this.#link(instruction);
  }

  /** What the register holds at an instruction: by the last one before it, where no other way leads there. */
  #read(register: number, at: number): ColumnType | undefined {
    for (let before = at - 1; before >= 0 && !this.#targets.has(before + 1); before--) {
      if (LEAVES.test(this.#program.instructions[before]!.opcode)) break;
      const put = this.#put.get(before);
      if (put?.has(register) === true) return put.get(register);
    }
    return this.#registers.get(register);
  }

  /** Which cursor's rows another one reads. */
  #link({ opcode, p1, p2, p3 }: Instruction): void {
    if (opcode === 'OpenDup') this.#same.set(p1, p2);
    else if (opcode === 'SorterData') {
      this.#same.set(p3, p1);
      this.#rowsIn.set(p2, p1);
    } else if (opcode === 'RowData') this.#rowsIn.set(p2, p1);
    else if (opcode === 'OpenPseudo') {
      const rows = this.#rowsIn.get(p2);
      if (rows !== undefined) this.#same.set(p1, rows);
    }
  }

  /** A record is made just before it is inserted; one that is made elsewhere is not known. */
  #insert({ p1: cursor, p2: record }: Instruction, at: number): void {
    const before = this.#program.instructions.slice(0, at).reverse();
    const made = before.find(({ opcode, p3 }) => opcode === 'MakeRecord' && p3 === record);
    for (let i = 0; i < (made?.p2 ?? 0); i++) {
      const name = `${cursor} ${i}`;
      const type = joined(this.#fields.get(name), this.#read(made!.p1 + i, made!.address));
      if (type === undefined || type === this.#fields.get(name)) continue;
      this.#fields.set(name, type);
      this.#grew = true;
    }
  }

  #field(cursor: number, column: number): ColumnType | undefined {
    let of = cursor;
    for (let i = 0; i < CURSORS_MAX && this.#same.has(of); i++) of = this.#same.get(of)!;
    const isFilled = this.#program.instructions.some(
      ({ opcode, p1 }) => p1 === of && (INSERTS.test(opcode) || opcode === 'SorterData'),
    );
    return isFilled || of !== cursor ? this.#fields.get(`${of} ${column}`) : 'TEXT';
  }

  #declared(cursor: number, column: number): ColumnType {
    const type = this.#program.cursors.get(cursor)?.[0]?.table.columns[column]?.type ?? 'TEXT';
    return type === 'INTEGER' ? 'BIGINT' : type;
  }

  #copy(at: number, { p1, p2 }: Instruction, count: number): void {
    for (let i = 0; i < count; i++) this.#write(at, p2 + i, this.#read(p1 + i, at));
  }

  #empty(at: number, first: number, last: number): void {
    for (let register = first; register <= last; register++) this.#write(at, register, undefined);
  }

  #write(at: number, register: number, type: ColumnType | undefined): void {
    const put = this.#put.get(at) ?? new Map<number, ColumnType | undefined>();
    const here = joined(put.get(register), type);
    const anywhere = joined(this.#registers.get(register), here);
    this.#grew ||= here !== put.get(register) || anywhere !== this.#registers.get(register);
    this.#put.set(at, put.set(register, here));
    if (anywhere !== undefined) this.#registers.set(register, anywhere);
  }
}

/** What a function or an aggregate gives. */
function made(name: string, argument: ColumnType | undefined): ColumnType | undefined {
  if (COUNTS.test(name)) return 'BIGINT';
  if (FRACTIONS.test(name)) return 'DOUBLE';
  // min and max of several values, and lag with a default, give any of them.
  if (!LIKE_ARGUMENT.test(name) || !name.endsWith('(1)')) return 'TEXT';
  const isNumber = argument === undefined || argument === 'BIGINT' || argument === 'DOUBLE';
  return isNumber || !/^(sum|abs)/.test(name) ? argument : 'TEXT';
}

const CURSORS_MAX = 16;

/** The register that is written: P3 of what has two operands. */
function into({ opcode, p2, p3 }: Instruction): number {
  return /^(And|Or|BitAnd|BitOr|ShiftLeft|ShiftRight)$/.test(opcode) ? p3 : p2;
}

function joined(
  one: ColumnType | undefined,
  other: ColumnType | undefined,
): ColumnType | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one === other ? one : 'TEXT';
}

/** Of two numbers; text that is computed with may become either kind of number. */
function computed(
  one: ColumnType | undefined,
  other: ColumnType | undefined,
): ColumnType | undefined {
  const both = [one, other];
  if (both.includes(undefined)) return undefined;
  if (both.every((type) => type === 'BIGINT')) return 'BIGINT';
  return both.every((type) => type === 'BIGINT' || type === 'DOUBLE') ? 'DOUBLE' : 'TEXT';
}
