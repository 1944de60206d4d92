import { integer, text } from '../lib/columns.ts';
import {
  byteAt,
  dwordAt,
  formatHandle,
  readSmbios,
  stringAt,
  wordAt,
  type SmbiosStructure,
} from '../lib/smbios.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const memoryDevices: SnapshotTable = {
  kind: 'snapshot',
  name: 'memory_devices',
  description:
    'Slots for memory modules and what is in them (SMBIOS type 17); only root may read it.',
  cost: 'cheap',
  key: ['handle'],
  columns: [
    text('handle', 'Handle of the structure.'),
    text('array_handle', 'Handle of the memory array it belongs to.'),
    text('form_factor', 'Form of the module.', { unset: true }),
    integer('total_width', 'Width in bits with error correction.'),
    integer('data_width', 'Width in bits of the data.'),
    integer('size', 'Size in megabytes; 0 for an empty slot.'),
    integer('set', 'Set of modules it belongs to, 0 for none.'),
    text('device_locator', 'Name of the slot.'),
    text('bank_locator', 'Name of the bank.'),
    text('memory_type', 'Type of the memory.', { unset: true }),
    text('memory_type_details', 'Details of the type, separated by blanks.'),
    integer('max_speed', 'Highest speed in MT/s.'),
    integer('configured_clock_speed', 'Speed in use in MT/s.'),
    text('manufacturer', 'Maker.'),
    text('serial_number', 'Serial number.'),
    text('asset_tag', 'Asset tag.'),
    text('part_number', 'Part number.'),
    integer('min_voltage', 'Lowest voltage in millivolts.'),
    integer('max_voltage', 'Highest voltage in millivolts.'),
    integer('configured_voltage', 'Voltage in use in millivolts.'),
  ],
  collect(context): Row[] {
    return readSmbios(context)
      .filter((structure) => structure.type === MEMORY_DEVICE)
      .map(deviceRow);
  },
};

/** Offsets from DSP0134 section 7.18. */
function deviceRow(structure: SmbiosStructure): Row {
  const word = (offset: number): number | null => wordAt(structure, offset);
  const arrayHandle = word(0x04);
  return {
    handle: formatHandle(structure.handle),
    array_handle: arrayHandle === null ? null : formatHandle(arrayHandle),
    form_factor: FORM_FACTORS[byteAt(structure, 0x0e) ?? 0] ?? 'Unknown',
    total_width: known(word(0x08)),
    data_width: known(word(0x0a)),
    size: sizeOf(structure),
    set: byteAt(structure, 0x0f),
    device_locator: stringAt(structure, 0x10),
    bank_locator: stringAt(structure, 0x11),
    memory_type: MEMORY_TYPES[byteAt(structure, 0x12) ?? 0] ?? 'Unknown',
    memory_type_details: detailsOf(word(0x13) ?? 0),
    max_speed: known(word(0x15)),
    configured_clock_speed: known(word(0x20)),
    manufacturer: stringAt(structure, 0x17),
    serial_number: stringAt(structure, 0x18),
    asset_tag: stringAt(structure, 0x19),
    part_number: stringAt(structure, 0x1a),
    min_voltage: word(0x22),
    max_voltage: word(0x24),
    configured_voltage: word(0x26),
  };
}

/** 0xFFFF stands for unknown. */
function known(value: number | null): number | null {
  return value === 0xffff ? null : value;
}

/** Megabytes; with the top bit set kilobytes; 0x7FFF says to look in the extended field. */
function sizeOf(structure: SmbiosStructure): number | null {
  const size = known(wordAt(structure, 0x0c));
  if (size === null) return null;
  if (size === 0x7fff) return dwordAt(structure, 0x1c);
  return size & 0x8000 ? Math.floor((size & 0x7fff) / 1024) : size;
}

function detailsOf(bits: number): string {
  return DETAILS.filter((_, index) => (bits >> (index + 1)) & 1).join(' ');
}

const MEMORY_DEVICE = 17;

const FORM_FACTORS: readonly string[] = [
  'Unknown',
  'Other',
  'Unknown',
  'SIMM',
  'SIP',
  'Chip',
  'DIP',
  'ZIP',
  'Proprietary Card',
  'DIMM',
  'TSOP',
  'Row of chips',
  'RIMM',
  'SODIMM',
  'SRIMM',
  'FB-DIMM',
  'Die',
];

const MEMORY_TYPES: readonly string[] = [
  'Unknown',
  'Other',
  'Unknown',
  'DRAM',
  'EDRAM',
  'VRAM',
  'SRAM',
  'RAM',
  'ROM',
  'Flash',
  'EEPROM',
  'FEPROM',
  'EPROM',
  'CDRAM',
  '3DRAM',
  'SDRAM',
  'SGRAM',
  'RDRAM',
  'DDR',
  'DDR2',
  'DDR2 FB-DIMM',
  'Reserved',
  'Reserved',
  'Reserved',
  'DDR3',
  'FBD2',
  'DDR4',
  'LPDDR',
  'LPDDR2',
  'LPDDR3',
  'LPDDR4',
  'Logical non-volatile device',
  'HBM',
  'HBM2',
  'DDR5',
  'LPDDR5',
];

/** From bit 1 on. */
const DETAILS: readonly string[] = [
  'Other',
  'Unknown',
  'Fast-paged',
  'Static column',
  'Pseudo-static',
  'RAMBUS',
  'Synchronous',
  'CMOS',
  'EDO',
  'Window DRAM',
  'Cache DRAM',
  'Non-volatile',
  'Registered',
  'Unbuffered',
  'LRDIMM',
];
