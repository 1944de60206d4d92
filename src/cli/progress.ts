/** What a start of several steps is doing, for who waits: which step of how many, and how long is left. */

export interface Step {
  readonly what: string;
  /** On a machine with nothing else to do. */
  readonly usualSeconds: number;
}

export interface Surroundings {
  write(line: string): void;
  /** Milliseconds, from any zero. */
  now(): number;
}

/** After so long a step is told of again. */
const AGAIN_MS = 10_000;

export class Progress {
  readonly #steps: readonly Step[];
  readonly #around: Surroundings;
  readonly #begun: number;
  #at = 0;
  #stepBegun: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(steps: readonly Step[], around: Surroundings = TERMINAL) {
    this.#steps = steps;
    this.#around = around;
    this.#begun = this.#stepBegun = around.now();
  }

  /** The next step begins, and with it the one before has ended. */
  next(): void {
    clearInterval(this.#timer);
    this.#stepBegun = this.#around.now();
    this.#at++;
    this.#say(`${this.#step.what} (about ${this.#left()} s left)`);
    this.#timer = setInterval(() => this.again(), AGAIN_MS).unref();
  }

  /** The present step takes long. */
  again(): void {
    const took = Math.round((this.#around.now() - this.#stepBegun) / 1000);
    this.#say(`still: ${this.#step.what} (${took} s so far, usually ${this.#step.usualSeconds} s)`);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  get #step(): Step {
    return this.#steps[this.#at - 1]!;
  }

  /** The usual time of what is to come, longer where the machine was slower than usual so far. */
  #left(): number {
    const usual = (steps: readonly Step[]) =>
      steps.reduce((sum, { usualSeconds }) => sum + usualSeconds, 0);
    const done = usual(this.#steps.slice(0, this.#at - 1));
    const slower = done === 0 ? 1 : (this.#stepBegun - this.#begun) / 1000 / done;
    return Math.ceil(usual(this.#steps.slice(this.#at - 1)) * Math.max(1, slower));
  }

  #say(text: string): void {
    this.#around.write(`swarmplane: step ${this.#at} of ${this.#steps.length}: ${text}\n`);
  }
}

const TERMINAL: Surroundings = {
  write: (line) => void process.stderr.write(line),
  now: () => performance.now(),
};
