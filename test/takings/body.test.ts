/** Takings on the wire: what a host signs can be taken apart and proved; everything else is refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeFetchAnswer,
  decodeStatement,
  decodeTrackAnswer,
  encodeFetchBody,
  encodeStatement,
  encodeTrackBody,
  signStatement,
  verifyStatement,
  type Statement,
} from '../../src/agent/index.ts';
import {
  decodeFetchBody,
  decodeTrackBody,
  encodeFetchAnswer,
  encodeTaking,
  encodeTrackAnswer,
} from '../../src/takings/body.ts';
import { Identity } from '../../src/secure/index.ts';
import { encodeRow, shapeHash } from '../../src/tables/canonical.ts';
import type { Shape } from '../../src/tables/types.ts';
import { pack, WireError } from '../../src/wire/index.ts';

const identity = Identity.create((n) => new Uint8Array(n).fill(7), 1_700_000_000);
const swarmId = new Uint8Array(32).fill(9);
const origin = { swarmId, nodeId: identity.nodeId };
const shape: Shape = {
  columns: [
    { name: 'name', type: 'TEXT' },
    { name: 'size', type: 'BIGINT' },
  ],
  key: ['name'],
};
const row = ['bash', 2n ** 60n] as const;
const content: Statement = {
  table: 'deb_packages',
  line: new Uint8Array(16).fill(1),
  sequence: 3,
  at: 1_700_000_000_123,
  kind: 'delta',
  base: new Uint8Array(32).fill(2),
  hash: new Uint8Array(32).fill(3),
  shape: shapeHash(shape),
};
const gap: Statement = {
  ...content,
  kind: 'gap',
  base: new Uint8Array(),
  hash: new Uint8Array(),
  shape: new Uint8Array(),
  reason: { code: 'time_limit', message: 'it hung' },
  dropped: { from: 1, to: 3 },
};

function answerOf(statement: Statement, layouts = [shape]): Uint8Array {
  const signed = signStatement(identity, swarmId, statement);
  const removed = new Uint8Array(128).fill(5, 64);
  const added = statement.kind === 'gap' ? [] : [encodeRow(shape, row)];
  const takings = [
    encodeTaking(signed, added, statement.kind === 'gap' ? removed.subarray(0, 0) : removed),
  ];
  return encodeFetchAnswer({ version: 4, more: true, refused: [], vitals, layouts, takings });
}

const vitals = { wall: 1_764_000_000_000, boot: 'f0e1d2c3-0000-4000-8000-0123456789ab', upMs: 5 };

describe('takings', () => {
  it.each([content, { ...content, kind: 'full' as const, base: new Uint8Array() }, gap])(
    'of kind $kind arrive as they were made, and their signature holds',
    (statement) => {
      const { takings, ...rest } = decodeFetchAnswer(answerOf(statement), origin);
      expect(rest).toEqual({ version: 4, more: true, refused: [], vitals });
      const [taking] = takings;
      expect(taking).toMatchObject(statement);
      expect(verifyStatement(identity.newest.signKey, taking!)).toBe(true);
      expect(taking!.statement).toEqual(encodeStatement(origin, taking!));
      if (statement.kind === 'gap') return;
      expect(taking!.added).toEqual([{ values: row }]);
      expect(taking!.removed.map((one) => [one.key[0], one.row[0]])).toEqual([
        [0, 0],
        [5, 5],
      ]);
    },
  );

  it('do not verify once a bit of the statement differs', () => {
    const signed = signStatement(identity, swarmId, content);
    fc.assert(
      fc.property(fc.nat(signed.statement.length * 8 - 1), (bit) => {
        const changed = signed.statement.slice();
        changed[bit >> 3]! ^= 1 << (bit & 7);
        const { signKey } = identity.newest;
        expect(verifyStatement(signKey, { ...signed, statement: changed })).toBe(false);
      }),
    );
  });

  it('of another host or swarm, or without their layout, are refused', () => {
    const answer = answerOf(content);
    const elsewhere = { ...origin, swarmId: new Uint8Array(32) };
    expect(() => decodeFetchAnswer(answer, { ...origin, nodeId: '0'.repeat(64) })).toThrow(
      WireError,
    );
    expect(() => decodeFetchAnswer(answer, elsewhere)).toThrow(WireError);
    expect(() => decodeFetchAnswer(answerOf(content, []), origin)).toThrow('no layout');
  });

  it('cut or with a byte changed are an error of form or other content, never a crash', () => {
    const answer = answerOf(content);
    fc.assert(
      fc.property(fc.nat(answer.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        const bytes = cut
          ? answer.slice(0, at)
          : Uint8Array.from(answer, (b, i) => (i === at ? byte : b));
        try {
          decodeFetchAnswer(bytes, origin);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { numRuns: 500 },
    );
    const { statement } = signStatement(identity, swarmId, gap);
    expect(decodeStatement(statement)).toEqual({ ...origin, ...gap });
    expect(() => decodeStatement(statement.subarray(1))).toThrow(WireError);
  });
});

describe('track and fetch', () => {
  it('carry wish lists and acks', () => {
    const track = { version: 7, tables: [{ table: 'users', every: 60 }] };
    expect(decodeTrackBody(encodeTrackBody(track))).toEqual(track);
    const answer = {
      version: 7,
      taken: true,
      refused: [{ table: 'file', code: 'constraint_required', message: 'it needs a path' }],
    };
    expect(decodeTrackAnswer(encodeTrackAnswer(answer))).toEqual(answer);
    const plain = { table: 'users', line: new Uint8Array(16), sequence: 9 };
    const ack = { ...plain, hash: new Uint8Array(32) };
    for (const body of [{ acks: [] }, { acks: [ack, plain], bytes: 1000, tables: ['users'] }]) {
      expect(decodeFetchBody(encodeFetchBody(body))).toEqual(body);
    }
  });

  it.each([
    [null, 'no map'],
    [{ version: -1, tables: [] }, 'version'],
    [{ version: 1, tables: 'users' }, 'tables'],
    [{ version: 1, tables: [{ table: 5, every: 1 }] }, 'table'],
    [{ version: 1, tables: [{ table: 'users', every: 1.5 }] }, 'every'],
  ])('refuse %j, naming what is wrong', (body, named) => {
    expect(() => decodeTrackBody(pack(body as never))).toThrow(named);
  });
});
