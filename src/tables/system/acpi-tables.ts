import { createHash } from 'node:crypto';

import { integer, text } from '../lib/columns.ts';
import { wants } from '../lib/constraints.ts';
import { exists, listDir, readBytes, statOf } from '../lib/files.ts';
import { type Row, type SnapshotTable, TableAbsentError } from '../types.ts';

export const acpiTables: SnapshotTable = {
  kind: 'snapshot',
  name: 'acpi_tables',
  description: 'ACPI tables of the firmware.',
  cost: 'cheap',
  key: ['name'],
  columns: [
    text('name', 'Name of the table.'),
    integer('size', 'Size in bytes.'),
    text('md5', 'MD5 digest of the content; only root may read it.', { collate: 'nocase' }),
  ],
  collect(context): Row[] {
    if (!exists(context, TABLES)) throw new TableAbsentError('this machine has no ACPI tables');
    const rows = listDir(context, TABLES).flatMap((name) => {
      const stat = statOf(context, `${TABLES}/${name}`);
      if (stat?.isFile() !== true) return [];
      const content = wants(context, 'md5') ? readBytes(context, `${TABLES}/${name}`) : undefined;
      return [{ name, size: stat.size, md5: content === undefined ? null : md5(content) }];
    });
    if (wants(context, 'md5') && rows.some((row) => row.md5 === null)) {
      context.warn('not root: digests of ACPI tables are NULL');
    }
    return rows;
  },
};

function md5(content: Uint8Array): string {
  return createHash('md5').update(content).digest('hex');
}

const TABLES = '/sys/firmware/acpi/tables';
