/**
 * Test vectors of the canonical encoding of rows (docs/protocol.md section 11), made by
 * scripts/canonical-vectors.ts. Values are written so that a typed SQL column can read them: whole
 * numbers and doubles as decimal text, blobs as `\x` and hex, NULL as null.
 */
import {
  canonicalRow,
  documentHash,
  encodeRow,
  keyHash,
  rowHash,
  shapeHash,
  type Shape,
  type ShapeRow,
  type Value,
} from '../../src/tables/index.ts';

export interface CanonicalVectors {
  readonly comment: string;
  readonly shapes: readonly {
    readonly name: string;
    readonly shape: Shape;
    readonly hash: string;
    readonly rows: readonly RowVector[];
    /** Document hash of no row, of the first, of the first two, .. of all. */
    readonly documents: readonly string[];
  }[];
}

export interface RowVector {
  readonly what: string;
  /** As a collector may give it, where JSON can say it; the canonical values otherwise. */
  readonly given: readonly Given[];
  readonly canonical: readonly (string | null)[];
  readonly encoding: string;
  readonly rowHash: string;
  readonly keyHash: string;
}

/** JSON's own values, and `{bigint}`, `{bytes}` (hex), `{double}` (text of what JSON has not). */
export type Given =
  | string
  | number
  | null
  | { readonly bigint: string }
  | { readonly bytes: string }
  | { readonly double: string }
  | { readonly utf16: readonly number[] };

export function valueOf(given: Given): Value {
  if (given === null || typeof given !== 'object') return given;
  if ('bigint' in given) return BigInt(given.bigint);
  if ('bytes' in given) return new Uint8Array(Buffer.from(given.bytes, 'hex'));
  if ('utf16' in given) return String.fromCharCode(...given.utf16);
  return Number(given.double);
}

export function makeCanonicalVectors(): CanonicalVectors {
  return {
    comment: 'made by npx tsx scripts/canonical-vectors.ts; docs/protocol.md section 11',
    shapes: CASES.map(({ name, shape, rows }) => {
      const made = rows.map(([what, given]) => rowVector(shape, what, given));
      const hashes = made.map((row) => Buffer.from(row.rowHash, 'hex'));
      return {
        name,
        shape,
        hash: hex(shapeHash(shape)),
        rows: made,
        documents: Array.from({ length: hashes.length + 1 }, (_, count) => count).map((count) =>
          hex(documentHash(hashes.slice(0, count))),
        ),
      };
    }),
  };
}

function rowVector(shape: Shape, what: string, given: readonly Given[]): RowVector {
  const row = canonicalRow(shape, given.map(valueOf));
  return {
    what,
    given,
    canonical: textsOf(row),
    encoding: hex(encodeRow(shape, row)),
    rowHash: hex(rowHash(shape, row)),
    keyHash: hex(keyHash(shape, row)),
  };
}

export function textsOf(row: ShapeRow): (string | null)[] {
  return row.map((value) => {
    if (value === null) return null;
    return value instanceof Uint8Array ? `\\x${hex(value)}` : String(value);
  });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

interface Case {
  readonly name: string;
  readonly shape: Shape;
  readonly rows: readonly (readonly [what: string, given: readonly Given[]])[];
}

const CASES: readonly Case[] = [
  {
    name: 'every type',
    shape: {
      columns: [
        { name: 'name', type: 'TEXT' },
        { name: 'small', type: 'INTEGER' },
        { name: 'big', type: 'BIGINT' },
        { name: 'unsigned', type: 'UNSIGNED_BIGINT' },
        { name: 'share', type: 'DOUBLE' },
        { name: 'data', type: 'BLOB' },
      ],
      key: ['name', 'small'],
    },
    rows: [
      ['an ordinary row', ['bash', 1, 2, 3, 0.5, { bytes: '00ff10' }]],
      ['all NULL', [null, null, null, null, null, null]],
      ['empty text and blob are not NULL', ['', 0, 0, 0, 0, { bytes: '' }]],
      [
        'the ends of 64 bits',
        [
          'ends',
          { bigint: '9223372036854775807' },
          { bigint: '-9223372036854775808' },
          { bigint: '18446744073709551615' },
          1.7976931348623157e308,
          { bytes: '7f' },
        ],
      ],
      [
        'beyond 64 bits there is no value',
        [
          'beyond',
          { bigint: '9223372036854775808' },
          { bigint: '-9223372036854775809' },
          { bigint: '18446744073709551616' },
          { double: 'Infinity' },
          null,
        ],
      ],
      ['zero has no sign, NaN is NULL', ['zero', { double: '-0' }, 0, 0, { double: '-0' }, null]],
      ['not a number', ['nan', { double: 'NaN' }, null, null, { double: 'NaN' }, null]],
      ['text in columns of numbers', ['text', '12', '-7', '+9', '1.5e3', 'words']],
      ['text that is no number', ['text', 'twelve', '', '0x10', 'half', null]],
      ['fractions are cut off', ['cut', 3.9, -3.9, '2.5', 2.5, null]],
      ['numbers in text columns', [17, 1, 1, 1, 1, 5]],
      ['U+0000 is replaced', ['a\u0000b', 1, 1, 1, 1, null]],
      ['a lone surrogate is replaced', [{ utf16: [0x61, 0xd800, 0x62] }, 1, 1, 1, 1, null]],
      ['beyond the basic plane', ['naïve \u{1f600} 漢', 1, 1, 1, 1e-320, null]],
      ['bytes that are no UTF-8', [{ bytes: '61ff62' }, 1, 1, 1, 0.1, null]],
      ['the same key as the first, another row', ['bash', 1, 2, 3, 0.25, { bytes: '00ff10' }]],
    ],
  },
  {
    name: 'a table of one row has no key',
    shape: { columns: [{ name: 'version', type: 'TEXT' }], key: [] },
    rows: [['the row', ['13.1']]],
  },
  {
    name: 'the key has an order of its own',
    shape: {
      columns: [
        { name: 'a', type: 'INTEGER' },
        { name: 'b', type: 'TEXT' },
      ],
      key: ['b', 'a'],
    },
    rows: [
      ['a row', [1, 'x']],
      ['the same row again is the same row', [1, 'x']],
    ],
  },
];
