/** Loads the lines of a backup into a new, empty database, and sees that what is there then is what they say. */
import pg from 'pg';
import type { CatalogStatements } from './catalog.ts';
import type { BackupLine, CopiedTable } from './format.ts';
import { HubError, codeOf, messageOf } from '../errors.ts';
import { RowSum, speakPlainly, tableRows } from './table-rows.ts';

export interface LoaderOptions {
  /** A superuser where there is one, else the hub's login. Its session is changed. */
  readonly client: pg.Client;
  /** The hub's login: roles are made by it where it may, since it looks after them later. */
  readonly hub: pg.Client;
  readonly database: string;
  readonly migrateTo: (upTo: number) => Promise<unknown>;
}

export interface LoadedTable {
  readonly name: string;
  readonly rows: number;
  readonly hash: string;
}

/** Takes the lines of a backup in their order. */
export class Loader {
  readonly #options: LoaderOptions;
  readonly #client: pg.Client;
  /** What could not be done and is not worth a failure: a phrase each, without passwords. */
  readonly notDone: string[] = [];
  readonly tables: LoadedTable[] = [];
  #statements: CatalogStatements | undefined;
  /** To run when the rows are in. */
  #afterRows: readonly string[] = [];
  #table: CopiedTable | undefined;
  #sum = new RowSum();
  #done: { readonly tables: number; readonly rows: number } | undefined;

  constructor(options: LoaderOptions) {
    this.#options = options;
    this.#client = options.client;
  }

  async take(line: BackupLine): Promise<void> {
    switch (line.kind) {
      case 'head':
        await speakPlainly(this.#client);
        return void (await this.#options.migrateTo(line.migration));
      case 'statements':
        return this.#prepare(line.statements);
      case 'table':
        await this.#endTable();
        return this.#beginTable(line);
      case 'rows':
        return this.#insert(line.rows);
      case 'sum':
        if (line.rows === this.#sum.rows && line.hash === this.#sum.hash) return;
        throw differs(`rows of ${this.#table?.name} are not those that were written`);
      case 'done':
        await this.#endTable();
        this.#done = line;
        return this.#complete();
    }
  }

  /** @throws HubError backup_incomplete */
  finish(file: string): void {
    const rows = this.tables.reduce((sum, table) => sum + table.rows, 0);
    if (this.#done?.tables === this.tables.length && this.#done.rows === rows) return;
    throw new HubError(
      'backup_incomplete',
      `${file} ends before its end: ${this.tables.length} tables, ${rows} rows were read`,
      { hint: 'take another backup; this one was cut short' },
    );
  }

  /** What people made beside ours, and what they were given. Call after the last migration and sql/. */
  async makeObjects(): Promise<void> {
    for (const { group, error } of await this.#runGroups(this.#statements?.objects ?? []))
      this.#skip(group[0]!, error);
    for (const text of this.#statements?.access ?? []) await this.#tryAs(text);
  }

  async #prepare(statements: CatalogStatements): Promise<void> {
    this.#statements = statements;
    for (const text of statements.extensions) await this.#tryAs(text);
    await this.#makeRoles(statements.roles);
    await this.#run(DROP_PARTITIONS);
    const [failed] = await this.#runGroups(statements.tables);
    if (failed !== undefined) throw failed.error;
    // The rows are consistent, and the effects of triggers are rows as well. References are checked
    // when all rows are in.
    this.#afterRows = [
      ...(await this.#texts(REFERENCES_BACK)),
      ...(await this.#texts(TRIGGERS_BACK)),
    ];
    await this.#run(REFERENCES_OFF);
    await this.#run(TRIGGERS_OFF);
    await this.#run(EMPTY);
  }

  /** Roles belong to the server: what is there stays as it is. Trying would log the hash of a password. */
  async #makeRoles(statements: readonly string[]): Promise<void> {
    const known = new Set(await this.#texts(KNOWN_ROLES));
    for (const text of statements) {
      const what = /^(create role|grant .*? to) ("(?:[^"]|"")*"|\S+)/.exec(text)?.[0];
      if (what === undefined || !known.has(what)) await this.#tryAs(text);
    }
  }

  /** By the hub, else by the superuser. */
  async #tryAs(statement: string): Promise<void> {
    const text = statement.replaceAll('"<database>"', pg.escapeIdentifier(this.#options.database));
    const { hub } = this.#options;
    let failure: unknown;
    for (const client of hub === this.#client ? [hub] : [hub, this.#client]) {
      try {
        await client.query(text);
        return;
      } catch (error) {
        if (isThere(error)) return;
        failure = error;
      }
    }
    this.#skip(text, failure);
  }

  #skip(statement: string, error: unknown): void {
    const what = statement.replace(/ password .*/s, '').replace(/\s+/g, ' ');
    this.notDone.push(
      `${what.length > 120 ? `${what.slice(0, 120)}..` : what}: ${messageOf(error)}`,
    );
  }

  /** Those that fail are tried again as long as others succeed; the ones that are left. */
  async #runGroups(
    groups: readonly (readonly string[])[],
  ): Promise<{ group: readonly string[]; error: unknown }[]> {
    let open = groups;
    for (;;) {
      const failed: { group: readonly string[]; error: unknown }[] = [];
      for (const group of open) {
        const error = await this.#runGroup(group);
        if (error !== undefined) failed.push({ group, error });
      }
      if (failed.length === 0 || failed.length === open.length) return failed;
      open = failed.map((each) => each.group);
    }
  }

  /** All of it or nothing: the error. What migrations or sql/ made already is newer than the backup. */
  async #runGroup(group: readonly string[]): Promise<unknown> {
    await this.#client.query('begin');
    try {
      for (const text of group)
        await this.#client.query(text.replace(/^create or replace /i, 'create '));
      await this.#client.query('commit');
      return undefined;
    } catch (error) {
      await this.#client.query('rollback');
      return isThere(error) ? undefined : error;
    }
  }

  async #beginTable(table: CopiedTable): Promise<void> {
    this.#table = table;
    this.#sum = new RowSum();
    if (table.types === undefined) return;
    const known = await this.#client.query<{ name: string }>(
      `select quote_ident(attname) as name from pg_attribute
        where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
      [table.name],
    );
    const names = new Set(known.rows.map(({ name }) => name));
    for (const [at, column] of table.columns.entries())
      if (!names.has(column)) await this.#addColumn(table, column, table.types[at]!);
    // Columns by name: in the database they may stand in another order.
    const columns = table.columns.map((column, at) => `${column} ${table.types![at]}`);
    await this.#client.query(`create type ${ROW_TYPE} as (${columns.join(', ')})`);
  }

  /** One that somebody added by hand. */
  async #addColumn({ name }: CopiedTable, column: string, type: string): Promise<void> {
    await this.#client.query(`alter table ${name} add column ${column} ${type}`);
    this.notDone.push(
      `column ${column} of ${name} was added by hand: it is back without its constraints`,
    );
  }

  async #insert(rows: readonly string[]): Promise<void> {
    if (this.#table === undefined) throw outOfOrder();
    const { name, columns, types } = this.#table;
    await this.#client.query(
      `insert into ${name} (${columns.join(', ')}) overriding system value
       select ${columns.map((column) => `r.${column}`).join(', ')}
         from unnest($1::${types === undefined ? name : ROW_TYPE}[]) r`,
      [rows],
    );
    this.#sum.add(rows);
  }

  /** Reads back what went in. */
  async #endTable(): Promise<void> {
    const table = this.#table;
    this.#table = undefined;
    if (table === undefined) return;
    if (table.types !== undefined) await this.#client.query(`drop type ${ROW_TYPE}`);
    const { rows, hash } = this.#sum;
    const found = new RowSum();
    await this.#client.query('begin');
    for await (const part of tableRows(this.#client, table)) found.add(part);
    await this.#client.query('commit');
    if (found.rows !== rows || found.hash !== hash)
      throw differs(
        `${table.name} has ${found.rows} rows of hash ${found.hash}, in the backup ${rows} of ${hash}`,
      );
    this.tables.push({ name: table.name, rows, hash });
  }

  async #complete(): Promise<void> {
    if (this.#statements === undefined) throw outOfOrder();
    for (const text of this.#statements.sequences) await this.#client.query(text);
    for (const text of this.#afterRows) await this.#client.query(text);
    await this.#client.query('analyze');
  }

  async #texts(query: string): Promise<string[]> {
    const { rows } = await this.#client.query<{ text: string }>(query);
    return rows.map((row) => row.text);
  }

  /** Runs the statements that a query gives. */
  async #run(query: string): Promise<void> {
    for (const text of await this.#texts(query)) await this.#client.query(text);
  }
}

const ROW_TYPE = 'swarmplane.restored_row';

/** Duplicate object, table, function, schema. */
function isThere(error: unknown): boolean {
  return ['42710', '42P07', '42723', '42P06'].includes(codeOf(error));
}

function outOfOrder(): HubError {
  return new HubError('not_a_backup', 'the lines of the backup are out of order');
}

function differs(message: string): HubError {
  return new HubError('backup_differs', message, {
    hint: 'the backup is damaged, or this is a fault of swarmplane: take another one and report it',
  });
}

/** As the statements of a backup begin. */
const KNOWN_ROLES = `
  select format('create role %I', rolname) as text from pg_roles
   union
  select format('grant %I to %I', g.rolname, m.rolname)
    from pg_auth_members a join pg_roles g on g.oid = a.roleid join pg_roles m on m.oid = a.member`;

const OUR_TABLES = `
  select c.oid, c.oid::regclass as name
    from pg_class c
   where c.relnamespace in (to_regnamespace('swarmplane'), to_regnamespace('inventory'))
     and c.relkind in ('r', 'p')`;

/** Those that migrations made for today; the backup brings its own. */
const DROP_PARTITIONS = `
  select format('drop table if exists %s', ours.name) as text
    from (${OUR_TABLES}) ours join pg_class c using (oid) where c.relispartition`;

const OUR_REFERENCES = `
  pg_constraint k join (${OUR_TABLES}) ours on ours.oid = k.conrelid where k.contype = 'f' and k.conparentid = 0`;

const REFERENCES_BACK = `
  select format('alter table %s add constraint %I %s', ours.name, k.conname, pg_get_constraintdef(k.oid)) as text
    from ${OUR_REFERENCES}`;

const REFERENCES_OFF = `
  select format('alter table %s drop constraint %I', ours.name, k.conname) as text from ${OUR_REFERENCES}`;

const TRIGGERS_BACK = `
  select format('alter table %s %s trigger %I', ours.name,
           case t.tgenabled when 'O' then 'enable' when 'A' then 'enable always' when 'R' then 'enable replica' else 'disable' end,
           t.tgname) as text
    from (${OUR_TABLES}) ours join pg_trigger t on t.tgrelid = ours.oid
   where not t.tgisinternal and t.tgparentid = 0`;

const TRIGGERS_OFF = `select format('alter table %s disable trigger user', ours.name) as text from (${OUR_TABLES}) ours`;

/** What migrations put in. */
const EMPTY = `
  select format('truncate %s', ours.name) as text
    from (${OUR_TABLES}) ours join pg_class c using (oid)
   where c.relnamespace = 'swarmplane'::regnamespace
     and c.relname not in ('migration', 'sql_file', 'restore_unfinished')`;
