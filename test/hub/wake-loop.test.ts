import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WakeLoop, type WakeLoopOptions } from '../../src/hub/wake-loop.ts';

/** Work whose runs end when the test says so, and never two at once. */
class Work {
  runs = 0;
  atOnce = 0;
  readonly errors: unknown[] = [];
  #end: ((due: number | undefined) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  loop(options: Partial<WakeLoopOptions> = {}): WakeLoop {
    const work = () => this.#run();
    return new WakeLoop({ work, failed: (error) => this.errors.push(error), ...options });
  }

  async end(due?: number): Promise<void> {
    this.#end!(due);
    await vi.advanceTimersByTimeAsync(0);
  }

  async fail(message: string): Promise<void> {
    this.#fail!(new Error(message));
    await vi.advanceTimersByTimeAsync(0);
  }

  async #run(): Promise<number | undefined> {
    this.runs++;
    expect(++this.atOnce).toBe(1);
    try {
      return await new Promise<number | undefined>((resolve, reject) => {
        this.#end = resolve;
        this.#fail = reject;
      });
    } finally {
      this.atOnce--;
    }
  }
}

describe('a wake loop', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('runs within the wake, and once more for all wakes that come meanwhile', async () => {
    const work = new Work();
    const loop = work.loop();
    loop.wake();
    expect(work.runs).toBe(1);
    for (let i = 0; i < 5; i++) loop.wake();
    await work.end();
    expect(work.runs).toBe(2);
    await work.end();
    expect(work.runs).toBe(2);
  });

  it('gathers wakes before a run, and after one', async () => {
    const work = new Work();
    const loop = work.loop({ gatherMs: 50 });
    for (let i = 0; i < 5; i++) loop.wake();
    await vi.advanceTimersByTimeAsync(49);
    expect(work.runs).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(work.runs).toBe(1);
    loop.wake();
    await work.end();
    expect(work.runs).toBe(1);
    await vi.advanceTimersByTimeAsync(50);
    expect(work.runs).toBe(2);
  });

  it('wakes itself when its run says, not sooner than 20 ms, not later than an hour', async () => {
    for (const [due, waits] of [
      [500, 500],
      [-3, 20],
      [1e12, 3_600_000],
    ] as const) {
      const work = new Work();
      const loop = work.loop();
      loop.wake();
      await work.end(due);
      await vi.advanceTimersByTimeAsync(waits - 1);
      expect(work.runs, `${due}`).toBe(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(work.runs, `${due}`).toBe(2);
      await Promise.all([loop.stop(), work.end()]);
    }
  });

  it('goes by the last run: an earlier due time is forgotten', async () => {
    const work = new Work();
    const loop = work.loop();
    loop.wake();
    await work.end(100);
    loop.wake();
    await work.end(undefined);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(work.runs).toBe(2);
  });

  it('tells what a run threw, and tries again where it is told when', async () => {
    for (const [retryMs, runs] of [
      [undefined, 1],
      [1_000, 2],
    ] as const) {
      const work = new Work();
      const loop = work.loop({ ...(retryMs !== undefined && { retryMs }) });
      await vi.advanceTimersByTimeAsync(5);
      loop.wake();
      await work.fail('the disk is full');
      expect(work.errors).toEqual([new Error('the disk is full')]);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(work.runs).toBe(runs);
      if (retryMs === undefined) loop.wake();
      await work.end();
      await loop.stop();
    }
  });

  it('is not hurried by wakes after a failure, unless its cause is known to be over', async () => {
    const work = new Work();
    const loop = work.loop({ retryMs: 1_000 });
    loop.wake();
    loop.wake();
    await work.fail('the database is away');
    for (let i = 0; i < 9; i++) {
      loop.wake();
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(work.runs).toBe(1);
    loop.wakeNow();
    expect(work.runs).toBe(2);
    await work.end();
    loop.wake();
    expect(work.runs).toBe(3);
    await work.end();
  });

  it('stops when its run has ended, and begins none after', async () => {
    const work = new Work();
    const loop = work.loop();
    loop.wake();
    loop.wake();
    let stopped = false;
    const stop = loop.stop().then(() => (stopped = true));
    await vi.advanceTimersByTimeAsync(10_000);
    expect([stopped, work.runs]).toEqual([false, 1]);
    await work.end(100);
    await stop;
    loop.wake();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(work.runs).toBe(1);
  });

  it('forgets a gathered wake when it stops', async () => {
    const work = new Work();
    const loop = work.loop({ gatherMs: 50 });
    loop.wake();
    await loop.stop();
    await vi.advanceTimersByTimeAsync(100);
    expect(work.runs).toBe(0);
  });
});
