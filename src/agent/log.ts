/** Structured logs on standard error: JSON lines for machines, one readable line each on a terminal. */
import pino from 'pino';
import type { LogLevel } from './config.ts';

export type Log = pino.Logger;

export function createLog(level: LogLevel, name: string): Log {
  const options = { level, base: { node: name }, timestamp: pino.stdTimeFunctions.isoTime };
  if (process.stderr.isTTY)
    return pino(options, { write: (line) => void process.stderr.write(readable(line)) });
  return pino(options, pino.destination({ fd: 2, sync: true }));
}

const LEVELS: Record<number, string> = { 20: 'debug', 30: 'info', 40: 'WARN', 50: 'ERROR' };

function readable(line: string): string {
  const { level, time, node, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const details = Object.entries(rest)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
  return `${String(time).slice(11, 23)} ${String(node)} ${LEVELS[Number(level)] ?? String(level)} ${String(msg)}${details}\n`;
}
