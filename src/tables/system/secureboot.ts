import { elsewhere, integer, text } from '../lib/columns.ts';
import { exists, readBytes, type Rooted } from '../lib/files.ts';
import { type Row, type SnapshotTable, TableAbsentError } from '../types.ts';

export const secureboot: SnapshotTable = {
  kind: 'snapshot',
  name: 'secureboot',
  description: 'Whether UEFI Secure Boot is on, one row.',
  cost: 'cheap',
  key: [],
  columns: [
    integer('secure_boot', '1 when only signed code boots, else 0.'),
    elsewhere('darwin', integer('secure_mode', 'Security mode')),
    elsewhere('darwin', text('description', 'Security mode in words')),
    elsewhere('darwin', integer('kernel_extensions', 'Whether users manage kernel extensions')),
    elsewhere('darwin', integer('mdm_operations', 'Whether a server manages kernel extensions')),
    integer('setup_mode', '1 when keys can be set without a signature, else 0.'),
  ],
  collect(context): Row[] {
    if (!exists(context, '/sys/firmware/efi')) {
      throw new TableAbsentError('this machine was not started by UEFI, so it has no Secure Boot');
    }
    return [
      {
        secure_boot: readFlag(context, 'SecureBoot'),
        setup_mode: readFlag(context, 'SetupMode'),
      },
    ];
  },
};

/** Four bytes of attributes, then the value. */
function readFlag(context: Rooted, name: string): number | null {
  const bytes = readBytes(context, `/sys/firmware/efi/efivars/${name}-${GLOBAL_VARIABLE}`);
  return bytes?.[4] ?? null;
}

/** UEFI specification, section 3.3. */
const GLOBAL_VARIABLE = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
