import { integer, text } from '../lib/columns.ts';
import { exists } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { type Row, type SnapshotTable, TableAbsentError } from '../types.ts';
import { dmi } from './system-info.ts';

export const platformInfo: SnapshotTable = {
  kind: 'snapshot',
  name: 'platform_info',
  description: 'The firmware, one row, from /sys/class/dmi.',
  cost: 'cheap',
  key: [],
  columns: [
    text('vendor', 'Maker of the firmware.'),
    text('version', 'Version.', { collate: 'version' }),
    text('date', 'Date of the version, as the firmware tells it.'),
    text('revision', 'Major and minor revision.'),
    text('extra', 'Further information; always empty.'),
    text('firmware_type', 'uefi, bios or unknown.'),
    text('address', 'Address of the firmware; always NULL.', { unset: true }),
    text('size', 'Size of the firmware; always NULL.', { unset: true }),
    integer('volume_size', 'Size of the firmware volume; always NULL.'),
  ],
  collect(context): Row[] {
    const efi = exists(context, '/sys/firmware/efi');
    const known = exists(context, '/sys/class/dmi/id');
    if (!efi && !known) throw new TableAbsentError('this machine tells nothing about its firmware');
    const release = dmi(context, 'bios_release');
    return [
      {
        vendor: dmi(context, 'bios_vendor'),
        version: dmi(context, 'bios_version'),
        date: dmi(context, 'bios_date'),
        revision: integerOrNull(release?.split('.')[0]) === null ? null : release,
        firmware_type: efi ? 'uefi' : 'bios',
      },
    ];
  },
};
