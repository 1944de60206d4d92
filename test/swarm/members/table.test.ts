/** How the table is kept: in order, in its own memory, and no longer than it is of use. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newMember } from '../../../src/swarm/members/member.ts';
import { Order } from '../../../src/swarm/members/order.ts';
import { TableDigest } from '../../../src/swarm/members/table-digest.ts';
import type { MemberBody, SignedObject } from '../../../src/wire/index.ts';
import { simulatedCrypto, simulatedEntry } from '../../sim/crypto.ts';
import { World } from '../../sim/world.ts';

const SECRET = new Uint8Array(32).fill(5);

function member(byte: number) {
  const entry = simulatedEntry(new Uint8Array(32).fill(byte));
  const body = { state: 'alive' } as MemberBody;
  const record = { body, bytes: entry.bytes } as SignedObject<MemberBody>;
  return newMember(entry.nodeId, record, entry, true);
}

test('ids stay in order whatever comes and goes', () => {
  const id = fc.integer({ min: 0, max: 20 }).map((n) => String.fromCharCode(97 + n));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), id)), (steps) => {
      const order = new Order();
      const all = new Set<string>();
      for (const [comes, one] of steps) {
        if (comes) order.add(one);
        else order.delete(one);
        if (comes) all.add(one);
        else all.delete(one);
      }
      expect([...order]).toEqual([...all].sort());
    }),
  );
});

test('a digest is made anew after a change only, and a record is hashed once', () => {
  const crypto = simulatedCrypto(SECRET);
  let hashed = 0;
  const table = new TableDigest({
    ...crypto,
    sha256: (...parts) => {
      hashed++;
      return crypto.sha256(...parts);
    },
  });
  const members = [member(1), member(2)];
  const first = table.hash('1', () => members);
  expect(hashed).toBe(3);
  expect(table.hash('1', () => members)).toBe(first);
  expect(hashed).toBe(3);
  expect(table.hash('2', () => members)).toEqual(first);
  expect(hashed).toBe(4);
  members[0]!.accusations.set('ab', { object: undefined as never, at: 0, wall: 0 });
  expect(table.hash('3', () => members)).not.toEqual(first);
});

describe('memory', () => {
  test('a record keeps no message and no file alive that it came in', () => {
    const world = new World({ seed: 31, nodes: 12 }).settle();
    const host = world.hosts[7]!;
    const most = () =>
      Math.max(...host.members().map(({ entry }) => entry.bytes.buffer.byteLength));
    expect(most()).toBeLessThan(1_000);
    host.crash();
    host.start();
    expect(host.members()).toHaveLength(12);
    expect(most()).toBeLessThan(1_000);
  });

  test('a member that was dead for twice as long as it is expected leaves the table', () => {
    const world = new World({ seed: 32, nodes: 3, tuning: { deadExpectedMs: 600_000 } }).settle();
    world.hosts[2]!.crash();
    world.run(3_300_000);
    expect(world.hosts[0]!.members()).toHaveLength(3);
    world.run(600_000);
    expect(world.hosts[0]!.members()).toHaveLength(2);
  });
});
