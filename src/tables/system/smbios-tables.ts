import { createHash } from 'node:crypto';

import { integer, text } from '../lib/columns.ts';
import { readSmbios } from '../lib/smbios.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const smbiosTables: SnapshotTable = {
  kind: 'snapshot',
  name: 'smbios_tables',
  description: 'SMBIOS (DMI) structures of the firmware; only root may read them.',
  cost: 'cheap',
  key: ['number'],
  columns: [
    integer('number', 'Place in the table, from 0.'),
    integer('type', 'Type of the structure.'),
    text('description', 'Meaning of the type.'),
    integer('handle', 'Handle other structures refer to it by.'),
    integer('header_size', 'Bytes of the formatted part.'),
    integer('size', 'Bytes of the whole structure.'),
    text('md5', 'MD5 digest of the structure.', { collate: 'nocase' }),
  ],
  collect(context): Row[] {
    return readSmbios(context).map((structure, number) => ({
      number,
      type: structure.type,
      description: describeType(structure.type),
      handle: structure.handle,
      header_size: structure.headerSize,
      size: structure.bytes.length,
      md5: createHash('md5').update(structure.bytes).digest('hex'),
    }));
  },
};

function describeType(type: number): string {
  if (type >= 128) return 'OEM';
  return TYPES[type] ?? SPECIAL_TYPES[type] ?? 'Unknown';
}

const SPECIAL_TYPES: Readonly<Record<number, string>> = { 126: 'Inactive', 127: 'End Of Table' };

/** DSP0134 section 7, from type 0 on. */
const TYPES: readonly string[] = [
  'BIOS Information',
  'System Information',
  'Base Board Information',
  'System Enclosure or Chassis',
  'Processor Information',
  'Memory Controller Information',
  'Memory Module Information',
  'Cache Information',
  'Port Connector Information',
  'System Slots',
  'On Board Devices Information',
  'OEM Strings',
  'System Configuration Options',
  'BIOS Language Information',
  'Group Associations',
  'System Event Log',
  'Physical Memory Array',
  'Memory Device',
  '32-bit Memory Error Information',
  'Memory Array Mapped Address',
  'Memory Device Mapped Address',
  'Built-in Pointing Device',
  'Portable Battery',
  'System Reset',
  'Hardware Security',
  'System Power Controls',
  'Voltage Probe',
  'Cooling Device',
  'Temperature Probe',
  'Electrical Current Probe',
  'Out-of-Band Remote Access',
  'Boot Integrity Services Entry Point',
  'System Boot Information',
  '64-bit Memory Error Information',
  'Management Device',
  'Management Device Component',
  'Management Device Threshold Data',
  'Memory Channel',
  'IPMI Device Information',
  'Power Supply',
  'Additional Information',
  'Onboard Devices Extended Information',
  'Management Controller Host Interface',
  'TPM Device',
  'Processor Additional Information',
  'Firmware Inventory Information',
  'String Property',
];
