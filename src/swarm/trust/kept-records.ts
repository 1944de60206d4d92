/** The operator's records as one file. */
import { pack, unpack } from '../../wire/index.ts';
import type { KeptRecords } from '../types.ts';

/** Key of the persist effect. */
export const RECORDS_KEY = 'records';

export function packRecords({ records, parts }: KeptRecords): Uint8Array {
  return pack({
    records: [...records],
    parts: parts.map(({ epoch, number, bytes }) => ({ epoch, number, bytes })),
  });
}

/** What the persist effect kept; nothing where it cannot be read: the swarm tells it again. */
export function unpackRecords(bytes: Uint8Array): KeptRecords {
  try {
    const value = Object(unpack(bytes)) as Partial<KeptRecords>;
    const isPart = (one: KeptRecords['parts'][number]) =>
      typeof one.epoch === 'string' && one.bytes instanceof Uint8Array;
    return {
      records: (value.records ?? []).filter((item) => item instanceof Uint8Array),
      parts: (value.parts ?? []).filter(isPart),
    };
  } catch {
    return { records: [], parts: [] };
  }
}
