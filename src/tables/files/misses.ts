/** What a collector had to pass over, told in a few warnings rather than one for each file. */
export class Misses {
  readonly #warn: (message: string) => void;
  readonly #problems = new Map<string, { first: string; count: number }>();

  constructor(context: { warn(message: string): void }) {
    this.#warn = (message) => context.warn(message);
  }

  /** Notes one; problems in the same words are counted together. */
  add(path: string, problem: string): void {
    const known = this.#problems.get(problem);
    if (known === undefined) this.#problems.set(problem, { first: path, count: 1 });
    else known.count++;
  }

  /** One warning a problem, with the first path it was met at. */
  report(): void {
    for (const [problem, { first, count }] of this.#problems) {
      this.#warn(`${first}${count > 1 ? ` and ${count - 1} more` : ''}: ${problem}`);
    }
    this.#problems.clear();
  }
}
