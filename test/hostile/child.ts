/** A process that is asked over IPC, one answer each; `stop` ends it. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #id = 0;

  /** `file`: beside this one. */
  constructor(file: string, execArgv: readonly string[]) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#process = fork(path, [], { execArgv: [...execArgv], serialization: 'advanced' });
    this.#process.on('message', (reply: Reply) => {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
    this.#process.on('exit', (code, signal) => {
      const error = `${file} has ended: ${code ?? signal}`;
      for (const [id, settle] of this.#waiting) settle({ id, error });
      this.#waiting.clear();
    });
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** @throws Error with the stack of what failed there */
  ask<T>(operation: string, argument?: unknown): Promise<T> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result as T) : reject(new Error(`${operation}: ${error}`)),
      );
      this.#process.send({ id, operation, argument }, (error) => error && reject(error));
    });
  }

  stop(): void {
    this.#process.kill('SIGKILL');
  }
}
