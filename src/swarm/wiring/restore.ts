/** Reads back what persist effects kept. */
import { MEMBERS_KEY, unpackList, unpackTable } from '../members/kept-table.ts';
import { INCARNATION_KEY, readIncarnation } from '../members/own.ts';
import { PREKEYS_KEY, readPrekeys } from '../requests/prekeys.ts';
import { RECORDS_KEY, unpackRecords } from '../trust/kept-records.ts';
import { SEATS_KEY, unpackSeats } from '../trust/seats.ts';
import { SEALS_KEY } from '../audit/audit-seals.ts';
import type { CoreOptions } from '../types.ts';

/**
 * Options for the next run from the bytes that persist effects gave, by their key. What cannot be
 * read is left out: the swarm tells it again, and the incarnation is at least wall seconds anyway.
 */
export function restore(
  kept: ReadonlyMap<string, Uint8Array>,
): Pick<CoreOptions, 'members' | 'incarnation' | 'records' | 'seats' | 'prekeys' | 'seals'> {
  const members = kept.get(MEMBERS_KEY);
  const incarnation = kept.get(INCARNATION_KEY);
  const records = kept.get(RECORDS_KEY);
  const seats = kept.get(SEATS_KEY);
  const prekeys = kept.get(PREKEYS_KEY);
  const seals = kept.get(SEALS_KEY);
  const number = incarnation && readIncarnation(incarnation);
  return {
    ...(members === undefined ? {} : { members: unpackTable(members) }),
    ...(records === undefined ? {} : { records: unpackRecords(records) }),
    ...(seats === undefined ? {} : { seats: unpackSeats(seats) }),
    ...(prekeys === undefined ? {} : { prekeys: readPrekeys(prekeys) }),
    ...(seals === undefined ? {} : { seals: unpackBytes(seals) }),
    ...(number === undefined ? {} : { incarnation: number }),
  };
}

function unpackBytes(bytes: Uint8Array): Uint8Array[] {
  return unpackList(bytes).filter((item) => item instanceof Uint8Array);
}
