/**
 * The query process. Started by runner.ts with ChildSettings as its argument; does one job at a
 * time; ends with the agent.
 */
import * as hostTables from '../tables/index.ts';
import type { HostTable, Shape } from '../tables/types.ts';
import { Database } from './database.ts';
import type { ChildSettings, Done, Job, Report } from './protocol.ts';
import { requirePermission } from './permission.ts';
import { Session } from './session.ts';
import { loadSqlite } from './sqlite.ts';
import { Statement } from './statement.ts';
import { requireColumns, requireState, Taking, tableToTake, takingSql } from './taking.ts';
import { memoryLimit, QueryError } from './types.ts';
import type { Value } from '../tables/types.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as ChildSettings;

/** About so much of the answer goes into one message, so that the agent takes it in small bites. */
const MESSAGE_BYTES = 32 * 1024;

/** The channel closes when the agent ends, however it ends. */
process.on('disconnect', () => endGroup());

const opened = await openDatabase();
process.on('message', (job: Job) => void work(job));
report({ type: 'ready' });

/** Programs that collectors started are of this process's group. */
function endGroup(): void {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    process.exit(0);
  }
}

async function openDatabase(): Promise<Database> {
  const registry =
    settings.registry === undefined
      ? hostTables
      : ((await import(settings.registry)) as Partial<typeof hostTables>);
  const denied = new Set(settings.denyTables.map((name) => name.toLowerCase()));
  const tables = (registry.allTables ?? []).filter((table) => !isDenied(table, denied));
  const { notOffered, otherSystems } = registry as Partial<typeof hostTables>;
  return new Database(await loadSqlite(), {
    tables,
    denied,
    notOffered: { ...otherSystems, ...notOffered },
    root: settings.root,
    heapBytes: settings.heapBytes,
    sqlBytesMax: settings.sqlBytesMax,
    answerBytesMax: settings.answerBytesMax,
  });
}

function isDenied({ name, aliases }: HostTable, denied: ReadonlySet<string>): boolean {
  return [name, ...(aliases ?? [])].some((it) => denied.has(it));
}

async function work(job: Job): Promise<void> {
  const session = new Session({
    sql: job.sql,
    facts: job.facts,
    timeMs: job.timeMs,
    timeMsMax: job.timeMsMax,
    allowSensitive: job.allowSensitive,
    announce: (table) => report({ type: 'reading', table }),
    loading: (under) => report({ type: under ? 'loading' : 'loaded' }),
  });
  try {
    report({ type: 'done', ...(await perform(session, job)) });
  } catch (error) {
    report(failure(error, session));
  }
}

/** How a job ended, and the rows that were not sent yet. */
interface Performed {
  readonly done: Done;
  readonly rows: readonly (readonly Value[])[];
}

async function perform(session: Session, job: Job): Promise<Performed> {
  if (job.kind === 'take') return take(session, job);
  const statement = new Statement(opened, session, job.sql);
  try {
    const { info } = statement;
    if (job.kind === 'prepare') return { done: { kind: 'prepare', ...info }, rows: [] };
    if (job.kind === 'explain') {
      const { uses: tables, versions } = statement;
      const plan = statement.queryPlan();
      return { done: { kind: 'explain', ...info, tables, plan, versions }, rows: [] };
    }
    if (job.kind === 'describe') {
      const { tables, sensitive } = info;
      return { done: { kind: 'describe', columns: statement.types, tables, sensitive }, rows: [] };
    }
    requirePermission(info.sensitive, job.allowSensitive);
    requireLetGo(info.tables, job.held);
    await statement.collectSnapshots(settings.root);
    const { cut, rows } = sendRows(untilTimeIsOver(statement.rows(), session));
    const { columns } = statement;
    const why = cut ?? session.outOfTime;
    const truncated = why !== undefined;
    const warnings = truncated ? [`truncated: ${why}`, ...session.warnings] : [...session.warnings];
    const tookMs = Math.round(performance.now() - session.startedAt);
    return { done: { kind: 'run', columns, truncated, warnings, tookMs }, rows };
  } finally {
    statement.finalize();
  }
}

async function take(session: Session, job: Job): Promise<Performed> {
  const { sql, shape } = job.shape ? { sql: job.sql, shape: job.shape } : wholeTable(job.sql);
  const statement = new Statement(opened, session, sql);
  try {
    if (job.shape !== undefined) requireColumns(statement.columns, shape);
    requirePermission(statement.info.sensitive, job.allowSensitive);
    requireLetGo(statement.info.tables, job.held);
    await statement.collectSnapshots(settings.root);
    const taking = new Taking(shape, session);
    const { cut, rows } = sendRows(taking.rows(statement.rows()));
    const truncated = cut !== undefined;
    return { done: { kind: 'take', shape, hash: taking.hash, truncated }, rows };
  } finally {
    statement.finalize();
  }
}

function wholeTable(name: string): { sql: string; shape: Shape } {
  const table = tableToTake(opened, name);
  const shape = hostTables.shapeOf(table);
  requireState(table.name, shape);
  return { sql: takingSql(table, shape), shape };
}

function requireLetGo(tables: readonly string[], held: readonly string[]): void {
  const table = tables.find((name) => held.includes(name));
  if (table === undefined) return;
  throw new QueryError(
    'table_unavailable',
    `table "${table}": processes that read it were ended and are still held by the kernel, as by a ` +
      'dead mount or disk; it is read again when they are gone',
  );
}

/** The rows that come in time: what is there is given, and why it is not all. Nothing in time is an error. */
function* untilTimeIsOver(
  rows: Iterable<readonly Value[]>,
  session: Session,
): Generator<readonly Value[]> {
  let count = 0;
  try {
    for (const row of rows) {
      count++;
      yield row;
    }
  } catch (error) {
    const isOver = error instanceof QueryError && error.code === 'time_limit';
    if (!isOver || count === 0) throw error;
    session.outOfTime = `${error.message}; it had given ${count} rows`;
  }
}

/** Sends rows up to the limits but for the last of them; `cut` says why some were left out. */
function sendRows(rows: Iterable<readonly Value[]>): {
  cut: string | undefined;
  rows: Performed['rows'];
} {
  let [count, bytes, waitingBytes] = [0, 0, 0];
  let waiting: (readonly Value[])[] = [];
  let cut: string | undefined;
  for (const row of rows) {
    const size = rowBytes(row);
    cut = whyCut(count, bytes + size);
    if (cut !== undefined) break;
    count++;
    bytes += size;
    waitingBytes += size;
    waiting.push(row);
    if (waitingBytes < MESSAGE_BYTES) continue;
    report({ type: 'rows', rows: waiting });
    [waiting, waitingBytes] = [[], 0];
  }
  return { cut, rows: waiting };
}

/** Why no further row goes into an answer that has so many, and would have so many bytes. */
function whyCut(count: number, bytes: number): string | undefined {
  const { rowsMax, answerBytesMax } = settings;
  if (count === rowsMax)
    return `the host gives ${rowsMax} rows; narrow the query, or raise limits.rows_max in its config.yaml`;
  if (bytes > answerBytesMax)
    return (
      `the host gives ${answerBytesMax} bytes (limits.answer_bytes_max in its config.yaml), and the ` +
      `first ${count} rows take them; ask for fewer columns, or for the rows in parts`
    );
  return undefined;
}

/** About what a row takes on the wire. */
function rowBytes(row: readonly Value[]): number {
  let bytes = 2;
  for (const value of row) {
    if (typeof value === 'string') bytes += 3 + Buffer.byteLength(value);
    else bytes += value instanceof Uint8Array ? 3 + value.length : 9;
  }
  return bytes;
}

function failure(error: unknown, session: Session): Report {
  if (error instanceof QueryError) {
    const { code, message } = error;
    return { type: 'failed', code, message, spoiled: session.abandoned };
  }
  if (error instanceof Error && /^(RangeError|RuntimeError)$/.test(error.name)) {
    // SQLite's stack or memory ran out in the middle of its work: its state is unknown.
    const { code, message } = memoryLimit();
    return { type: 'failed', code, message, spoiled: true };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { type: 'failed', code: 'failed', message, spoiled: true };
}

function report(message: Report): void {
  process.send?.(message);
}
