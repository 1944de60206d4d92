/**
 * pg's client, which closes its socket when it cannot log in. Where the fault is on this side (no
 * password, an answer that does not prove the server) pg leaves it open, and the process would live
 * on until the server gives up, after its authentication_timeout of a minute.
 */
import type { Duplex } from 'node:stream';
import pg from 'pg';

type Settle = Parameters<pg.Client['connect']>[0];

export class Client extends pg.Client {
  override connect(): Promise<pg.Client>;
  override connect(settle: Settle): void;
  override connect(settle?: Settle): Promise<pg.Client> | void {
    if (settle === undefined)
      return super.connect().catch((error: unknown) => {
        this.#cut();
        throw error;
      });
    super.connect((error: Error | null) => {
      if (error) this.#cut();
      (settle as (error: Error | null, client: pg.Client) => void)(error, this);
    });
  }

  /** Not in pg's types: `end` would wait for the server. */
  #cut(): void {
    (this as unknown as { connection: { stream: Duplex } }).connection.stream.destroy();
  }
}
