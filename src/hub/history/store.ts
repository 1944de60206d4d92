/** The functions of history in the database (sql/68-ingest.sql and on), typed. Nothing here retries. */
import type pg from 'pg';
import type { Ack, Description, Refusal, Wish } from '../../agent/index.ts';
import { toJson } from '../database/json-text.ts';

/** `sensitive`: tables that a query reads and that hosts show to holders of a certificate only. */
export type HostWish = Wish & { readonly sensitive?: readonly string[] };

/** A text that no hub has looked at yet: of a tracked query, or of a schedule. */
export interface Undescribed {
  readonly of: 'query' | 'schedule';
  readonly name: string;
  readonly sql: string;
}

/** Why hosts would not run it. */
export interface Trouble {
  readonly trouble: string;
}

/** A host whose turn it is to hand over. */
export interface Turn {
  readonly nodeId: string;
  /** Of the wish list that is meant for it. */
  readonly version: number;
  readonly wishes: readonly HostWish[];
  /** The host has confirmed that version. */
  readonly told: boolean;
  /** What has been committed of it. */
  readonly acks: readonly Ack[];
}

/** What a host said at its turn. */
export interface TurnNote {
  readonly identity: string;
  /** Of the wish list it keeps. */
  readonly version?: number;
  /** `tracked`: the host takes the table and does not hand it over to this hub. */
  readonly refused?: readonly (Refusal & { readonly tracked?: true })[];
  /** It took up the wish list just now. */
  readonly told?: boolean;
  /** Milliseconds until its next turn, where that is not the usual time. */
  readonly soon?: number;
  readonly error?: string;
  /** The host refused: its code, with `error` its sentence. */
  readonly refusal?: string;
  /** Of the newest answer. */
  readonly boot?: string;
  readonly up_ms?: number;
  /** At least so far is the host's clock ahead of the hub's, milliseconds; less than 0 when behind. */
  readonly clock_off_ms?: number;
}

/** What became of the takings of one table. */
export interface Ingested {
  readonly table: string;
  /** For the next request; undefined where nothing was ever taken. */
  readonly ack: Ack | undefined;
  readonly taken: number;
  /** `again`: its whole state is needed. `refused`: even that cannot be taken. */
  readonly became: 'taken' | 'repeated' | 'again' | 'refused';
  readonly why: string | undefined;
}

interface AckRow {
  table: string;
  line: string;
  sequence: number;
  hash: string | null;
}

/** Every method rejects with the error of pg. */
export class HistoryStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** At most `most` hosts that are due; no other hub gets them until their next turn. */
  async claim(most: number): Promise<Turn[]> {
    const { rows } = await this.#pool.query<{
      identity: string;
      version: number;
      wish: HostWish[];
      told: boolean;
      acks: AckRow[];
    }>({
      name: 'claim_handovers',
      text: 'select * from swarmplane.claim_handovers($1)',
      values: [most],
    });
    return rows.map(({ identity, version, wish, told, acks }) => ({
      nodeId: identity,
      version,
      wishes: wish,
      told,
      acks: acks.map(ackOf),
    }));
  }

  /** Those that were refused longer than `retryMs` ago, too: this hub was not there then. */
  async undescribed(retryMs: number): Promise<Undescribed[]> {
    const { rows } = await this.#pool.query<Undescribed>({
      name: 'undescribed',
      text: `select u."of", u.name, u.sql from swarmplane.undescribed($1 * interval '1 millisecond') u`,
      values: [retryMs],
    });
    return rows;
  }

  /** What is said of a text that was changed since is not kept. */
  async describe({ of, name, sql }: Undescribed, described: Description | Trouble): Promise<void> {
    const values = [of, name, sql, toJson(described)];
    await this.#pool.query('select swarmplane.describe($1, $2, $3, $4::jsonb)', values);
  }

  async note(notes: readonly TurnNote[]): Promise<void> {
    await this.#pool.query('select swarmplane.note_handovers($1::jsonb)', [toJson(notes)]);
  }

  /** One transaction. `batch` is from `batchText`. */
  async ingest(nodeId: string, batch: string): Promise<Ingested[]> {
    const { rows } = await this.#pool.query<{
      table_name: string;
      line: string | null;
      sequence: number;
      hash: string | null;
      taken: number;
      became: Ingested['became'];
      why: string | null;
    }>({
      name: 'ingest',
      text: 'select * from swarmplane.ingest($1, $2::jsonb)',
      values: [nodeId, batch],
    });
    return rows.map(({ table_name: table, line, sequence, hash, taken, became, why }) => ({
      table,
      taken,
      became,
      why: why ?? undefined,
      ack: line === null ? undefined : ackOf({ table, line, sequence, hash }),
    }));
  }

  /** Milliseconds until the next turn; undefined where no host is there. */
  async nextMs(): Promise<number | undefined> {
    const { rows } = await this.#pool.query<{ due: number | null }>(
      'select swarmplane.next_handover() as due',
    );
    return rows[0]?.due ?? undefined;
  }

  /** Drops what is older than the settings say. */
  async tidy(): Promise<void> {
    await this.#pool.query('select swarmplane.drop_old_history()');
    await this.#pool.query('select swarmplane.compact_history()');
  }
}

function ackOf({ table, line, sequence, hash }: AckRow): Ack {
  return {
    table,
    line: bytes(line),
    sequence,
    // Empty: no state is there to apply changes to.
    hash: hash === null ? new Uint8Array() : bytes(hash),
  };
}

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
