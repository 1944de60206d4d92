import { integer, text } from '../lib/columns.ts';
import { readMdstat } from '../lib/mdstat.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const mdDrives: SnapshotTable = {
  kind: 'snapshot',
  name: 'md_drives',
  description: 'The disks of software RAID arrays.',
  cost: 'cheap',
  key: ['md_device_name', 'drive_name'],
  columns: [
    text('md_device_name', 'Name of the array.'),
    text('drive_name', 'Name of the disk or partition.'),
    integer('slot', 'Place in the array.'),
    text('state', 'active, spare, faulty, journal, replacement or write-mostly.'),
  ],
  collect(context): Row[] {
    return readMdstat(context).arrays.flatMap((array) =>
      array.drives.map(({ name, slot, marks }) => ({
        md_device_name: array.name,
        drive_name: name,
        slot,
        state: STATES[marks[0] ?? ''] ?? 'active',
      })),
    );
  },
};

const STATES: Readonly<Record<string, string>> = {
  F: 'faulty',
  S: 'spare',
  J: 'journal',
  R: 'replacement',
  W: 'write-mostly',
};
