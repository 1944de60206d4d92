/** Many ids that lie close together, as bits: a million of them in 128 KB. */
export class IdSet {
  readonly #pages = new Map<number, Uint8Array>();

  add(id: number): void {
    const page = Math.floor(id / PAGE_BITS);
    const bits = this.#pages.get(page) ?? new Uint8Array(PAGE_BITS / 8);
    const at = id - page * PAGE_BITS;
    bits[at >> 3]! |= 1 << (at & 7);
    this.#pages.set(page, bits);
  }

  has(id: number): boolean {
    const page = Math.floor(id / PAGE_BITS);
    const at = id - page * PAGE_BITS;
    return ((this.#pages.get(page)?.[at >> 3] ?? 0) & (1 << (at & 7))) !== 0;
  }
}

const PAGE_BITS = 4_096;
