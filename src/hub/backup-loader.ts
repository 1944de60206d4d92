/** Loads the lines of a backup into a new, empty database. */
import type pg from 'pg';
import type { CatalogStatements } from './backup-catalog.ts';
import type { BackupLine } from './backup.ts';
import { HubError, codeOf } from './errors.ts';

/** Takes the lines of a backup in their order. */
export class Loader {
  readonly #client: pg.Client;
  readonly #migrate: (upTo: number) => Promise<unknown>;
  #statements: CatalogStatements | undefined;
  #triggers: readonly string[] = [];
  #table: CopiedTable | undefined;
  #counts = { tables: 0, rows: 0 };
  #done: { readonly tables: number; readonly rows: number } | undefined;

  constructor(client: pg.Client, migrateTo: (upTo: number) => Promise<unknown>) {
    this.#client = client;
    this.#migrate = migrateTo;
  }

  async take(line: BackupLine): Promise<void> {
    switch (line.kind) {
      case 'head':
        return void (await this.#migrate(line.migration));
      case 'statements':
        return this.#prepare(line.statements);
      case 'table':
        this.#counts.tables++;
        this.#table = line;
        return;
      case 'rows':
        if (this.#table === undefined || this.#statements === undefined) throw outOfOrder();
        return this.#insert(this.#table, line.rows);
      case 'done':
        this.#done = line;
        return this.#complete();
    }
  }

  finish(file: string): { tables: number; rows: number } {
    const { tables, rows } = this.#counts;
    if (this.#done?.tables === tables && this.#done.rows === rows) return this.#counts;
    throw new HubError(
      'backup_incomplete',
      `${file} ends before its end: ${tables} tables, ${rows} rows were read`,
      {
        hint: 'take another backup; this one was cut short',
      },
    );
  }

  /** Views, functions and grants that need what the last migration made. */
  async makeObjects(): Promise<void> {
    let open = this.#statements?.objects ?? [];
    for (;;) {
      const failed: { statement: string; error: unknown }[] = [];
      for (const statement of open)
        await this.#client
          .query(statement)
          .catch((error: unknown) => failed.push({ statement, error }));
      if (failed.length === 0) return;
      // One may need another that came after it; without any progress it is a real failure.
      if (failed.length === open.length) throw failed[0]!.error;
      open = failed.map((each) => each.statement);
    }
  }

  async #prepare(statements: CatalogStatements): Promise<void> {
    this.#statements = statements;
    // Neither triggers nor foreign keys: the rows are consistent, and their effects are rows as well.
    await this.#client.query('set session_replication_role = replica');
    for (const statement of statements.roles) await this.#createRole(statement);
    await this.#run(DROP_PARTITIONS);
    for (const statement of statements.tables) await this.#client.query(statement);
    const { rows } = await this.#client.query<{ text: string }>(TRIGGERS_BACK);
    this.#triggers = rows.map((row) => row.text);
    await this.#run(TRIGGERS_OFF);
    await this.#run(EMPTY);
  }

  /** Roles belong to the server: one that is there stays as it is. */
  async #createRole(statement: string): Promise<void> {
    try {
      await this.#client.query(statement);
    } catch (error) {
      if (codeOf(error) !== '42710') throw error;
    }
  }

  async #insert({ name, columns }: CopiedTable, rows: readonly string[]): Promise<void> {
    const list = columns.join(', ');
    await this.#client.query(
      `insert into ${name} (${list}) overriding system value
       select ${columns.map((column) => `r.${column}`).join(', ')} from unnest($1::${name}[]) r`,
      [rows],
    );
    this.#counts.rows += rows.length;
  }

  async #complete(): Promise<void> {
    for (const statement of this.#statements?.sequences ?? []) await this.#client.query(statement);
    for (const statement of this.#triggers) await this.#client.query(statement);
    await this.#client.query('reset session_replication_role; analyze');
  }

  /** Runs the statements that a query gives. */
  async #run(query: string): Promise<void> {
    const { rows } = await this.#client.query<{ text: string | null }>(query);
    for (const { text } of rows) if (text !== null) await this.#client.query(text);
  }
}

interface CopiedTable {
  readonly name: string;
  readonly columns: readonly string[];
}

function outOfOrder(): HubError {
  return new HubError('not_a_backup', 'the lines of the backup are out of order');
}

const OUR_TABLES = `
  select c.oid, c.oid::regclass as name
    from pg_class c
   where c.relnamespace in (to_regnamespace('swarmplane'), to_regnamespace('inventory'))
     and c.relkind in ('r', 'p')`;

/** Those that migrations made for today; the backup brings its own. */
const DROP_PARTITIONS = `
  select format('drop table if exists %s', ours.name) as text
    from (${OUR_TABLES}) ours join pg_class c using (oid) where c.relispartition`;

const TRIGGERS_BACK = `
  select format('alter table %s %s trigger %I', ours.name,
           case t.tgenabled when 'O' then 'enable' when 'A' then 'enable always' when 'R' then 'enable replica' else 'disable' end,
           t.tgname) as text
    from (${OUR_TABLES}) ours join pg_trigger t on t.tgrelid = ours.oid
   where not t.tgisinternal and t.tgparentid = 0`;

const TRIGGERS_OFF = `select format('alter table %s disable trigger user', ours.name) as text from (${OUR_TABLES}) ours`;

const EMPTY = `
  select format('truncate %s', string_agg(ours.name::text, ', ')) as text
    from (${OUR_TABLES}) ours join pg_class c using (oid)
   where c.relname not in ('migration', 'sql_file', 'sql_object')
  having count(*) > 0`;
