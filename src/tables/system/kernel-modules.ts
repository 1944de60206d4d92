import { bigint, load, text } from '../lib/columns.ts';
import { tryRead } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { fields, lines } from '../lib/text.ts';
import { type Row, type SnapshotTable, TableAbsentError } from '../types.ts';

export const kernelModules: SnapshotTable = {
  kind: 'snapshot',
  name: 'kernel_modules',
  description: 'Modules loaded into the kernel.',
  cost: 'cheap',
  key: ['name'],
  columns: [
    text('name', 'Name.'),
    bigint('size', 'Bytes of memory it takes.'),
    text('used_by', 'Modules that use it, each followed by a comma; - for none.'),
    text('status', 'Live, Loading or Unloading.'),
    load(text('address', 'Where it is loaded; zeros unless root asks.')),
  ],
  collect(context): Row[] {
    const result = tryRead(context, '/proc/modules');
    if (!result.ok)
      throw new TableAbsentError('this kernel takes no modules: there is no /proc/modules');
    return lines(result.bytes.toString('utf8')).map((line) => {
      const [name, size, , usedBy, status, address] = fields(line);
      return {
        name: name!,
        size: integerOrNull(size),
        used_by: usedBy ?? null,
        status: status ?? null,
        address: address ?? null,
      };
    });
  },
};
