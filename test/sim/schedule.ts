/** The virtual clock: what happens next, and nothing else moves time. */
export class Schedule {
  #heap: Entry[] = [];
  #sequence = 0;
  /** Milliseconds since the world began. */
  now = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Runs `action` in `delayMs`; among equals the first planned comes first. */
  after(delayMs: number, action: () => void): void {
    this.at(this.now + Math.max(0, delayMs), action);
  }

  at(time: number, action: () => void): void {
    const heap = this.#heap;
    const entry = { time: Math.max(time, this.now), sequence: this.#sequence++, action };
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Does all that is planned up to `time`, and what comes of it. */
  runUntil(time: number, stop: () => boolean = () => false): void {
    while (this.#heap.length > 0 && this.#heap[0]!.time <= time) {
      const { time: at, action } = this.#pop();
      this.now = at;
      action();
      if (stop()) return;
    }
    this.now = Math.max(this.now, time);
  }

  #pop(): Entry {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

interface Entry {
  readonly time: number;
  readonly sequence: number;
  readonly action: () => void;
}

function before(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence);
}
