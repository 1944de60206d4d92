/** The canonical form of rows: vectors that SQL is held to as well, and what must hold of any rows. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allTables,
  canonicalRow,
  decodeRow,
  documentHash,
  encodeRow,
  keyHash,
  rowHash,
  shapeHash,
  shapeOf,
  type Shape,
  type Value,
} from '../../src/tables/index.ts';
import { makeCanonicalVectors } from './canonical-vectors.ts';

const VECTORS = new URL('canonical.json', import.meta.url);

const shape: Shape = {
  columns: [
    { name: 't', type: 'TEXT' },
    { name: 'i', type: 'INTEGER' },
    { name: 'u', type: 'UNSIGNED_BIGINT' },
    { name: 'd', type: 'DOUBLE' },
    { name: 'b', type: 'BLOB' },
  ],
  key: ['t'],
};

const anyValue: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
  fc.uint8Array({ maxLength: 8 }),
  fc.integer().map(String),
);
const anyRow = fc.tuple(anyValue, anyValue, anyValue, anyValue, anyValue);

describe('canonical rows', () => {
  it('have the encodings and hashes of the vectors', () => {
    const made = JSON.parse(JSON.stringify(makeCanonicalVectors())) as unknown;
    expect(made).toEqual(JSON.parse(readFileSync(VECTORS, 'utf8')));
  });

  it('are hashed with SHA-256, an empty state as nothing at all', () => {
    const nothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    expect(Buffer.from(documentHash([])).toString('hex')).toBe(nothing);
    expect(Buffer.from(keyHash({ ...shape, key: [] }, [])).toString('hex')).toBe(nothing);
  });

  it('stay as they are when they are made canonical again', () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        const once = canonicalRow(shape, row);
        expect(canonicalRow(shape, once)).toEqual(once);
      }),
    );
  });

  it('can be read from their encoding, and nothing else can', () => {
    fc.assert(
      fc.property(anyRow, fc.nat(), fc.nat({ max: 255 }), (given, at, byte) => {
        const row = canonicalRow(shape, given);
        const bytes = encodeRow(shape, row);
        expect(decodeRow(shape, bytes)).toEqual(row);
        expect(() => decodeRow(shape, bytes.subarray(0, bytes.length - 1))).toThrow(RangeError);
        expect(() => decodeRow(shape, Uint8Array.of(...bytes, 0))).toThrow(RangeError);
        bytes[at % bytes.length] = byte;
        let read: Value[] | undefined;
        try {
          read = [...decodeRow(shape, bytes)];
        } catch (error) {
          expect(error).toSatisfy((it) => it instanceof RangeError || it instanceof TypeError);
        }
        if (read !== undefined) expect(encodeRow(shape, read)).toEqual(bytes);
      }),
    );
  });

  it('differ in their encoding exactly when they differ in a value', () => {
    fc.assert(
      fc.property(anyRow, anyRow, (a, b) => {
        const [one, other] = [canonicalRow(shape, a), canonicalRow(shape, b)];
        const same = Buffer.compare(encodeRow(shape, one), encodeRow(shape, other)) === 0;
        expect(same).toBe(JSON.stringify(one, shown) === JSON.stringify(other, shown));
      }),
    );
  });

  it('are a set: their order and repeats do not change the document', () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 8 }), (rows) => {
        const hashes = rows.map((row) => rowHash(shape, canonicalRow(shape, row)));
        const again = [...hashes, ...hashes.slice(0, 2)].reverse();
        expect(documentHash(again)).toEqual(documentHash(hashes));
      }),
    );
  });
});

describe('shapes', () => {
  it('leave out hidden columns and load, and every table still has what is state of its key', () => {
    for (const table of allTables) {
      const { columns, key } = shapeOf(table);
      const left = table.columns.filter((column) => !column.hidden && !column.load);
      expect(columns.map(({ name }) => name)).toEqual(left.map(({ name }) => name));
      const load = table.columns.filter((column) => column.load).map(({ name }) => name);
      expect(key, table.name).toEqual(table.key.filter((name) => !load.includes(name)));
    }
  });

  it('have no columns where a table shows nothing but load', () => {
    const none = allTables.filter((table) => shapeOf(table).columns.length === 0);
    expect(none.map(({ name }) => name).sort()).toEqual([
      'cpu_load',
      'cpu_time',
      'disk_io',
      'docker_container_stats',
      'load_average',
      'process_load',
      'uptime',
    ]);
  });

  it('differ by name, type, order and key', () => {
    const [first, second] = [shape.columns[0]!, shape.columns[1]!];
    const hashes = [
      shape,
      { ...shape, key: [] },
      { ...shape, columns: [second, first, ...shape.columns.slice(2)] },
      { ...shape, columns: [{ ...first, type: 'BLOB' as const }, ...shape.columns.slice(1)] },
    ].map((one) => Buffer.from(shapeHash(one)).toString('hex'));
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

function shown(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
