/** Reads swarmplane.audit_seal. */
import type pg from 'pg';
import type { Seal } from './seal.ts';

/** A seal as it is stored. */
export interface StoredSeal extends Seal {
  readonly hash: Uint8Array;
  /** SEAL as signed; undefined inside of the transaction that makes it. */
  readonly head: Uint8Array | undefined;
}

/** What `storedSeal` reads, of a row called s. */
export const SEAL_COLUMNS = `s.number, s.chain, swarmplane.micros(s.at) as micros, s.hub, s.previous,
  s.count, s.first_id, s.last_id, s.seen_id, s.settled_id, s.rows,
  swarmplane.micros(s.dropped_before) as dropped_micros, s.dropped_seal, s.dropped_hash, s.dropped_rows,
  s.hash, s.head`;

export function storedSeal(row: pg.QueryResultRow): StoredSeal {
  const { number, chain, micros, hub, previous, count, rows, hash } = row as StoredSeal;
  return {
    number,
    chain,
    micros,
    hub,
    previous,
    count,
    rows,
    hash,
    firstId: row['first_id'],
    lastId: row['last_id'],
    seenId: row['seen_id'],
    settledId: row['settled_id'],
    checkpoint:
      row['dropped_micros'] === null
        ? undefined
        : {
            before: row['dropped_micros'],
            seal: row['dropped_seal'],
            hash: row['dropped_hash'],
            rows: row['dropped_rows'],
          },
    head: row['head'] ?? undefined,
  };
}
