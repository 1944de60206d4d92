/** The real clock and timers. */
import type { Time } from './tracker.ts';

export const systemTime: Time = {
  mono: () => performance.now(),
  wall: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
