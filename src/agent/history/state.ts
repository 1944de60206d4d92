/**
 * The last known state of each tracked table, a file each: what the next taking is compared with,
 * and what a hub gets that has nothing to go on from. It may be lost: the next taking is a full then.
 */
import { layoutOf } from '../../takings/index.ts';
import type { TakenRow } from '../../query/index.ts';
import { sha256 } from '../../secure/index.ts';
import type { Shape } from '../../tables/types.ts';
import {
  concat,
  decodeAllFields,
  decodeFields,
  encodeFields,
  equalBytes,
  pack,
  unpack,
} from '../../wire/index.ts';
import type { Disk } from './disk.ts';
import { sameLine } from './journal.ts';
import type { Head } from './segment.ts';

export interface TableState {
  /** Of the taking that found it. */
  readonly line: Uint8Array;
  readonly hash: Uint8Array;
  readonly shape: Shape;
  readonly rows: readonly TakenRow[];
}

export class StateStore {
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Undefined unless it is whole and is the state that the head names. */
  async read(table: string, head: Head): Promise<TableState | undefined> {
    if (head.hash.length === 0) return undefined;
    const bytes = await this.#disk.read(fileOf(table));
    const state = bytes && decode(bytes);
    if (state === undefined || !sameLine(state.line, head.line)) return undefined;
    return equalBytes(state.hash, head.hash) ? state : undefined;
  }

  async write(table: string, state: TableState): Promise<void> {
    await this.#disk.replace(fileOf(table), encode(state));
  }

  /** Removes the states of other tables than these. */
  async keepOnly(tables: readonly string[]): Promise<void> {
    const kept = new Set(tables.map(fileOf));
    for (const name of await this.#disk.list()) {
      if (name.endsWith(SUFFIX) && !kept.has(name)) await this.#disk.remove(name);
    }
  }
}

const SUFFIX = '.state';

function fileOf(table: string): string {
  return `${table}${SUFFIX}`;
}

function encode({ line, hash, shape, rows }: TableState): Uint8Array {
  const parts = rows.map(({ key, row, bytes }) => concat(key, row, bytes));
  const layout = pack(shape);
  const content = encodeFields([line, hash, layout, encodeFields(parts)]);
  return concat(sha256(content), content);
}

type Bytes4 = [Uint8Array, Uint8Array, Uint8Array, Uint8Array];

function decode(bytes: Uint8Array): TableState | undefined {
  try {
    const content = bytes.subarray(32);
    if (!equalBytes(sha256(content), bytes.subarray(0, 32))) return undefined;
    const [line, hash, layout, rows] = decodeFields(content, 4) as Bytes4;
    return {
      line,
      hash,
      shape: layoutOf(unpack(layout)),
      rows: decodeAllFields(rows).map((part) => ({
        key: part.subarray(0, 32),
        row: part.subarray(32, 64),
        bytes: part.subarray(64),
      })),
    };
  } catch {
    return undefined;
  }
}
