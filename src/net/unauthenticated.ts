/**
 * Connections whose peer has proved nothing yet: a bounded set. When it is full the oldest goes;
 * those that said nothing valid go before those in the middle of a handshake, so that a flood of
 * silent connections does not push out hosts that wait for their turn (docs/protocol.md section 5).
 */
export interface Unproven {
  /** Closes the connection. */
  evict(): void;
}

export class UnauthenticatedSet {
  readonly #max: number;
  /** Both keep insertion order. */
  readonly #silent = new Set<Unproven>();
  readonly #talking = new Set<Unproven>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#silent.size + this.#talking.size;
  }

  add(one: Unproven): void {
    this.#silent.add(one);
    if (this.size <= this.#max) return;
    const [oldest] = this.#silent.size > 1 ? this.#silent : this.#talking;
    const out = oldest ?? one;
    this.delete(out);
    out.evict();
  }

  /** Its first message was one of ours. */
  spoke(one: Unproven): void {
    if (this.#silent.delete(one)) this.#talking.add(one);
  }

  delete(one: Unproven): void {
    this.#silent.delete(one);
    this.#talking.delete(one);
  }

  evictAll(): void {
    for (const one of [...this.#silent, ...this.#talking]) {
      this.delete(one);
      one.evict();
    }
  }
}
