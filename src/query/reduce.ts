/**
 * The reduce step: SQL over the answers of all hosts, on alasql, in a process of its own that is
 * ended at its limits. The statement is the asker's own; answers reach it as data only.
 */
import { fork, type ChildProcess } from 'node:child_process';
import type { Value } from '../tables/types.ts';
import { compiled } from './compiled.ts';
import { ReduceError } from './reduce-error.ts';
import { guardReduce, type SafeReduce } from './reduce-guard.ts';
import type { AnswerOrder } from './types.ts';

/** Rows with the name of each column; `host` is among them. */
export interface Answers {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
  /** Columns of versions, and the order of each: `versions` of the query's Explanation. */
  readonly versions?: Readonly<Record<string, AnswerOrder>>;
}

export interface ReduceLimits {
  /** Starting Node and alasql is not on the step's account, on a slow machine neither. */
  readonly startMs: number;
  /** From when the process is ready. */
  readonly timeMs: number;
  readonly memoryBytes: number;
  readonly rowsMax: number;
}

const DEFAULT_REDUCE_LIMITS: ReduceLimits = {
  startMs: 60_000,
  timeMs: 30_000,
  memoryBytes: 1024 * 1024 * 1024,
  rowsMax: 1_000_000,
};

/** Agent to reduce process. */
export interface ReduceJob extends SafeReduce {
  readonly rows: readonly (readonly Value[])[];
  readonly rowsMax: number;
  /** Columns of versions by their keys. */
  readonly orders: Readonly<Record<string, AnswerOrder>>;
}

/** Reduce process to agent. */
export type ReduceReport =
  /** Said once, when alasql is there: the time of the step begins with it. */
  | { readonly type: 'ready' }
  | { readonly type: 'rows'; readonly rows: readonly (readonly Value[])[] }
  | { readonly type: 'failed'; readonly message: string };

type ReduceEnd = Exclude<ReduceReport, { type: 'ready' }>;

/**
 * Runs one SELECT over the table `answers`. Nothing is loaded and no process is started when the
 * statement is refused.
 * @throws QueryError
 */
export async function reduce(
  sql: string,
  answers: Answers,
  limits: Partial<ReduceLimits> = {},
): Promise<Answers> {
  const { startMs, timeMs, memoryBytes, rowsMax } = { ...DEFAULT_REDUCE_LIMITS, ...limits };
  const safe = guardReduce(sql, answers.columns);
  const child = start(memoryBytes);
  try {
    const job = { ...safe, rows: answers.rows, rowsMax, orders: ordersOf(answers, safe) };
    const report = await reportOf(child, job, { startMs, timeMs });
    if (report.type === 'failed')
      throw new ReduceError(`the reduce step failed: ${report.message}`, 'failed');
    return { columns: safe.outputNames, rows: report.rows };
  } finally {
    child.kill('SIGKILL');
  }
}

function ordersOf(
  { columns, versions = {} }: Answers,
  { inputKeys }: SafeReduce,
): ReduceJob['orders'] {
  const known = columns.flatMap((column, at) =>
    Object.hasOwn(versions, column) ? [[inputKeys[at]!, versions[column]!] as const] : [],
  );
  return Object.fromEntries(known);
}

function start(memoryBytes: number): ChildProcess {
  return fork(compiled('reduce-child'), [], {
    serialization: 'advanced',
    execArgv: [
      `--max-old-space-size=${Math.max(64, Math.ceil(memoryBytes / 1024 / 1024))}`,
      ...permissionFlags(),
      '--no-warnings',
    ],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {},
  });
}

/**
 * Node's own permissions, should everything else fail: no writing of files, no processes, no
 * threads. Reading stays, since that is how modules are loaded.
 */
function permissionFlags(): string[] {
  const known = process.allowedNodeEnvironmentFlags;
  const flag = ['--permission', '--experimental-permission'].find((it) => known.has(it));
  return flag === undefined ? [] : [flag, '--allow-fs-read=*'];
}

function reportOf(
  child: ChildProcess,
  job: ReduceJob,
  { startMs, timeMs }: Pick<ReduceLimits, 'startMs' | 'timeMs'>,
): Promise<ReduceEnd> {
  return new Promise((resolve, reject) => {
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4_096);
    });
    const limit = (ms: number, message: string): NodeJS.Timeout =>
      setTimeout(() => reject(new ReduceError(message, 'time_limit')), ms);
    let timer = limit(startMs, `the reduce process was not ready within ${startMs} ms; try again`);
    const finish = (then: () => void): void => {
      clearTimeout(timer);
      then();
    };
    const begin = (): void => {
      clearTimeout(timer);
      timer = limit(timeMs, `the reduce step was ended after ${timeMs} ms; narrow it`);
      child.send(job, (error) => {
        if (error !== null) finish(() => reject(ended(String(error), stderr)));
      });
    };
    child.on('message', (message) => {
      const report = message as ReduceReport;
      if (report.type === 'ready') begin();
      else finish(() => resolve(report));
    });
    child.once('error', (error) => finish(() => reject(ended(String(error), stderr))));
    // "close" comes after the last of stderr, "exit" may come before.
    child.once('close', (code, signal) =>
      finish(() => reject(ended(signal ?? `code ${code}`, stderr))),
    );
  });
}

function ended(how: string, stderr: string): ReduceError {
  if (/out of memory|allocation failed/i.test(stderr))
    return new ReduceError(
      'the reduce step needs more memory than it is given; select fewer columns or rows',
      'memory_limit',
    );
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return new ReduceError(`the reduce process ended (${how})${last && `: ${last}`}`, 'failed');
}
