/** The query process's one database: empty, in memory, confined, with the host's tables in it. */
import type { HostTable } from '../tables/types.ts';
import { judge } from './authorizer.ts';
import { registerFunctions } from './functions.ts';
import { HostModule } from './host-module.ts';
import type { Session } from './session.ts';
import type { Pointer, Sqlite } from './sqlite.ts';
import { QueryError } from './types.ts';

export interface DatabaseOptions {
  readonly tables: readonly HostTable[];
  /** Names of tables that the configuration denies. */
  readonly denied: ReadonlySet<string>;
  /** osquery's tables that no host serves, each with the reason. */
  readonly notOffered: Readonly<Record<string, string>>;
  readonly root: string;
  readonly heapBytes: number;
  readonly sqlBytesMax: number;
  readonly answerBytesMax: number;
}

/** How many instructions of SQLite's machine pass between two looks at the clock. */
const PROGRESS_STEPS = 1_000;
const SQLITE_LIMIT = {
  LENGTH: 0,
  SQL_LENGTH: 1,
  EXPR_DEPTH: 3,
  COMPOUND_SELECT: 4,
  VDBE_OP: 5,
  FUNCTION_ARG: 6,
  ATTACHED: 7,
  LIKE_PATTERN_LENGTH: 8,
};

export class Database {
  readonly pointer: Pointer;
  readonly sqlite: Sqlite;
  private readonly options: DatabaseOptions;
  private readonly byName = new Map<string, HostTable>();
  private readonly module: HostModule;
  private session: Session | undefined;

  constructor(sqlite: Sqlite, options: DatabaseOptions) {
    this.sqlite = sqlite;
    this.options = options;
    for (const table of options.tables)
      for (const name of [table.name, ...(table.aliases ?? [])]) this.byName.set(name, table);
    this.pointer = openMemory(sqlite);
    this.limit(options);
    // Drops dbstat, bytecode, fts5 and the like; what remains is asked of the authorizer.
    sqlite.capi.sqlite3_drop_modules(this.pointer as never, 0 as never);
    this.module = new HostModule(sqlite, options.tables, options.root);
    this.module.register(this.pointer);
    registerFunctions(sqlite, this.pointer, options.root);
    this.confine();
  }

  /** The host table of a name or alias, as SQL names it. */
  table(name: string): HostTable | undefined {
    return this.byName.get(name.toLowerCase());
  }

  get tableNames(): readonly string[] {
    return [...this.byName.keys()];
  }

  /** The sentence for a table that osquery has and this host does not, or that is denied here. */
  whyMissing(name: string): QueryError | undefined {
    const bare = name.toLowerCase();
    if (this.options.denied.has(bare))
      return new QueryError(
        'not_authorized',
        `table "${bare}" is not served by this host: its configuration denies it`,
      );
    const sentence = this.options.notOffered[bare];
    if (sentence === undefined) return undefined;
    return new QueryError('no_such_table', `no such table: "${bare}"; ${sentence}`);
  }

  /** Runs `body` with the callbacks of SQLite speaking to this session. */
  within<T>(session: Session, body: () => T): T {
    this.session = session;
    this.module.session = session;
    try {
      return body();
    } finally {
      this.session = undefined;
      this.module.session = undefined;
    }
  }

  message(): string {
    return this.sqlite.capi.sqlite3_errmsg(this.pointer as never);
  }

  private limit({ heapBytes, sqlBytesMax, answerBytesMax }: DatabaseOptions): void {
    const { capi } = this.sqlite;
    const set = (what: number, most: number) =>
      capi.sqlite3_limit(this.pointer as never, what as never, most);
    // The C call sqlite3_hard_heap_limit64 is not exported; the pragma is, until the authorizer is set.
    this.execute(`PRAGMA hard_heap_limit = ${Math.floor(heapBytes)}`);
    set(SQLITE_LIMIT.LENGTH, Math.max(answerBytesMax * 4, 1 << 20));
    set(SQLITE_LIMIT.SQL_LENGTH, sqlBytesMax);
    set(SQLITE_LIMIT.EXPR_DEPTH, 500);
    set(SQLITE_LIMIT.COMPOUND_SELECT, 500);
    set(SQLITE_LIMIT.VDBE_OP, 1_000_000);
    set(SQLITE_LIMIT.ATTACHED, 0);
    set(SQLITE_LIMIT.LIKE_PATTERN_LENGTH, 5_000);
    // osquery's dialect: "text" in double quotes is a string where no column has that name.
    capi.sqlite3_db_config(this.pointer as never, capi.SQLITE_DBCONFIG_DQS_DML, 1, 0 as never);
    capi.sqlite3_db_config(this.pointer as never, capi.SQLITE_DBCONFIG_DEFENSIVE, 1, 0 as never);
    capi.sqlite3_db_config(
      this.pointer as never,
      capi.SQLITE_DBCONFIG_TRUSTED_SCHEMA,
      0,
      0 as never,
    );
  }

  private confine(): void {
    const { capi } = this.sqlite;
    capi.sqlite3_set_authorizer(
      this.pointer as never,
      ((_: unknown, action: number, first: string | 0, second: string | 0) =>
        this.authorize(action, first || '', second || '')) as never,
      0 as never,
    );
    capi.sqlite3_progress_handler(
      this.pointer as never,
      PROGRESS_STEPS,
      (() => (this.session?.timeIsOver === false ? 0 : 1)) as never,
      0 as never,
    );
  }

  private authorize(action: number, first: string, second: string): number {
    const verdict = judge(action, first, second, (name) => this.byName.has(name.toLowerCase()));
    if (this.session === undefined) return verdict.code;
    if (verdict.denied !== undefined) this.session.denied ??= verdict.denied;
    const { read } = verdict;
    if (read !== undefined) this.session.named.add(read.toLowerCase());
    return verdict.code;
  }

  private execute(sql: string): void {
    const rc = this.sqlite.capi.sqlite3_exec(
      this.pointer as never,
      sql,
      0 as never,
      0 as never,
      0 as never,
    );
    if (rc !== 0) throw new Error(`${sql}: ${this.message()}`);
  }
}

function openMemory({ capi, wasm }: Sqlite): Pointer {
  const out = wasm.alloc(4);
  try {
    const rc = capi.sqlite3_open_v2(
      ':memory:',
      out as never,
      capi.SQLITE_OPEN_READWRITE | capi.SQLITE_OPEN_MEMORY,
      0 as never,
    );
    if (rc !== 0) throw new Error(`opening SQLite's memory failed: ${rc}`);
    return wasm.peekPtr(out as never) as unknown as number;
  } finally {
    wasm.dealloc(out as never);
  }
}
