/**
 * Sees clocks that jump: the server's and this host's, both beside the clock of this process that nobody
 * sets. NTP moves a clock by less than this in the time between two looks.
 */
import { performance } from 'node:perf_hooks';

/** Milliseconds by which a clock must have moved to have jumped. */
const JUMP_MS = 5_000;

export interface Jump {
  readonly clock: 'server' | 'host';
  /** Less than 0: it went back. */
  readonly byMs: number;
}

export class ClockWatch {
  #server: number | undefined;
  #host = Date.now() - performance.now();

  /**
   * @param serverAt what the server's clock said, Unix milliseconds, at some moment since `before`
   * @param before by `performance.now()`
   */
  look(serverAt: number, before: number): Jump[] {
    const now = performance.now();
    const [server, host] = [serverAt - (before + now) / 2, Date.now() - now];
    const found: Jump[] = [];
    const see = (clock: Jump['clock'], was: number | undefined, is: number, blur: number): void => {
      const byMs = was === undefined ? 0 : is - was;
      if (Math.abs(byMs) > JUMP_MS + blur) found.push({ clock, byMs });
    };
    see('server', this.#server, server, now - before);
    see('host', this.#host, host, 0);
    [this.#server, this.#host] = [server, host];
    return found;
  }
}

/** `the clock of the database server went back by 86400 s` */
export function jumpText({ clock, byMs }: Jump, host: string): string {
  const whose = clock === 'server' ? 'the database server' : `hub ${host}`;
  const how = byMs < 0 ? 'went back' : 'jumped ahead';
  return `the clock of ${whose} ${how} by ${(Math.abs(byMs) / 1000).toFixed(0)} s`;
}
