/**
 * Whose turn it is. Askers are served round robin, one of each after the other, however much one
 * of them asks: its own queue is what it waits in. A share of the places is all that one asker can
 * hold; some places are kept for askers of the host's own.
 */

export interface QueueBounds {
  /** Places: items that are out at once. */
  readonly places: number;
  /** Of them those that only the host's own askers take. */
  readonly kept: number;
  /** Places one asker holds at most. */
  readonly placesEach: number;
  /** Items that wait. Where more come, the newest of the asker with most of them gives way. */
  readonly waiting: number;
  /** Items of one asker that wait. */
  readonly waitingEach: number;
}

export class FairQueue<T> {
  readonly #bounds: QueueBounds;
  readonly #own: ReadonlySet<string>;
  /** In the order of turns: who was served goes to the end. No list is empty. */
  readonly #waiting = new Map<string, T[]>();
  readonly #out = new Map<string, number>();

  readonly #mayGo: (asker: string) => boolean;

  /**
   * @param own askers that are the host itself: served first, and never given way to others
   * @param mayGo false for an asker that is to wait, whatever is free
   */
  constructor(
    bounds: QueueBounds,
    own: readonly string[] = [],
    mayGo: (asker: string) => boolean = () => true,
  ) {
    this.#bounds = bounds;
    this.#mayGo = mayGo;
    this.#own = new Set(own);
  }

  /** Items that are out, of one asker or of all. */
  out(asker?: string): number {
    return asker === undefined ? sum(this.#out.values()) : (this.#out.get(asker) ?? 0);
  }

  /** Items that wait, of one asker or of all. */
  waiting(asker?: string): number {
    if (asker !== undefined) return this.#waiting.get(asker)?.length ?? 0;
    return sum([...this.#waiting.values()].map(({ length }) => length));
  }

  isWaiting(asker: string, item: T): boolean {
    return this.#waiting.get(asker)?.includes(item) === true;
  }

  /** @returns what has no room: this item, the one that gave way to it, or nothing */
  add(asker: string, item: T): T | undefined {
    if (this.waiting(asker) >= this.#bounds.waitingEach) return item;
    let displaced: T | undefined;
    if (!this.#own.has(asker) && this.#waitingOfOthers() >= this.#bounds.waiting) {
      const most = this.#longest();
      if (most === undefined || this.waiting(most) <= this.waiting(asker) + 1) return item;
      displaced = this.#takeFrom(most, -1);
    }
    const items = this.#waiting.get(asker);
    if (items === undefined) this.#waiting.set(asker, [item]);
    else items.push(item);
    return displaced;
  }

  /** Takes out the item whose turn it is; undefined while none may go. Its end is told to `ended`. */
  next(): { readonly asker: string; readonly item: T } | undefined {
    const asker = this.#turn();
    if (asker === undefined) return undefined;
    const item = this.#takeFrom(asker, 0);
    const items = this.#waiting.get(asker);
    if (items !== undefined) {
      this.#waiting.delete(asker);
      this.#waiting.set(asker, items);
    }
    this.#out.set(asker, this.out(asker) + 1);
    return { asker, item };
  }

  /** One of the asker's that were out has ended: its place is free. */
  ended(asker: string): void {
    const left = this.out(asker) - 1;
    if (left > 0) this.#out.set(asker, left);
    else this.#out.delete(asker);
  }

  /** Takes an item out that waits no more. False when it does not wait. */
  remove(asker: string, item: T): boolean {
    const at = this.#waiting.get(asker)?.indexOf(item) ?? -1;
    if (at < 0) return false;
    this.#takeFrom(asker, at);
    return true;
  }

  /** Askers of whom something waits. */
  askers(): string[] {
    return [...this.#waiting.keys()];
  }

  /** Takes out all that wait. */
  clear(): T[] {
    const items = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    return items;
  }

  #turn(): string | undefined {
    const { places, kept, placesEach } = this.#bounds;
    if (this.out() >= places) return undefined;
    const ready = [...this.#waiting.keys()].filter(
      (asker) => this.out(asker) < placesEach && this.#mayGo(asker),
    );
    const own = ready.find((asker) => this.#own.has(asker));
    return own ?? (this.#outOfOthers() < places - kept ? ready[0] : undefined);
  }

  #takeFrom(asker: string, at: number): T {
    const items = this.#waiting.get(asker)!;
    const [item] = items.splice(at, 1);
    if (items.length === 0) this.#waiting.delete(asker);
    return item!;
  }

  #longest(): string | undefined {
    let longest: string | undefined;
    for (const asker of this.#waiting.keys()) {
      if (this.#own.has(asker)) continue;
      if (longest === undefined || this.waiting(asker) >= this.waiting(longest)) longest = asker;
    }
    return longest;
  }

  #outOfOthers(): number {
    return this.out() - sum([...this.#own].map((asker) => this.out(asker)));
  }

  #waitingOfOthers(): number {
    return this.waiting() - sum([...this.#own].map((asker) => this.waiting(asker)));
  }
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
