import { bigint, integer, text } from '../lib/columns.ts';
import { eqIntegers } from '../lib/constraints.ts';
import { readText } from '../lib/files.ts';
import { unescapeOctal } from '../lib/mounts.ts';
import { integerOrNull, narrow } from '../lib/numbers.ts';
import { pidsOf, warnOthersHidden } from '../lib/proc.ts';
import { lines } from '../lib/text.ts';
import type { LookupTable, Row } from '../types.ts';

export const processMemoryMap: LookupTable = {
  kind: 'lookup',
  name: 'process_memory_map',
  description: 'Regions of the address space of processes: mapped files, heap, stack and the like.',
  cost: 'expensive',
  key: ['pid', 'start'],
  columns: [
    integer('pid', 'Process id.', { index: true }),
    text('start', 'First address, 0x and hexadecimal.'),
    text('end', 'Address behind the last, 0x and hexadecimal.'),
    text('permissions', 'r read, w write, x execute, p private or s shared.'),
    bigint('offset', 'Offset into the mapped file.'),
    text('device', 'Device of the mapped file, major:minor in hexadecimal.'),
    integer('inode', 'Inode of the mapped file, 0 for none.'),
    text('path', 'Mapped file, or a name in brackets such as [heap].'),
    integer('pseudo', '1 when path is no file, else 0.'),
  ],
  *lookup(context): Generator<Row> {
    if (eqIntegers(context, 'pid') === undefined) warnOthersHidden(context, 'memory maps');
    for (const pid of pidsOf(context)) {
      for (const line of lines(readText(context, `/proc/${pid}/maps`) ?? '')) {
        const row = mapRow(pid, line);
        if (row !== undefined) yield row;
      }
    }
  },
};

/** `start-end perms offset dev inode   path`, proc_pid_maps(5). */
function mapRow(pid: number, line: string): Row | undefined {
  const match =
    /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) (\S+) (\d+) *(.*)$/s.exec(line) ?? undefined;
  if (match === undefined) return undefined;
  const [, start, end, permissions, offset, device, inode, name] = match;
  const path = unescapeOctal(name!);
  return {
    pid,
    start: `0x${start}`,
    end: `0x${end}`,
    permissions: permissions!,
    offset: narrow(BigInt(`0x${offset}`)),
    device: device!,
    inode: integerOrNull(inode),
    path,
    pseudo: inode === '0' && path !== '' ? 1 : 0,
  };
}
