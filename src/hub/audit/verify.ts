/**
 * Checks the audit as a stranger would, on a machine that need not be the hub: rows against the seals
 * that hold them, seals against their chain and the keys of the hubs, and the chain against what the
 * nodes of the swarm remember (docs/protocol.md section 10).
 */
import type pg from 'pg';
import type { OpenSeal } from '../../agent/index.ts';
import { auditRowHash, sealedRows, sealHash, type AuditRow, type SealedRow } from './seal.ts';
import { compareMemories, type NodeMemory } from './memory.ts';
import { HubError } from '../errors.ts';
import { IdSet } from './id-set.ts';
import { SEAL_COLUMNS, storedSeal, type StoredSeal } from './seal-rows.ts';

export type FaultKind =
  /** A row says something else than when it was sealed. */
  | 'row_edited'
  | 'row_deleted'
  /** A row that no seal holds, although its time is sealed. */
  | 'row_inserted'
  | 'seal_edited'
  | 'seal_missing'
  /** A seal does not follow the one before it. */
  | 'chain_broken'
  | 'seal_signature'
  /** Nodes remember another seal than the database has. */
  | 'chain_rebuilt'
  /** Nodes remember later seals than the database has. */
  | 'chain_cut_off'
  /** Nodes remember a chain of which the database knows nothing. */
  | 'chain_unknown';

export interface Fault {
  readonly kind: FaultKind;
  readonly message: string;
}

export interface VerifyOptions {
  readonly pool: pg.Pool;
  /** Takes a SEAL apart; agent's `openSeal`. */
  readonly open: (head: Uint8Array) => OpenSeal | undefined;
  /** Public keys of a hub by version, as they are pinned on this machine; empty for one never seen. */
  readonly keys: (hub: string) => Promise<readonly Uint8Array[]>;
  /** What nodes remember. Asked before the database is read, so that it is never ahead of it. */
  readonly memories: readonly NodeMemory[];
  /** Chains of other databases that the nodes may remember too (uuid). */
  readonly otherChains: readonly string[];
}

export interface AuditReport {
  readonly faults: readonly Fault[];
  readonly rows: number;
  readonly seals: number;
  /** Rows that no seal holds yet. */
  readonly unsealed: number;
  /** Time of the oldest of these, milliseconds. */
  readonly unsealedSince: number | undefined;
  /** What retention let go. */
  readonly dropped: { readonly rows: number; readonly before: number } | undefined;
  /** Names of nodes that remember a seal as the database has it. */
  readonly witnesses: readonly string[];
  /** Things to know that are no faults. */
  readonly notes: readonly string[];
}

/** @throws HubError `not_migrated`; what pg throws */
export async function verifyAudit(options: VerifyOptions): Promise<AuditReport> {
  const client = await options.pool.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    const { rows } = await client.query<{ there: boolean }>(
      `select to_regclass('swarmplane.audit_seal') is not null as there`,
    );
    if (!rows[0]!.there)
      throw new HubError('not_migrated', 'this database has no audit with seals', {
        hint: 'start a hub of this release on it once, or check the URL',
      });
    const report = await new Verification(client, options).run();
    await client.query('rollback');
    return report;
  } finally {
    client.release(true);
  }
}

/** Seals read at once: each holds at most 5,000 rows of 48 bytes. */
const SEALS_PAGE = 20;
const ROWS_PAGE = 5_000;
/** Clocks may be put back a little. */
const CLOCK_MICROS = 300_000_000;
const DAY_MICROS = 86_400_000_000;

class Verification {
  readonly #client: pg.PoolClient;
  readonly #options: VerifyOptions;
  readonly #faults: Fault[] = [];
  readonly #keys = new Map<string, Promise<readonly Uint8Array[]>>();
  /** Ids that seals hold, in no order. */
  readonly #sealed = new IdSet();
  readonly #seals: StoredSealHead[] = [];
  #checkpoint: StoredSeal | undefined;
  #rows = 0;
  #unsealed = 0;
  #unsealedSince: number | undefined;

  constructor(client: pg.PoolClient, options: VerifyOptions) {
    this.#client = client;
    this.#options = options;
  }

  async run(): Promise<AuditReport> {
    const [newest] = await this.#readSeals(
      'where s.dropped_before is not null order by s.number desc limit 1',
    );
    this.#checkpoint = newest;
    let before: StoredSeal | undefined;
    for (;;) {
      const page = await this.#readSeals(
        `where s.number > ${before?.number ?? 0} order by s.number limit ${SEALS_PAGE}`,
      );
      if (page.length === 0) break;
      for (const seal of page) {
        await this.#checkSeal(seal, before);
        await this.#checkSealedRows(seal);
        before = seal;
      }
    }
    await this.#checkOtherRows();
    const { faults, witnesses, notes } = await compareMemories({
      memories: this.#options.memories,
      otherChains: this.#options.otherChains,
      seals: this.#seals,
      checkpoint: this.#checkpoint?.checkpoint,
      check: (head) => this.#opened(head),
    });
    return this.#report([...this.#faults, ...faults], witnesses, notes);
  }

  #report(faults: Fault[], witnesses: readonly string[], notes: readonly string[]): AuditReport {
    const dropped = this.#checkpoint?.checkpoint;
    return {
      faults,
      witnesses,
      notes,
      rows: this.#rows,
      seals: this.#seals.length,
      unsealed: this.#unsealed,
      unsealedSince: this.#unsealedSince,
      dropped: dropped && { rows: dropped.rows, before: dropped.before / 1_000 },
    };
  }

  #fault(kind: FaultKind, message: string): void {
    this.#faults.push({ kind, message });
  }

  async #readSeals(tail: string): Promise<StoredSeal[]> {
    const { rows } = await this.#client.query(
      `select ${SEAL_COLUMNS} from swarmplane.audit_seal s ${tail}`,
    );
    return rows.map(storedSeal);
  }

  async #checkSeal(seal: StoredSeal, before: StoredSeal | undefined): Promise<void> {
    const { number, micros, seenId, settledId, chain, checkpoint } = seal;
    const hash = hex(seal.hash);
    this.#seals.push({ number, micros, seenId, settledId, chain: plain(chain), hash });
    if (hex(sealHash(seal)) !== hash || !isOfItsRows(seal))
      this.#fault('seal_edited', `seal ${number} does not have the hash of what it says`);
    this.#checkPlace(seal, before);
    await this.#checkSignature(seal);
    if (checkpoint !== undefined && checkpoint.before > micros - DAY_MICROS)
      this.#fault('seal_edited', `checkpoint ${number} lets rows go that were not a day old`);
  }

  #checkPlace({ number, previous }: StoredSeal, before: StoredSeal | undefined): void {
    const dropped = this.#checkpoint?.checkpoint;
    const start = dropped?.seal === number - 1 ? dropped : undefined;
    const last = before?.number ?? start?.seal ?? 0;
    if (number !== last + 1) {
      const gone =
        number === last + 2 ? `seal ${last + 1} is` : `seals ${last + 1} to ${number - 1} are`;
      return this.#fault('seal_missing', `${gone} missing, and no checkpoint lets them go`);
    }
    const due = hex(before?.hash ?? start?.hash ?? new Uint8Array(32));
    if (hex(previous) !== due)
      this.#fault('chain_broken', `seal ${number} does not follow seal ${last} as that is now`);
  }

  async #checkSignature(seal: StoredSeal): Promise<void> {
    const wrong = (why: string): void =>
      this.#fault('seal_signature', `the signature of seal ${seal.number} ${why}`);
    if (seal.head === undefined) return wrong('is not there');
    const opened = await this.#opened(seal.head);
    if (typeof opened === 'string') return wrong(opened);
    const { number, chain, hash, hub, at } = opened;
    const same =
      number === seal.number &&
      chain === plain(seal.chain) &&
      hub === seal.hub &&
      hash === hex(seal.hash);
    if (!same || at !== Math.floor(seal.micros / 1_000)) wrong(`is of another seal`);
  }

  /** What is wrong with the signature, or the SEAL. */
  async #opened(head: Uint8Array): Promise<OpenSeal | string> {
    const seal = this.#options.open(new Uint8Array(head));
    if (seal === undefined) return 'cannot be read';
    let keys = this.#keys.get(seal.hub);
    if (keys === undefined) this.#keys.set(seal.hub, (keys = this.#options.keys(seal.hub)));
    const key = (await keys)[seal.keyVersion];
    if (key === undefined)
      return `is by key ${seal.keyVersion} of node ${seal.hub}, which this machine does not know`;
    return seal.signedBy(key) ? seal : `does not hold under the key of node ${seal.hub}`;
  }

  async #checkSealedRows(seal: StoredSeal): Promise<void> {
    const held = sealedRows(seal.rows);
    const found = await this.#readRows('where a.id = any($1::bigint[])', [
      held.map(({ id }) => id),
    ]);
    const byId = new Map<number, FoundRow[]>();
    for (const row of found) byId.set(row.id, [...(byId.get(row.id) ?? []), row]);
    for (const due of held) {
      this.#sealed.add(due.id);
      const [row, ...more] = sorted(byId.get(due.id) ?? [], due);
      if (row === undefined) this.#missing(due, seal);
      else this.#checkRow(row, due);
      for (const other of more) this.#inserted(other, 'its id is taken by a sealed row');
    }
  }

  #missing({ id, micros }: SealedRow, { number }: StoredSeal): void {
    if (micros < (this.#checkpoint?.checkpoint?.before ?? 0)) return;
    this.#fault('row_deleted', `row ${id} of ${time(micros)}, which seal ${number} holds, is gone`);
  }

  #checkRow(row: FoundRow, due?: SealedRow): void {
    this.#rows++;
    const hash = hex(auditRowHash(row));
    const said = [due?.hash, row.hash].filter((one) => one instanceof Uint8Array);
    if (said.some((one) => hex(one) !== hash))
      this.#fault('row_edited', `${name(row)} is not what it was when it was written`);
    const earlier = this.#seals.findLast(({ seenId }) => seenId < row.id);
    if (earlier !== undefined && row.micros < earlier.micros - CLOCK_MICROS)
      this.#inserted(row, `it was written after seal ${earlier.number}`);
  }

  #inserted(row: FoundRow, why: string): void {
    this.#fault('row_inserted', `${name(row)} was put in later: ${why}`);
  }

  /** Rows that no seal holds: new ones, or such as somebody put among the old ones. */
  async #checkOtherRows(): Promise<void> {
    const settled = this.#seals.reduce((most, seal) => Math.max(most, seal.settledId), 0);
    let [id, micros] = [Number.MIN_SAFE_INTEGER, 0];
    for (;;) {
      const page = await this.#readRows(
        `where (a.id, swarmplane.micros(a.at)) > ($1, $2) order by a.id, a.at limit ${ROWS_PAGE}`,
        [id, micros],
      );
      for (const row of page) {
        if (this.#sealed.has(row.id)) continue;
        this.#checkRow(row);
        if (row.id <= settled)
          this.#inserted(row, 'no seal holds it, although all of its time are sealed');
        else this.#waiting(row);
      }
      const last = page.at(-1);
      if (last === undefined) return;
      [id, micros] = [last.id, last.micros];
    }
  }

  #waiting({ micros }: FoundRow): void {
    this.#unsealed++;
    this.#unsealedSince = Math.min(this.#unsealedSince ?? Infinity, micros / 1_000);
  }

  async #readRows(tail: string, values: unknown[]): Promise<FoundRow[]> {
    const { rows } = await this.#client.query<FoundRow>(
      `select a.id, swarmplane.micros(a.at) as micros, a.actor, a.action, a.object,
              a.before::text as before, a.after::text as after, a.hash
         from swarmplane.audit a ${tail}`,
      values,
    );
    return rows;
  }
}

interface FoundRow extends AuditRow {
  /** Null in a row from before there were hashes. */
  readonly hash: Uint8Array | null;
}

/** What is kept of a seal while the others are read. */
export interface StoredSealHead {
  readonly number: number;
  /** 32 hex digits. */
  readonly chain: string;
  readonly hash: string;
  readonly micros: number;
  readonly seenId: number;
  readonly settledId: number;
}

function isOfItsRows({ rows, count, firstId, lastId }: StoredSeal): boolean {
  const ids = sealedRows(rows).map(({ id }) => id);
  return ids.length === count && (ids[0] ?? 0) === firstId && (ids.at(-1) ?? 0) === lastId;
}

/** The row that the seal means first. */
function sorted(found: readonly FoundRow[], due: SealedRow): readonly FoundRow[] {
  if (found.length < 2) return found;
  const fits = (row: FoundRow): number => (row.micros === due.micros ? 0 : 1);
  return found.toSorted((a, b) => fits(a) - fits(b));
}

function name({ id, micros, actor, action, object }: FoundRow): string {
  return `row ${id} (${time(micros)}, ${actor}, ${action}, ${object})`;
}

function time(micros: number): string {
  return new Date(micros / 1_000).toISOString().slice(0, 19).replace('T', ' ');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function plain(uuid: string): string {
  return uuid.replaceAll('-', '');
}
