/** The state folder: everything one host keeps. Mode 0700, files 0600, each replaced whole. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { AgentError } from '../errors.ts';
import { isLeftover, replaceFile, replaceFileSync } from './durable-file.ts';

/** The operator's secret key; `init` says to take it offline. */
export const OPERATOR_KEY_FILE = 'operator.key';

export class StateFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Opens the folder, making it when it is not there.
   * @throws AgentError `state_unwritable`
   */
  static open(path: string): StateFolder {
    const whole = resolve(path);
    try {
      mkdirSync(whole, { recursive: true, mode: 0o700 });
      if ((statSync(whole).mode & 0o077) !== 0) chmodSync(whole, 0o700);
      const folder = new StateFolder(whole);
      const probe = `${whole}/.probe-${randomBytes(6).toString('hex')}`;
      closeSync(openSync(probe, 'wx', 0o600));
      rmSync(probe);
      return folder;
    } catch (error) {
      throw new AgentError(
        'state_unwritable',
        `cannot write the state folder ${JSON.stringify(whole)}: ${(error as Error).message}`,
        'make it writable for this user, or name another one with --state DIR',
        { cause: error },
      );
    }
  }

  /** Opens a folder that must be there already, without writing, for commands that only read it. */
  static existing(path: string): StateFolder {
    return new StateFolder(resolve(path));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Undefined when there is no such file. */
  read(name: string): Uint8Array | undefined {
    try {
      return new Uint8Array(readFileSync(this.file(name)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new AgentError(
        'state_unwritable',
        `cannot read ${JSON.stringify(this.file(name))}: ${(error as Error).message}`,
        'run as the user that owns the state folder',
        { cause: error },
      );
    }
  }

  readText(name: string): string | undefined {
    const bytes = this.read(name);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
  }

  /** Replaces a file whole; on the disk when it returns. For start-up; blocks. */
  writeSync(name: string, content: Uint8Array | string): void {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
    replaceFileSync(this.file(name), bytes);
  }

  /** Replaces a file whole; on the disk when the promise resolves. */
  write(name: string, content: Uint8Array): Promise<void> {
    return replaceFile(this.file(name), content);
  }

  remove(name: string): void {
    rmSync(this.file(name), { force: true });
  }

  /**
   * Removes temporary files of a crash. Only for the agent that runs here: another process that
   * opens the folder would remove what the agent is just writing.
   */
  removeLeftovers(): void {
    for (const name of readdirSync(this.path)) {
      if (isLeftover(name) || name === 'join.token.new') rmSync(this.file(name), { force: true });
    }
  }
}

/** /var/lib/swarmplane for root, the XDG state folder for others; SWARMPLANE_STATE goes before both. */
export function defaultStateFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['SWARMPLANE_STATE']) return env['SWARMPLANE_STATE'];
  if (process.getuid?.() === 0) return '/var/lib/swarmplane';
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local/state'), 'swarmplane');
}
