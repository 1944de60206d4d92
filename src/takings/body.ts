/** The bodies of `track` and `fetch` requests and their answers (docs/protocol.md section 11). */
import { decodeRow, isColumnType, shapeHash } from '../tables/canonical.ts';
import type { ColumnType, Shape } from '../tables/types.ts';
import {
  concat,
  decodeAllFields,
  decodeFields,
  encodeFields,
  pack,
  packArrayHeader,
  packMapHeader,
  readU64,
  toHex,
  u64,
  unpack,
  WireError,
  type Packable,
  type Packs,
} from '../wire/index.ts';
import { decodeStatement, type Origin, type SignedStatement } from './statement.ts';
import type {
  Ack,
  FetchAnswer,
  FetchBody,
  Refusal,
  RowId,
  Taking,
  TrackAnswer,
  TrackBody,
  TrackedQuery,
  Vitals,
  Wish,
} from './types.ts';

export function encodeTrackBody({ version, tables }: TrackBody): Uint8Array {
  return pack({
    version,
    tables: tables.map(({ table, every, query }) => ({ table, every, ...(query && { query }) })),
  });
}

/** @throws WireError `malformed` */
export function decodeTrackBody(body: Uint8Array): TrackBody {
  const map = new Fields(unpack(body), 'a track request');
  return { version: map.natural('version'), tables: map.list('tables').map(wishOf) };
}

function wishOf(value: Packable): Wish {
  const map = new Fields(value, 'a wish');
  const wish = { table: map.text('table'), every: map.natural('every') };
  return map.has('query') ? { ...wish, query: queryOf(map.value('query')) } : wish;
}

/** @throws WireError `malformed` */
export function queryOf(value: Packable): TrackedQuery {
  const { query, ...shape } = layoutOf(value);
  if (query !== undefined) return { ...shape, query };
  throw new WireError('malformed', 'a declaration without the text of its query');
}

export function encodeTrackAnswer(answer: TrackAnswer): Uint8Array {
  return pack(answer);
}

/** @throws WireError `malformed` */
export function decodeTrackAnswer(payload: Uint8Array): TrackAnswer {
  const map = new Fields(unpack(payload), 'an answer to track');
  return {
    version: map.natural('version'),
    taken: map.value('taken') === true,
    refused: map.list('refused').map(refusalOf),
  };
}

export function encodeFetchBody({ acks, bytes, tables }: FetchBody): Uint8Array {
  return pack({ acks, bytes, tables });
}

/** @throws WireError `malformed` */
export function decodeFetchBody(body: Uint8Array): FetchBody {
  const map = new Fields(unpack(body), 'a fetch request');
  const tables = map.has('tables') ? map.list('tables').map(textOf) : undefined;
  return {
    acks: map.list('acks').map(ackOf),
    ...(map.has('bytes') ? { bytes: map.natural('bytes') } : {}),
    ...(tables === undefined ? {} : { tables }),
  };
}

function ackOf(value: Packable): Ack {
  const map = new Fields(value, 'an ack');
  return {
    table: map.text('table'),
    line: map.bytes('line', 16),
    sequence: map.natural('sequence'),
    ...(map.has('hash') ? { hash: map.bytes('hash', 0, 32) } : {}),
  };
}

/** A taking as it is kept and sent: never decoded between the disk and whoever fetches it. */
export function encodeTaking(
  signed: SignedStatement,
  added: readonly Uint8Array[],
  removed: Uint8Array,
): Uint8Array {
  const { statement, signature, keyVersion } = signed;
  return encodeFields([statement, signature, u64(keyVersion), encodeFields(added), removed]);
}

export interface PackedAnswer {
  readonly version: number;
  readonly more: boolean;
  readonly refused: readonly Refusal[];
  readonly vitals: Vitals;
  /** Packed by `encodeTaking`. */
  readonly takings: readonly Uint8Array[];
  /** Every shape that the takings name. */
  readonly layouts: readonly Shape[];
}

export function encodeFetchAnswer(answer: PackedAnswer): Uint8Array {
  const { version, more, refused, vitals, takings, layouts } = answer;
  const item = <T>(key: string, value: T & Packs<T>) => concat(pack(key), pack<T>(value));
  return concat(
    packMapHeader(8),
    item('version', version),
    item('more', more),
    item('refused', refused),
    item('wall', vitals.wall),
    item('boot', vitals.boot),
    item('up', vitals.upMs),
    item('layouts', layouts),
    pack('takings'),
    packArrayHeader(takings.length),
    ...takings.map((taking) => pack(taking)),
  );
}

/**
 * Checks form and that every statement is of this host; signatures are for `verifyStatement`.
 * @throws WireError `malformed`
 */
export function decodeFetchAnswer(payload: Uint8Array, origin: Origin): FetchAnswer {
  const map = new Fields(unpack(payload), 'an answer to fetch');
  const layouts = new Map<string, Shape>();
  for (const one of map.list('layouts')) {
    const shape = layoutOf(one);
    layouts.set(toHex(shapeHash(shape)), shape);
  }
  return {
    version: map.natural('version'),
    more: map.value('more') === true,
    refused: map.list('refused').map(refusalOf),
    vitals: vitalsOf(map),
    takings: map.list('takings').map((one) => decodeTaking(bytesOf(one), layouts, origin)),
  };
}

function vitalsOf(map: Fields): Vitals {
  const [wall, boot, upMs] = [map.natural('wall'), map.text('boot'), map.natural('up')];
  if (wall > WALL_MAX || upMs > UP_MAX_MS) {
    throw new WireError('malformed', `a host whose clock says ${wall} and that is up ${upMs} ms`);
  }
  if (boot !== '' && !BOOT_ID.test(boot)) {
    throw new WireError('malformed', `a boot id ${JSON.stringify(boot.slice(0, 40))}`);
  }
  return { wall, boot, upMs };
}

/** Beyond these no clock and no machine is sane, and PostgreSQL could not hold what follows from them. */
const WALL_MAX = 2 ** 48;
const UP_MAX_MS = 100 * 366 * 86_400_000;
const BOOT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function decodeTaking(
  bytes: Uint8Array,
  layouts: ReadonlyMap<string, Shape>,
  origin: Origin,
): Taking {
  try {
    const [statement, signature, version, added, removed] = decodeFields(bytes, 5) as Bytes5;
    const { swarmId, nodeId, ...said } = decodeStatement(statement);
    if (nodeId !== origin.nodeId || toHex(swarmId) !== toHex(origin.swarmId)) {
      throw new RangeError(`it is of ${nodeId.slice(0, 16)} in another place`);
    }
    const layout = said.kind === 'gap' ? undefined : layouts.get(toHex(said.shape));
    if (said.kind !== 'gap' && layout === undefined) throw new RangeError('it has no layout');
    const rows = decodeAllFields(added);
    return {
      ...said,
      statement,
      signature,
      keyVersion: readU64(version),
      layout,
      added: layout === undefined ? [] : rows.map((row) => ({ values: decodeRow(layout, row) })),
      removed: rowIdsOf(removed),
    };
  } catch (error) {
    if (error instanceof WireError && error.code === 'malformed') throw error;
    throw new WireError('malformed', `not a taking: ${(error as Error).message}`);
  }
}

type Bytes5 = [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

function rowIdsOf(bytes: Uint8Array): RowId[] {
  if (bytes.length % 64 !== 0) throw new RangeError(`${bytes.length} bytes of removed rows`);
  return Array.from({ length: bytes.length / 64 }, (_, at) => ({
    key: bytes.subarray(at * 64, at * 64 + 32),
    row: bytes.subarray(at * 64 + 32, at * 64 + 64),
  }));
}

/** @throws WireError `malformed` */
export function layoutOf(value: Packable): Shape {
  const map = new Fields(value, 'a layout');
  const columns = map.list('columns').map((one) => {
    const column = new Fields(one, 'a column');
    return { name: column.text('name'), type: typeOf(column.text('type')) };
  });
  const key = map.list('key').map(textOf);
  const query = map.has('query') ? { query: map.text('query') } : {};
  if (key.every((name) => columns.some((column) => column.name === name)))
    return { columns, key, ...query };
  throw new WireError('malformed', 'a layout whose key is none of its columns');
}

function typeOf(text: string): ColumnType {
  if (isColumnType(text)) return text;
  throw new WireError('malformed', `a column of type ${JSON.stringify(text.slice(0, 40))}`);
}

function refusalOf(value: Packable): Refusal {
  const map = new Fields(value, 'a refusal');
  return { table: map.text('table'), code: map.text('code'), message: map.text('message') };
}

/** A map whose fields are checked as they are read. */
class Fields {
  readonly #map: Readonly<Record<string, Packable | undefined>>;
  readonly #what: string;

  constructor(value: Packable, what: string) {
    const isMap =
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      !(value instanceof Uint8Array);
    if (!isMap) throw new WireError('malformed', `${what} that is no map`);
    this.#map = value as Readonly<Record<string, Packable | undefined>>;
    this.#what = what;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#map, key) && this.#map[key] !== null;
  }

  value(key: string): Packable {
    return (this.has(key) ? this.#map[key] : null) ?? null;
  }

  text(key: string): string {
    const value = this.value(key);
    return typeof value === 'string' ? value : this.#bad(key, 'text');
  }

  natural(key: string): number {
    const value = this.value(key);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
      ? value
      : this.#bad(key, 'a whole number from 0');
  }

  bytes(key: string, ...lengths: number[]): Uint8Array {
    const value = this.value(key);
    return value instanceof Uint8Array && lengths.includes(value.length)
      ? value
      : this.#bad(key, `${lengths.join(' or ')} bytes`);
  }

  list(key: string): readonly Packable[] {
    const value = this.value(key);
    return Array.isArray(value) ? (value as readonly Packable[]) : this.#bad(key, 'a list');
  }

  #bad(key: string, wanted: string): never {
    throw new WireError('malformed', `${this.#what} whose ${key} is not ${wanted}`);
  }
}

function textOf(value: Packable): string {
  if (typeof value === 'string') return value;
  throw new WireError('malformed', 'a list of texts with something else in it');
}

function bytesOf(value: Packable): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new WireError('malformed', 'a list of bytes with something else in it');
}
