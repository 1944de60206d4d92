/** Structured logs on standard error: JSON lines for machines, one readable line each on a terminal. */
import pino from 'pino';
import { LogRepeats, type LogLine } from './log-repeats.ts';
import { printable } from './printable.ts';

export type Log = pino.Logger;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Equal lines are told once and then counted (log-repeats.ts), for all rooms that write here. */
export function createLog(level: LogLevel, name: string): Log {
  const repeats = new LogRepeats((line) => {
    const said = pino.levels.labels[line.level] as LogLevel;
    direct[said](line.fields, line.message);
  });
  const options = { level, base: { node: name }, timestamp: pino.stdTimeFunctions.isoTime };
  const stream = { write: process.stderr.isTTY ? toTerminal : toFile() };
  const direct = pino(options, stream);
  const later = sweepLater(repeats);
  process.once('exit', () => repeats.flush());
  const logMethod = function (
    this: Log,
    args: Parameters<pino.LogFn>,
    method: pino.LogFn,
    number: number,
  ): void {
    const line = lineOf(args, number);
    const now = { mono: performance.now(), wall: Date.now() };
    if (line !== undefined && !repeats.note(line, now)) return later();
    method.apply(this, args);
  };
  return pino({ ...options, hooks: { logMethod } }, stream);
}

function toTerminal(line: string): void {
  process.stderr.write(readable(line));
}

function toFile(): (line: string) => void {
  const out = pino.destination({ fd: 2, sync: true });
  return (line) => void out.write(escaped(line));
}

/** Undefined for a call with a sentence that pino has yet to fill in. */
function lineOf(args: readonly unknown[], level: number): LogLine | undefined {
  const [first, second, ...rest] = args;
  if (rest.length > 0) return undefined;
  if (typeof first === 'string')
    return second === undefined ? { level, fields: {}, message: first } : undefined;
  const fields = first instanceof Error ? { err: first } : (first as LogLine['fields']);
  return { level, fields, message: typeof second === 'string' ? second : '' };
}

/** Tells counts when their windows are over, also when no line comes any more. */
function sweepLater(repeats: LogRepeats): () => void {
  let timer: NodeJS.Timeout | undefined;
  const plan = (): void => {
    const at = repeats.nextAt;
    if (timer !== undefined || at === undefined) return;
    const sweep = (): void => {
      timer = undefined;
      repeats.sweep(performance.now());
      plan();
    };
    timer = setTimeout(sweep, Math.max(1, at - performance.now())).unref();
  };
  return plan;
}

const LEVELS: Record<number, string> = { 20: 'debug', 30: 'info', 40: 'WARN', 50: 'ERROR' };

/** JSON says the same with them as escapes, and people look at these lines, too. */
function escaped(line: string): string {
  return `${printable(line.slice(0, -1))}\n`;
}

/** One line of JSON as people read it; names and messages may be a stranger's. */
export function readable(line: string): string {
  const { level, time, node, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const details = Object.entries(rest)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
  const at = `${String(time).slice(11, 23)} ${String(node)} ${LEVELS[Number(level)] ?? String(level)}`;
  return `${printable(`${at} ${String(msg)}${details}`)}\n`;
}
