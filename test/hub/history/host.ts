/**
 * A host that hands takings over, by the rules of docs/protocol.md section 11: signed, numbered, chained
 * by document hashes, kept until they are acknowledged. What its table truly was is remembered, so that
 * a test can compare.
 */
import { randomBytes } from 'node:crypto';
import { signStatement, type Ack, type Taking, type TakingKind } from '../../../src/agent/index.ts';
import { Identity } from '../../../src/secure/index.ts';
import { documentHash, keyHash, rowHash, shapeHash } from '../../../src/tables/canonical.ts';
import type { Shape, ShapeRow } from '../../../src/tables/types.ts';

export const SWARM_ID = new Uint8Array(32).fill(7);

export const PACKAGES: Shape = {
  columns: [
    { name: 'name', type: 'TEXT' },
    { name: 'version', type: 'TEXT' },
    { name: 'size', type: 'BIGINT' },
  ],
  key: ['name'],
};

/** One tracked table of one host. */
export class HistoryHost {
  readonly identity: Identity;
  readonly table: string;
  shape: Shape;
  /** Takings that were not acknowledged. */
  journal: Taking[] = [];
  #line = randomBytes(16);
  #sequence = 0;
  #acked = 0;
  #state = new Map<string, ShapeRow>();
  #told: string | undefined;

  constructor(table = 'packages', shape = PACKAGES, identity = newIdentity()) {
    this.table = table;
    this.shape = shape;
    this.identity = identity;
  }

  get nodeId(): string {
    return this.identity.nodeId;
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Takes the table as it is at `at`: full at first, then what changed. */
  take(at: number, rows: readonly ShapeRow[]): Taking {
    const next = new Map(rows.map((row) => [hex(rowHash(this.shape, row)), row]));
    const before = this.#state;
    const shape = hex(shapeHash(this.shape));
    const kind =
      this.#told !== shape ? 'full' : sameKeys(before, next) ? 'same' : ('delta' as const);
    this.#state = next;
    this.#told = shape;
    return this.#keep(kind, at, kind === 'full' ? new Map() : before, next);
  }

  gap(at: number, code = 'table_unavailable', message = 'no such file'): Taking {
    return this.#write({ kind: 'gap', at, reason: { code, message } });
  }

  /** The bound of the journal: all of it goes, a gap says so, the whole state follows. */
  drop(at: number): void {
    this.journal = [];
    const dropped = { from: this.#acked + 1, to: this.#sequence };
    this.#sequence--;
    this.#write({ kind: 'gap', at, dropped, reason: { code: 'dropped', message: 'was full' } });
    this.#keep('full', at, new Map(), this.#state);
  }

  /** As after a restore of the state folder that the host noticed, or after it was emptied. */
  newLine(): void {
    this.#line = randomBytes(16);
    this.#sequence = 0;
    this.#acked = 0;
    this.#told = undefined;
    this.journal = [];
  }

  /** A copy with the state of now, as a backup of the state folder holds it. */
  copy(): HistoryHost {
    const copy = new HistoryHost(this.table, this.shape, this.identity);
    copy.journal = [...this.journal];
    copy.#line = this.#line;
    copy.#sequence = this.#sequence;
    copy.#acked = this.#acked;
    copy.#state = this.#state;
    copy.#told = this.#told;
    return copy;
  }

  /** What it answers to a fetch request with this ack: at most `most` takings in order. */
  answer(at: number, ack: Ack | undefined, most = Infinity): Taking[] {
    const chain = this.journal.findIndex(({ kind }) => kind !== 'gap');
    if (ack === undefined && this.journal[chain]?.kind !== 'full') {
      this.journal = [];
      if (this.#told !== undefined) this.#keep('full', at, new Map(), this.#state);
    } else if (ack !== undefined && hex(ack.line) === hex(this.#line)) {
      if (ack.sequence > this.#sequence) this.newLine();
      this.#acked = Math.max(this.#acked, ack.sequence);
      this.journal = this.journal.filter(({ sequence }) => sequence > ack.sequence);
    }
    return this.journal.slice(0, most);
  }

  #keep(
    kind: TakingKind,
    at: number,
    before: ReadonlyMap<string, ShapeRow>,
    after: ReadonlyMap<string, ShapeRow>,
  ): Taking {
    const added = [...after].filter(([hash]) => !before.has(hash)).map(([, row]) => row);
    const removed = [...before].filter(([hash]) => !after.has(hash)).map(([, row]) => row);
    return this.#write({ kind, at, added, removed, before, after });
  }

  #write(made: {
    kind: TakingKind;
    at: number;
    added?: readonly ShapeRow[];
    removed?: readonly ShapeRow[];
    before?: ReadonlyMap<string, ShapeRow>;
    after?: ReadonlyMap<string, ShapeRow>;
    reason?: { code: string; message: string };
    dropped?: { from: number; to: number };
  }): Taking {
    const { kind, at, added = [], removed = [], before, after, reason, dropped } = made;
    const [shape, gap] = [this.shape, kind === 'gap'];
    const content = {
      table: this.table,
      line: new Uint8Array(this.#line),
      sequence: ++this.#sequence,
      at,
      kind,
      shape: gap ? NOTHING : shapeHash(shape),
      base: gap || kind === 'full' ? NOTHING : stateHash(before!),
      hash: gap ? NOTHING : stateHash(after!),
      ...(reason && { reason }),
      ...(dropped && { dropped }),
    };
    const id = (values: ShapeRow) => ({ key: keyHash(shape, values), row: rowHash(shape, values) });
    const taking: Taking = {
      ...content,
      ...signStatement(this.identity, SWARM_ID, content),
      layout: gap ? undefined : shape,
      added: added.map((values) => ({ ...id(values), values })),
      removed: removed.map(id),
    };
    this.journal.push(taking);
    return taking;
  }
}

export function newIdentity(): Identity {
  return Identity.create((n) => new Uint8Array(randomBytes(n)), 1_700_000_000);
}

function stateHash(state: ReadonlyMap<string, ShapeRow>): Uint8Array {
  return documentHash([...state.keys()].map((hash) => Buffer.from(hash, 'hex')));
}

function sameKeys(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

const NOTHING = new Uint8Array(0);
