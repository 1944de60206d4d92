import { integer, text } from '../lib/columns.ts';
import { formatHandle, readSmbios } from '../lib/smbios.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const oemStrings: SnapshotTable = {
  kind: 'snapshot',
  name: 'oem_strings',
  description: 'Texts the maker put into the firmware (SMBIOS type 11); only root may read them.',
  cost: 'cheap',
  key: ['handle', 'number'],
  columns: [
    text('handle', 'Handle of the structure.'),
    integer('number', 'Place in the structure, from 1.'),
    text('value', 'The text.'),
  ],
  collect(context): Row[] {
    return readSmbios(context)
      .filter((structure) => structure.type === OEM_STRINGS)
      .flatMap(({ handle, strings }) =>
        strings.map((value, index) => ({ handle: formatHandle(handle), number: index + 1, value })),
      );
  },
};

const OEM_STRINGS = 11;
