/**
 * pg's client, with all that a session of ours relies on pinned, and which closes its socket when it
 * cannot log in. Where the fault is on this side (no password, an answer that does not prove the server)
 * pg leaves it open, and the process would live on until the server gives up, after its
 * authentication_timeout of a minute.
 */
import type { Duplex } from 'node:stream';
import pg from 'pg';
import { pinned, type SessionConfig } from './session.ts';

type Settle = Parameters<pg.Client['connect']>[0];

/** Not in pg's types. */
interface Inside {
  readonly connection: {
    readonly stream: Duplex;
    on(
      event: 'parameterStatus',
      listener: (status: { parameterName: string; parameterValue: string }) => void,
    ): void;
  };
}

export class Client extends pg.Client {
  #major = 0;

  constructor(config: SessionConfig) {
    super(pinned(config));
    // A server that goes away while this logs in has nobody else to tell: an error that nobody takes ends the process.
    this.on('error', () => undefined);
    this.#inside.on('parameterStatus', ({ parameterName, parameterValue }) => {
      if (parameterName === 'server_version') this.#major = Number.parseInt(parameterValue, 10);
    });
  }

  override connect(): Promise<pg.Client>;
  override connect(settle: Settle): void;
  override connect(settle?: Settle): Promise<pg.Client> | void {
    const opened = this.#open();
    if (settle === undefined) return opened;
    opened.then(
      () => (settle as (error: Error | null, client: pg.Client) => void)(null, this),
      (error: Error) => (settle as (error: Error, client: pg.Client) => void)(error, this),
    );
  }

  async #open(): Promise<pg.Client> {
    try {
      await super.connect();
      // Older servers refuse a start with it.
      if (this.#major >= TRANSACTION_TIMEOUT_MAJOR) await this.query('set transaction_timeout = 0');
      return this;
    } catch (error) {
      // `end` would wait for the server.
      this.#inside.stream.destroy();
      throw error;
    }
  }

  get #inside(): Inside['connection'] {
    return (this as unknown as Inside).connection;
  }
}

const TRANSACTION_TIMEOUT_MAJOR = 17;
