/**
 * Audit rows and seals as bytes: the encodings of docs/protocol.md section 10, the same that
 * sql/15-audit.sql and sql/18-seal.sql compute.
 */
import { createHash } from 'node:crypto';
import { encodeFields, utf8 } from '../../agent/client.ts';

/** A row of swarmplane.audit. */
export interface AuditRow {
  readonly id: number;
  /** Microseconds since 1970. */
  readonly micros: number;
  readonly actor: string;
  readonly action: string;
  readonly object: string;
  /** jsonb as PostgreSQL writes it. */
  readonly before: string | null;
  readonly after: string | null;
}

/** A row of swarmplane.audit_seal but for hash and signature. */
export interface Seal {
  readonly number: number;
  /** uuid. */
  readonly chain: string;
  /** Microseconds since 1970. */
  readonly micros: number;
  /** Node id. */
  readonly hub: string;
  readonly previous: Uint8Array;
  readonly count: number;
  readonly firstId: number;
  readonly lastId: number;
  readonly seenId: number;
  readonly settledId: number;
  /** 48 bytes a row; see `sealedRows`. */
  readonly rows: Uint8Array;
  readonly checkpoint: Checkpoint | undefined;
}

/** From where on the audit is kept. */
export interface Checkpoint {
  /** Microseconds since 1970: rows before are gone. */
  readonly before: number;
  /** The last seal that went with them, 0 for none, and its hash. */
  readonly seal: number;
  readonly hash: Uint8Array;
  /** Rows that are gone, in all. */
  readonly rows: number;
}

export function auditRowHash(row: AuditRow): Uint8Array {
  return sha256(
    encodeFields([
      utf8('swarmplane/1 audit row'),
      i64(row.id),
      i64(row.micros),
      utf8(row.actor),
      utf8(row.action),
      utf8(row.object),
      utf8(row.before ?? ''),
      utf8(row.after ?? ''),
    ]),
  );
}

export function sealHash(seal: Seal): Uint8Array {
  return sha256(
    encodeFields([
      utf8('swarmplane/1 audit seal'),
      chainBytes(seal.chain),
      i64(seal.number),
      i64(seal.micros),
      Buffer.from(seal.hub, 'hex'),
      seal.previous,
      i64(seal.count),
      i64(seal.firstId),
      i64(seal.lastId),
      i64(seal.seenId),
      i64(seal.settledId),
      sha256(seal.rows),
      seal.checkpoint === undefined ? new Uint8Array() : checkpointBytes(seal.checkpoint),
    ]),
  );
}

/** One row as a seal holds it. */
export interface SealedRow {
  readonly id: number;
  readonly micros: number;
  readonly hash: Uint8Array;
}

/** The rows of a seal, by id. */
export function sealedRows(rows: Uint8Array): SealedRow[] {
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  return Array.from({ length: Math.floor(rows.length / ROW_BYTES) }, (_, index) => {
    const at = index * ROW_BYTES;
    return {
      id: Number(view.getBigUint64(at)),
      micros: Number(view.getBigUint64(at + 8)),
      hash: rows.subarray(at + 16, at + ROW_BYTES),
    };
  });
}

const ROW_BYTES = 48;

/** As int8send writes it. */
function i64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

function chainBytes(uuid: string): Uint8Array {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

function checkpointBytes({ before, seal, hash, rows }: Checkpoint): Uint8Array {
  return encodeFields([i64(before), i64(seal), hash, i64(rows)]);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}
