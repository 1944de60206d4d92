/** Keeps the member table on disk: soon after a change, never twice at once. */
import { pack, unpack, type Packable } from '../../wire/index.ts';
import type { Context } from '../engine/context.ts';
import { keptOf, type Member } from './member.ts';
import type { Members } from './members.ts';
import type { KeptObject } from '../types.ts';

/** Key of the persist effect. */
export const MEMBERS_KEY = 'members';

/** The table goes to disk at most this often. */
const KEEP_MS = 2_000;

export class KeptTable {
  #context: Context;
  #members: Members;
  #isWriting = false;
  #again = false;

  constructor(context: Context, members: Members) {
    this.#context = context;
    this.#members = members;
  }

  /** The table changed. */
  touch(): void {
    if (!this.#isWriting) this.#soon();
    else this.#again = true;
  }

  handleTimer(): void {
    const objects: KeptObject[] = [];
    for (const member of holdersFirst(this.#members)) {
      // The own record is made anew in each run.
      if (member.nodeId !== this.#context.nodeId) objects.push(...keptOf(member));
    }
    for (const member of this.#members.expelled())
      objects.push({ bytes: member.record.bytes, wall: 0 });
    const bytes = packTable(objects);
    this.#isWriting = true;
    const done = () => this.#written();
    this.#context.persist({ key: MEMBERS_KEY, what: 'the member table', bytes, done });
  }

  #written(): void {
    this.#isWriting = false;
    if (this.#again) this.#soon();
    this.#again = false;
  }

  /** A run of changes does not put the writing off for ever. */
  #soon(): void {
    if (this.#context.timers.has('keep', '')) return;
    this.#context.timers.set('keep', '', this.#context.now.mono + KEEP_MS);
  }
}

/** So that each name has the same holder after the next start. */
function holdersFirst(members: Members): Member[] {
  const all = [...members.all()];
  const holds = ({ nodeId, record }: Member): boolean =>
    members.names.holder(record.body.name) === nodeId;
  return [...all.filter(holds), ...all.filter((member) => !holds(member))];
}

export function packTable(objects: readonly KeptObject[]): Uint8Array {
  return pack(objects.map(({ bytes, wall }) => [bytes, wall]));
}

/**
 * Whatever is no object is found out when it is read. A list of bytes alone is of before times were kept.
 * Copies: one record would keep the whole file in memory.
 */
export function unpackTable(bytes: Uint8Array): KeptObject[] {
  return unpackList(bytes).map((item) => {
    const [object, wall] = Array.isArray(item) ? (item as Packable[]) : [item];
    return {
      bytes: object instanceof Uint8Array ? object.slice() : new Uint8Array(0),
      wall: typeof wall === 'number' ? wall : 0,
    };
  });
}

export function unpackList(bytes: Uint8Array): readonly Packable[] {
  try {
    const value = unpack(bytes);
    return Array.isArray(value) ? (value as readonly Packable[]) : [];
  } catch {
    return [];
  }
}
