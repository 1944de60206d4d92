/** The wish list of this host: which tables it takes by itself, kept until a newer list comes. */
import { pack, unpack, type Packable } from '../../wire/index.ts';
import type { Disk } from './disk.ts';
import { queryOf, type Wish } from '../../takings/index.ts';

export interface KeptWish extends Wish {
  /** Sensitive tables that it reads; taken up because its asker showed a certificate for them. */
  readonly sensitive: readonly string[];
}

export interface WishList {
  readonly version: number;
  /** Who asked for it, by which request, and when (Unix milliseconds); the request was signed. */
  readonly origin: string;
  readonly originName: string;
  readonly request: string;
  readonly at: number;
  readonly tables: readonly KeptWish[];
}

const FILE = 'wishes.bin';

/** A list that cannot be read is no list: the hub sends it again. */
export async function readWishes(disk: Disk): Promise<WishList | undefined> {
  const bytes = await disk.read(FILE);
  if (bytes === undefined) return undefined;
  try {
    const list = unpack(bytes) as unknown as WishList;
    const good = list.tables.every(isWhole);
    return Number.isSafeInteger(list.version) && good ? list : undefined;
  } catch {
    return undefined;
  }
}

function isWhole({ table, every, sensitive, query }: KeptWish): boolean {
  // Throws, which is as good as false.
  if (query !== undefined) queryOf(query as unknown as Packable);
  return isTableName(table) && isInterval(every) && Array.isArray(sensitive);
}

export async function writeWishes(disk: Disk, list: WishList): Promise<void> {
  await disk.replace(FILE, pack(list));
}

export const WISHES_MAX = 256;
export const EVERY_SECONDS_MAX = 31 * 86_400;

/** It becomes part of a statement, of SQL and of a file's name. */
export function isTableName(name: string): boolean {
  return /^[a-z][a-z0-9_]{0,62}$/.test(name);
}

export function isInterval(every: number): boolean {
  return Number.isSafeInteger(every) && every >= 1 && every <= EVERY_SECONDS_MAX;
}
