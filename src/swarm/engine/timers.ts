/**
 * Every wish for a later call, by name. One heap for the whole core, so that `nextTimeout` costs
 * nothing; a timer that was set anew or cleared leaves a stale heap entry, skipped when it surfaces.
 */
export class Timers {
  #due = new Map<string, Entry>();
  #heap: Entry[] = [];

  /** Sets or moves the timer (name, subject). */
  set(name: TimerName, subject: string, at: number): void {
    const key = `${name} ${subject}`;
    if (this.#due.get(key)?.at === at) return;
    const entry = { key, name, subject, at };
    this.#due.set(key, entry);
    this.#push(entry);
    if (this.#heap.length > 2 * this.#due.size + STALE_MAX) this.#rebuild();
  }

  clear(name: TimerName, subject: string): void {
    this.#due.delete(`${name} ${subject}`);
  }

  has(name: TimerName, subject: string): boolean {
    return this.#due.has(`${name} ${subject}`);
  }

  /** When the next timer is due. */
  next(): number | undefined {
    this.#dropStale();
    return this.#heap[0]?.at;
  }

  /** Takes out one timer that is due at `now`. */
  take(now: number): { name: TimerName; subject: string } | undefined {
    this.#dropStale();
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.#pop();
    this.#due.delete(first.key);
    return first;
  }

  #dropStale(): void {
    while (this.#heap.length > 0 && this.#due.get(this.#heap[0]!.key) !== this.#heap[0])
      this.#pop();
  }

  /** Without this, timers that are moved again and again would pile up. */
  #rebuild(): void {
    this.#heap = [];
    for (const entry of this.#due.values()) this.#push(entry);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.at <= entry.at) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (heap[child]!.at >= last.at) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

const STALE_MAX = 256;

export type TimerName =
  /** First call: the own record gets an incarnation of this run. */
  | 'start'
  /** A link may be silent, on either side. Subject: link. */
  | 'heartbeat'
  /** Something may be dialled. */
  | 'dial'
  /** A seed or an address that is not alive is tried again. */
  | 'recontact'
  /** A driver that never told how a dial ended. Subject: effect. */
  | 'dial-lost'
  /** Gathered news goes out. */
  | 'news'
  /** Digests are compared with one neighbour. */
  | 'digest'
  /** The table is kept on disk. */
  | 'keep'
  /** A link that waits for a key list. Subject: link. */
  | 'keys'
  /** The key book is kept on disk. */
  | 'keep-keys'
  /** A part of an EPOCH did not come. */
  | 'parts'
  /** Another member is probed. */
  | 'probe'
  /** Answers to a probe are not waited for any longer. */
  | 'probe-end'
  /** The seals of audit chains go to disk. */
  | 'keep-seals'
  /** A lost link did not come back. Subject: node. */
  | 'lost'
  /** A suspicion becomes a death. Subject: node. */
  | 'dead'
  /** A member is dead for so long that others may want it forgotten. Subject: node. */
  | 'forget'
  /** The own record denies what was said of this node. */
  | 'refute'
  /** Old entries leave the caches. */
  | 'sweep'
  /** Members that are gone for good leave the table. */
  | 'gone'
  /** A body did not come from where it was asked. Subject: request. */
  | 'pull'
  /** A run takes so long that the origin is told. Subject: effect. */
  | 'accepted'
  /** The next chunks of a large answer are sealed. */
  | 'seal'
  /** A run's time is over. Subject: effect. */
  | 'run-end'
  /** An own request's account closes at the latest. Subject: request. */
  | 'ask-end'
  /** A host without a link may have had its chance. Subject: request. */
  | 'ask-check'
  /** The origin shows the way to itself. Subject: request. */
  | 'beacon';

interface Entry {
  readonly key: string;
  readonly name: TimerName;
  readonly subject: string;
  readonly at: number;
}
