import { describe, expect, test } from 'vitest';
import { NamedRecords } from '../../../src/swarm/trust/named-records.ts';
import type { HubRecord } from '../../../src/secure/types.ts';
import { simulatedCrypto } from '../../sim/crypto.ts';

const crypto = simulatedCrypto(new Uint8Array(32));
const idOf = (n: number): string => n.toString(16).padStart(64, '0');
const serialOf = (n: number): string => n.toString(16).padStart(32, '0');

function hub(node: number, number: number, serial = number): HubRecord {
  const bytes = new TextEncoder().encode(`${node} ${number} ${serial}`);
  const period = { number, notBefore: number, notAfter: number + 10 };
  return { kind: 'hub', ...period, nodeId: idOf(node), serial: serialOf(serial), bytes };
}

function taking(...records: readonly HubRecord[]): NamedRecords {
  const all = new NamedRecords();
  for (const record of records) if (all.isNews(record)) all.take(record);
  return all;
}

describe('hub certificates', () => {
  test('of one node: the newest, in whatever order they come', () => {
    const [a, b] = [hub(1, 5), hub(1, 6)];
    for (const all of [taking(a, b), taking(b, a)]) expect(all.hub(idOf(1), [])).toEqual(b);
  });

  test('sixteen at most, the same ones in whatever order they come', () => {
    const many = Array.from({ length: 40 }, (_, i) => hub(i, 1 + (i % 7), i));
    const [there, back] = [taking(...many), taking(...many.toReversed())];
    expect(there.all()).toHaveLength(16);
    expect(there.all()).toEqual(back.all());
    expect(there.hash(crypto)).toEqual(back.hash(crypto));
  });

  test('hold no more once a list names the serial, or puts the host out', () => {
    const all = taking(hub(1, 5));
    expect(all.hub(idOf(1), [{ serials: [serialOf(5)], expelled: [] }])).toBeUndefined();
    expect(all.hub(idOf(1), [{ serials: [], expelled: [idOf(1).slice(0, 32)] }])).toBeUndefined();
    expect(all.hub(idOf(1), [{ serials: [serialOf(6)], expelled: [] }])).toBeDefined();
  });
});
