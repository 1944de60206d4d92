/**
 * What a host says of the tables it tracks, and what it is told (docs/protocol.md section 11).
 * A taking is one reading of a tracked table, or the account of why there is none.
 */
import type { Shape, ShapeRow } from '../tables/types.ts';

/** One table or query on a host's wish list. */
export interface Wish {
  /** Of a query the name that it is tracked under, which is no host table's. */
  readonly table: string;
  /** Seconds from one taking to the next. */
  readonly every: number;
  /** What is asked in the place of a whole table. */
  readonly query?: TrackedQuery;
}

/** The declaration of a tracked query. */
export type TrackedQuery = Required<Shape>;

/** Body of a request of kind `track`. The list is whole: what is not on it is no longer tracked. */
export interface TrackBody {
  /** The host takes a list whose version is not below the one it keeps. */
  readonly version: number;
  readonly tables: readonly Wish[];
}

export interface TrackAnswer {
  /** Of the list that is kept now. */
  readonly version: number;
  /** False when the host keeps a list of a higher version: ask again with one above `version`. */
  readonly taken: boolean;
  /** Tables that this host will not track for this asker. */
  readonly refused: readonly Refusal[];
}

export interface Refusal {
  readonly table: string;
  /** no_such_table, denied, constraint_required, authority, bad_interval, too_many, name_taken. */
  readonly code: string;
  readonly message: string;
}

/** Body of a request of kind `fetch`. */
export interface FetchBody {
  /** For each table what was committed last. A table without an ack starts with its whole state. */
  readonly acks: readonly Ack[];
  /** Most bytes of the answer; 1 MiB when left out. At least one taking comes, whatever its size. */
  readonly bytes?: number;
  /** Only these tables; all tracked ones when left out. */
  readonly tables?: readonly string[];
}

export interface Ack {
  readonly table: string;
  /** 16 bytes. */
  readonly line: Uint8Array;
  readonly sequence: number;
  /**
   * Document hash of the state the asker has, empty when it has none. Where the next taking does
   * not apply to it, the host sends a full.
   */
  readonly hash?: Uint8Array;
}

export interface FetchAnswer {
  /** Of the wish list, 0 when there is none. */
  readonly version: number;
  /** In order for each table. */
  readonly takings: readonly Taking[];
  /** There is more: acknowledge and ask again at once. */
  readonly more: boolean;
  /** Tables that this asker may not have. */
  readonly refused: readonly Refusal[];
  readonly vitals: Vitals;
}

/** full: `added` is the whole state. same: nothing changed. gap: no state is known at this point. */
export type TakingKind = 'full' | 'delta' | 'same' | 'gap';

/** What a host signs. */
export interface Statement {
  readonly table: string;
  /** 16 bytes, made when the host begins to count the table's takings. */
  readonly line: Uint8Array;
  /** From 1, by one, never used again in its line. */
  readonly sequence: number;
  /** The host's wall clock, Unix milliseconds. It may go back; `sequence` is the order. */
  readonly at: number;
  readonly kind: TakingKind;
  /** Document hash of the state that `added` and `removed` change; empty for full and gap. */
  readonly base: Uint8Array;
  /** Document hash of the state after; empty for gap. */
  readonly hash: Uint8Array;
  /** Hash of the shape the rows are in; empty for gap. */
  readonly shape: Uint8Array;
  /** Why there is a gap. */
  readonly reason?: { readonly code: string; readonly message: string };
  /** A gap of takings that were made and are not kept any more, both ends included. */
  readonly dropped?: { readonly from: number; readonly to: number };
}

export interface Taking extends Statement {
  /** The bytes that are signed, as received. They name swarm and node as well. */
  readonly statement: Uint8Array;
  /** Ed25519 by the node's identity key of this version. */
  readonly signature: Uint8Array;
  readonly keyVersion: number;
  /** How the rows are to be read; undefined for gap. */
  readonly layout: Shape | undefined;
  readonly added: readonly AddedRow[];
  /** Rows that are gone. */
  readonly removed: readonly RowId[];
}

/** Its hashes are for whoever needs them to compute. */
export interface AddedRow {
  /** Canonical, in the order of the layout's columns. */
  readonly values: ShapeRow;
}

/** Row identity within a host and table, 32 bytes each. */
export interface RowId {
  readonly key: Uint8Array;
  readonly row: Uint8Array;
}

/** What a host tells of its clock and its running with each answer. */
export interface Vitals {
  /** The host's wall clock as it answers, Unix milliseconds. */
  readonly wall: number;
  /** Made by the kernel at each start of the machine; empty where there is no /proc. random(4) */
  readonly boot: string;
  /** Milliseconds since that start, by the clock that nobody can set. */
  readonly upMs: number;
}
