/**
 * Running a program of the host where nothing else serves: no shell, a fixed search path and
 * locale, a time limit after which it is killed and no longer waited for, capped output.
 */
import { spawn } from 'node:child_process';

import { TableError } from '../types.ts';
import type { Rooted } from './files.ts';

export interface ProgramOptions {
  readonly timeoutMs?: number;
  /** Bytes of standard output taken at most. */
  readonly outputMax?: number;
  /** Environment variables beside PATH and LC_ALL. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from standard input; nothing unless given. */
  readonly input?: string;
}

export interface ProgramResult {
  /** Exit code; -1 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why a program gave no result. */
export class ProgramError extends TableError {
  readonly reason: 'missing' | 'timeout' | 'output' | 'failed';

  constructor(reason: ProgramError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProgramError';
    this.reason = reason;
  }
}

/**
 * Runs `file` with `args` and waits for its end.
 * @throws ProgramError (a TableError) when it is missing, too slow or too talkative
 */
export function runProgram(
  context: Rooted,
  file: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const { timeoutMs = TIMEOUT_MS, outputMax = OUTPUT_MAX } = options;
  if (context.root !== '/') {
    // A program would describe this machine, not the one below root.
    return Promise.reject(new ProgramError('missing', `${file} cannot be run below another root`));
  }
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH, LC_ALL: 'C', ...options.env },
    });
    // It may end before it has read all.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input);
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[], bytes: 0 };
    const give = (error: ProgramError): void => {
      child.kill('SIGKILL');
      // It may be stuck in the kernel and not die: it is let go, not waited for.
      child.unref();
      child.stdout.destroy();
      child.stderr.destroy();
      clearTimeout(timer);
      reject(error);
    };
    const timer = setTimeout(() => {
      give(new ProgramError('timeout', `${file} did not end within ${timeoutMs} ms`));
    }, timeoutMs);
    const take = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
      output.bytes += chunk.length;
      if (output.bytes > outputMax) {
        give(new ProgramError('output', `${file} printed more than ${outputMax} bytes`));
      } else output[stream].push(chunk);
    };
    child.stdout.on('data', take('stdout'));
    child.stderr.on('data', take('stderr'));
    child.on('error', (cause) => give(startError(file, cause)));
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({
        code: code ?? -1,
        stdout: Buffer.concat(output.stdout).toString('utf8'),
        stderr: Buffer.concat(output.stderr).toString('utf8'),
      });
    });
  });
}

function startError(file: string, cause: NodeJS.ErrnoException): ProgramError {
  return cause.code === 'ENOENT'
    ? new ProgramError('missing', `${file} is not installed on this host`)
    : new ProgramError('failed', `${file} could not be started: ${cause.message}`, { cause });
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const TIMEOUT_MS = 3_000;
const OUTPUT_MAX = 8 * 1024 * 1024;
