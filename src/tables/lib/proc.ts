/** Processes as /proc shows them (proc(5)). They vanish while being read: then there is nothing. */
import type { CollectContext } from '../types.ts';
import { eqIntegers } from './constraints.ts';
import { listDir, readLink, readText, type Rooted } from './files.ts';

/** The processes a query is about: those its `pid =` names, else all there are, ascending. */
export function pidsOf(
  context: Rooted & Pick<CollectContext, 'constraints'>,
  column = 'pid',
): number[] {
  return eqIntegers(context, column)?.filter((pid) => pid > 0) ?? allPids(context);
}

export function allPids(context: Rooted): number[] {
  return listDir(context, '/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

export interface ProcessStat {
  /** Name the kernel keeps. */
  readonly name: string;
  /** A field by its number in proc_pid_stat(5), from 3 on. */
  field(number: number): string;
}

/** /proc/PID/stat. The name may hold blanks, brackets and newlines, hence the last `)`. */
export function readStat(context: Rooted, pid: number): ProcessStat | undefined {
  const line = readText(context, `/proc/${pid}/stat`);
  const end = line?.lastIndexOf(')') ?? -1;
  if (line === undefined || end < 0) return undefined;
  const values = line.slice(end + 2).split(' ');
  return {
    name: line.slice(line.indexOf('(') + 1, end),
    field: (number) => values[number - 3] ?? '',
  };
}

export interface Descriptor {
  readonly fd: number;
  /** What the kernel shows: a path, `socket:[123]`, `pipe:[5]`, `anon_inode:[eventfd]`. */
  readonly target: string;
}

/** The open descriptors of a process; empty when it is gone or somebody else's. */
export function* descriptorsOf(context: Rooted, pid: number): Generator<Descriptor> {
  for (const name of listDir(context, `/proc/${pid}/fd`)) {
    const target = readLink(context, `/proc/${pid}/fd/${name}`);
    if (target !== undefined) yield { fd: Number(name), target };
  }
}

/** The inode of a namespace, from a link like `net:[4026531840]`; NULL when it may not be seen. */
export function namespaceOf(context: Rooted, pid: number | 'self', kind: string): string | null {
  const target = readLink(context, `/proc/${pid}/ns/${kind}`);
  return target === undefined ? null : (/\[(\d+)\]/.exec(target)?.[1] ?? null);
}

/** Whether the other users' processes can be looked into. */
export function seesAllProcesses(): boolean {
  return process.geteuid?.() === 0;
}

/** Unix time at which the machine started, in seconds, from /proc/stat. */
export function bootTime(context: Rooted): number | undefined {
  const match = /^btime (\d+)$/m.exec(readText(context, '/proc/stat') ?? '');
  return match === null ? undefined : Number(match[1]);
}

/** Kernel ticks in a second: sysconf(_SC_CLK_TCK), 100 on every Linux that Node runs on. */
export const TICKS_PER_SECOND = 100;

/** Says once per scan that rows of other users' processes are missing. */
export function warnOthersHidden(context: Pick<CollectContext, 'warn'>, what: string): void {
  if (!seesAllProcesses()) context.warn(`not root: ${what} of other users’ processes are not seen`);
}
