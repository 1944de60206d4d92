/** What the hub needs of a logger; a pino logger is one. Facts first, then the sentence. */
export interface Log {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** The same log, with these facts in every line, as they are by then. */
export function bound(log: Log, facts: () => object): Log {
  return {
    debug: (more, message) => log.debug({ ...facts(), ...more }, message),
    info: (more, message) => log.info({ ...facts(), ...more }, message),
    warn: (more, message) => log.warn({ ...facts(), ...more }, message),
    error: (more, message) => log.error({ ...facts(), ...more }, message),
  };
}

const nothing = (): void => undefined;

export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
