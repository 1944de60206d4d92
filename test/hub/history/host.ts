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
  /** Of the last taking. */
  #at = 0;
  /** The last taking that found the state. */
  #found = NEVER;
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

  /** The bound of the journal: the oldest go, and what is handed over says so. */
  drop(): void {
    this.journal = this.journal.slice(-1);
  }

  /** As after a restore of the state folder that the host noticed, or after it was emptied. */
  newLine(): void {
    this.#line = randomBytes(16);
    this.#sequence = 0;
    this.#told = undefined;
    this.#found = NEVER;
    this.journal = [];
  }

  /** A copy with the state of now, as a backup of the state folder holds it. */
  copy(): HistoryHost {
    const copy = new HistoryHost(this.table, this.shape, this.identity);
    copy.journal = [...this.journal];
    copy.#line = this.#line;
    copy.#sequence = this.#sequence;
    copy.#found = this.#found;
    copy.#at = this.#at;
    copy.#state = this.#state;
    copy.#told = this.#told;
    return copy;
  }

  /** What it answers to a fetch request with this ack: at most `most` takings in order. */
  answer(at: number, ack: Ack | undefined, most = Infinity): Taking[] {
    const own = ack !== undefined && hex(ack.line) === hex(this.#line) ? ack : undefined;
    if (own !== undefined && own.sequence > this.#sequence) {
      this.newLine();
      this.gap(at, 'restored', 'it was set back');
      return this.answer(at, undefined, most);
    }
    const acked = own?.sequence ?? 0;
    this.journal = this.journal.filter(({ sequence }) => sequence > acked);
    return this.#handOver(at, acked, own?.hash && hex(own.hash)).slice(0, most);
  }

  /** As src/agent/history/handover.ts does, of a journal of one segment that holds no whole states. */
  #handOver(at: number, acked: number, known: string | undefined): Taking[] {
    const given: Taking[] = [];
    let [sequence, hash, passedAt] = [acked, known, Infinity];
    const give = (taking: Taking): void => {
      const [from, to] = [sequence + 1, taking.sequence - 1];
      if (to >= from) given.push(this.#dropped(from, to, Math.min(passedAt, taking.at)));
      given.push(taking);
      [sequence, passedAt] = [taking.sequence, Infinity];
      if (taking.kind !== 'gap') hash = hex(taking.hash);
    };
    const onlyGaps = this.#found.sequence <= acked;
    for (const taking of this.journal) {
      const { kind, base } = taking;
      const fits = kind === 'gap' || hash === undefined || hash === hex(base);
      const next = taking.sequence === sequence + 1 && fits;
      if (next || kind === 'full' || (kind === 'gap' && onlyGaps)) give(taking);
      else passedAt = taking.at;
    }
    const state = this.#told === undefined ? '' : hex(stateHash(this.#state));
    const agrees = hash === undefined || hash === state;
    if (sequence === this.#sequence && agrees) return given;
    if (this.#found.sequence > sequence) give(this.#foundAgain());
    else if (this.#told !== undefined) give(this.#keep('full', at, new Map(), this.#state));
    if (sequence < this.#sequence)
      given.push(this.#dropped(sequence + 1, this.#sequence, this.#at));
    return given;
  }

  /** The last state as a full, in the place of the taking that found it. */
  #foundAgain(): Taking {
    const { sequence, at } = this.#found;
    const [before, after] = [new Map(), this.#state];
    const added = [...after.values()];
    return this.#sign({ kind: 'full', at, added, before, after }, sequence);
  }

  #dropped(from: number, to: number, at: number): Taking {
    const reason = { code: 'dropped', message: 'no longer kept' };
    return this.#sign({ kind: 'gap', at, reason, dropped: { from, to } }, to);
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

  #write(made: Made): Taking {
    const { kind, at } = made;
    const sequence = ++this.#sequence;
    this.#at = at;
    if (kind !== 'gap') this.#found = { sequence, at };
    const taking = this.#sign(made, sequence);
    this.journal.push(taking);
    return taking;
  }

  #sign(made: Made, sequence: number): Taking {
    const { kind, at, added = [], removed = [], before, after, reason, dropped } = made;
    const [shape, gap] = [this.shape, kind === 'gap'];
    const content = {
      table: this.table,
      line: new Uint8Array(this.#line),
      sequence,
      at,
      kind,
      shape: gap ? NOTHING : shapeHash(shape),
      base: gap || kind === 'full' ? NOTHING : stateHash(before!),
      hash: gap ? NOTHING : stateHash(after!),
      ...(reason && { reason }),
      ...(dropped && { dropped }),
    };
    const id = (values: ShapeRow) => ({ key: keyHash(shape, values), row: rowHash(shape, values) });
    return {
      ...content,
      ...signStatement(this.identity, SWARM_ID, content),
      layout: gap ? undefined : shape,
      added: added.map((values) => ({ ...id(values), values })),
      removed: removed.map(id),
    };
  }
}

interface Made {
  readonly kind: TakingKind;
  readonly at: number;
  readonly added?: readonly ShapeRow[];
  readonly removed?: readonly ShapeRow[];
  readonly before?: ReadonlyMap<string, ShapeRow>;
  readonly after?: ReadonlyMap<string, ShapeRow>;
  readonly reason?: { readonly code: string; readonly message: string };
  readonly dropped?: { readonly from: number; readonly to: number };
}

const NEVER = { sequence: 0, at: 0 };

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
