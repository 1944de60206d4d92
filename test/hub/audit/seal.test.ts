/** The vectors of docs/protocol.md section 10; test/sql/08-audit.sql holds the same ones in SQL. */
import { expect, it } from 'vitest';
import { auditRowHash, sealedRows, sealHash, type Seal } from '../../../src/hub/audit/seal.ts';

const ROW_HASH = '18eced7933639020acebeca0397ad18c26356667f90d0732027803238ce9929d';
const MICROS = 1_767_225_600_000_001;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

it('an audit row, a seal and a checkpoint have the hashes that are written down', () => {
  const row = { id: 7, micros: MICROS, actor: 'alice', action: 'setting.update' };
  const before = '{"value": "30 seconds"}';
  expect(hex(auditRowHash({ ...row, object: 'setting lease_time', before, after: null }))).toBe(
    ROW_HASH,
  );
  const rows = Buffer.alloc(48, ROW_HASH.padStart(96, '0'), 'hex');
  rows.writeBigInt64BE(7n, 0);
  rows.writeBigInt64BE(BigInt(MICROS), 8);
  expect(sealedRows(rows)).toEqual([{ id: 7, micros: MICROS, hash: Buffer.from(ROW_HASH, 'hex') }]);
  const seal: Seal = {
    number: 1,
    chain: '00112233-4455-6677-8899-aabbccddeeff',
    micros: 1_767_225_660_000_000,
    hub: 'ab'.repeat(32),
    previous: Buffer.alloc(32),
    count: 1,
    firstId: 7,
    lastId: 7,
    seenId: 8,
    settledId: 0,
    rows,
    checkpoint: undefined,
  };
  expect(hex(sealHash(seal))).toBe(
    '1ff56375cbc99d39fd65a447ac5ca3eb9dad975ada53531b7203786162d3774b',
  );
  const checkpoint = { before: 1_764_547_200_000_000, seal: 0, hash: Buffer.alloc(32), rows: 3 };
  expect(hex(sealHash({ ...seal, checkpoint }))).toBe(
    '611efd1fb73b1f7772f2059b677357613d01ed016aa34bac31a91b319084a7a8',
  );
});
