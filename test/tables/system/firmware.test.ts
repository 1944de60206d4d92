/** SMBIOS structures and software RAID, from bytes and texts as real machines have them. */
import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { parseSmbios } from '../../../src/tables/lib/smbios.ts';
import { mdDevices } from '../../../src/tables/system/md-devices.ts';
import { mdDrives } from '../../../src/tables/system/md-drives.ts';
import { mdPersonalities } from '../../../src/tables/system/md-personalities.ts';
import { memoryDevices } from '../../../src/tables/system/memory-devices.ts';
import { oemStrings } from '../../../src/tables/system/oem-strings.ts';
import { smbiosTables } from '../../../src/tables/system/smbios-tables.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';

describe('SMBIOS', () => {
  const oem = structure(11, 0x0b00, Buffer.from([2]), ['first', 'second ']);
  const module = structure(17, 0x1100, memoryModule(), [
    'DIMM A',
    'BANK 0',
    'Micron',
    'S1',
    '',
    'P1',
  ]);
  const table = Buffer.concat([oem, module, structure(127, 0xffff, Buffer.alloc(0), [])]);
  const root = () => fakeRoot({ 'sys/firmware/dmi/tables/DMI': table });

  it('is listed structure by structure', async () => {
    const rows = await rowsOf(smbiosTables, { root: root() });
    expect(rows).toEqual([
      {
        number: 0,
        type: 11,
        description: 'OEM Strings',
        handle: 0x0b00,
        header_size: 5,
        size: oem.length,
        md5: createHash('md5').update(oem).digest('hex'),
      },
      expect.objectContaining({ number: 1, type: 17, description: 'Memory Device' }),
      expect.objectContaining({ number: 2, type: 127, description: 'End Of Table', size: 6 }),
    ]);
    expect(await rowsOf(oemStrings, { root: root() })).toEqual([
      { handle: '0x0B00', number: 1, value: 'first' },
      { handle: '0x0B00', number: 2, value: 'second' },
    ]);
  });

  it('describes a memory module', async () => {
    expect(await rowsOf(memoryDevices, { root: root() })).toEqual([
      {
        handle: '0x1100',
        array_handle: '0x1000',
        form_factor: 'DIMM',
        total_width: 72,
        data_width: 64,
        size: 32_768,
        set: 0,
        device_locator: 'DIMM A',
        bank_locator: 'BANK 0',
        memory_type: 'DDR4',
        max_speed: 3200,
        memory_type_details: 'Synchronous Registered',
        configured_clock_speed: 2933,
        manufacturer: 'Micron',
        serial_number: 'S1',
        asset_tag: '',
        part_number: 'P1',
        min_voltage: 1200,
        max_voltage: 1200,
        configured_voltage: null,
      },
    ]);
  });

  it('cut at any byte gives whole structures only', () => {
    for (let length = 0; length < table.length; length++) {
      const structures = parseSmbios(table.subarray(0, length));
      const bytes = structures.reduce((sum, { bytes }) => sum + bytes.length, 0);
      expect(bytes).toBeLessThanOrEqual(length);
    }
    expect(parseSmbios(Buffer.alloc(64))).toEqual([]);
  });

  it('says so where there is none', async () => {
    const nothing = fakeRoot({ x: '' });
    for (const tableOf of [smbiosTables, memoryDevices, oemStrings]) {
      await expect(rowsOf(tableOf, { root: nothing })).rejects.toThrow('no SMBIOS tables');
    }
  });
});

describe('software RAID', () => {
  const root = (): string =>
    fakeRoot({ 'proc/mdstat': MDSTAT, 'sys/block/md1/md/array_state': 'clean\n' });

  it('has an array that recovers, one that is whole and one that is not started', async () => {
    const [recovering, whole, inactive] = await rowsOf(mdDevices, { root: root() });
    expect(recovering).toMatchObject({
      device_name: 'md0',
      status: 'active',
      raid_level: 5,
      size: 1_953_260_544,
      chunk_size: 524_288,
      raid_disks: 3,
      active_disks: 2,
      nr_raid_disks: 4,
      working_disks: 3,
      failed_disks: 1,
      spare_disks: 1,
      superblock_version: '1.2',
      recovery_progress: '12.6% (37043392/292945152)',
      recovery_finish: '127.5min',
      recovery_speed: '33440K/sec',
      bitmap_on_mem: '3/8 pages [12KB]',
      bitmap_chunk_size: '65536KB',
      bitmap_external_file: null,
      unused_devices: '<none>',
    });
    expect(whole).toMatchObject({
      device_name: 'md1',
      status: 'active (auto-read-only)',
      raid_level: 1,
      superblock_state: 'clean',
      resync_progress: 'PENDING',
      other: '',
    });
    expect(inactive).toMatchObject({ device_name: 'md_d2', status: 'inactive', raid_level: null });
  });

  it('has its disks and kinds', async () => {
    const drives = await rowsOf(mdDrives, { root: root() });
    expect(
      drives.map((row) => `${row.md_device_name} ${row.drive_name} ${row.slot} ${row.state}`),
    ).toEqual([
      'md0 sdd1 4 spare',
      'md0 sdc1 3 active',
      'md0 sdb1 1 faulty',
      'md0 sda1 0 active',
      'md1 nvme1n1p2 1 active',
      'md1 nvme0n1p2 0 active',
      'md_d2 sde 0 spare',
    ]);
    const kinds = await rowsOf(mdPersonalities, { root: root() });
    expect(kinds).toEqual([{ name: 'raid1' }, { name: 'raid6' }, { name: 'raid5' }]);
  });

  it('is an error where the kernel has none', async () => {
    for (const table of [mdDevices, mdDrives, mdPersonalities]) {
      await expect(rowsOf(table, { root: fakeRoot({ x: '' }) })).rejects.toThrow(
        'no software RAID',
      );
    }
  });
});

const MDSTAT = `Personalities : [raid1] [raid6] [raid5]
md0 : active raid5 sdd1[4](S) sdc1[3] sdb1[1](F) sda1[0]
      1953260544 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [U_U]
      [==>..................]  recovery = 12.6% (37043392/292945152) finish=127.5min speed=33440K/sec
      bitmap: 3/8 pages [12KB], 65536KB chunk

md1 : active (auto-read-only) raid1 nvme1n1p2[1] nvme0n1p2[0]
      976630464 blocks super 1.2 [2/2] [UU]
      	resync=PENDING

md_d2 : inactive sde[0](S)
      1048576 blocks

unused devices: <none>
`;

function structure(type: number, handle: number, fields: Buffer, strings: string[]): Buffer {
  const head = Buffer.from([type, 4 + fields.length, handle & 0xff, handle >> 8]);
  // An empty string cannot be stored: it would end the list. A blank stands for it.
  const texts = strings.map((string) => `${string === '' ? ' ' : string}\0`).join('');
  return Buffer.concat([head, fields, Buffer.from(texts === '' ? '\0\0' : `${texts}\0`)]);
}

/** The fields of a type 17 structure behind the header, DSP0134 7.18. */
function memoryModule(): Buffer {
  const fields = Buffer.alloc(0x28 - 4);
  const word = (offset: number, value: number): number => fields.writeUInt16LE(value, offset - 4);
  const byte = (offset: number, value: number): number => fields.writeUInt8(value, offset - 4);
  word(0x04, 0x1000);
  word(0x08, 72);
  word(0x0a, 64);
  word(0x0c, 0x7fff);
  byte(0x0e, 9);
  byte(0x10, 1);
  byte(0x11, 2);
  byte(0x12, 26);
  word(0x13, (1 << 7) | (1 << 13));
  word(0x15, 3200);
  byte(0x17, 3);
  byte(0x18, 4);
  byte(0x19, 5);
  byte(0x1a, 6);
  fields.writeUInt32LE(32_768, 0x1c - 4);
  word(0x20, 2933);
  word(0x22, 1200);
  word(0x24, 1200);
  return fields.subarray(0, 0x26 - 4);
}
