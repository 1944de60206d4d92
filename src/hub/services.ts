/** What a hub is made of, begun and ended in order. */

/** A part that runs by itself. Both are called once at most. */
export interface Service {
  /** @throws what its first work throws: it is called again then */
  start?(): Promise<void> | void;
  /** Also of one that was never started. Never rejects. */
  stop?(): Promise<void>;
}

/**
 * Stages of services: a later stage needs the earlier ones. They begin from the first to the last, each
 * service after the one before it; they end from the last to the first, a stage's services all at once.
 */
export class Services {
  readonly #stages: readonly (readonly Service[])[];
  readonly #started = new Set<Service>();
  #stopping: Promise<void> | undefined;

  constructor(stages: readonly (readonly Service[])[]) {
    this.#stages = stages;
  }

  /** Goes on where the last call failed. @throws what a service throws */
  async start(): Promise<void> {
    for (const service of this.#stages.flat()) {
      if (this.#stopping !== undefined) return;
      if (this.#started.has(service)) continue;
      await service.start?.();
      this.#started.add(service);
    }
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    for (const stage of [...this.#stages].reverse())
      await Promise.all(stage.map((service) => service.stop?.()));
  }
}
