import { bigint, integer, load, text } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { fields, lines } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const diskIo: SnapshotTable = {
  kind: 'snapshot',
  name: 'disk_io',
  description: 'Reads and writes of block devices since the start, from /proc/diskstats.',
  cost: 'cheap',
  key: ['name'],
  beyondOsquery: true,
  columns: [
    load(text('name', 'Device file.')),
    load(bigint('reads', 'Reads done.')),
    load(bigint('reads_merged', 'Reads merged with others before they were done.')),
    load(bigint('bytes_read', 'Bytes read.')),
    load(bigint('read_ms', 'Milliseconds all reads took together.')),
    load(bigint('writes', 'Writes done.')),
    load(bigint('writes_merged', 'Writes merged with others before they were done.')),
    load(bigint('bytes_written', 'Bytes written.')),
    load(bigint('write_ms', 'Milliseconds all writes took together.')),
    load(integer('in_flight', 'Reads and writes under way.')),
    load(bigint('busy_ms', 'Milliseconds in which something was under way.')),
  ],
  collect(context): Row[] {
    return lines(requireText(context, '/proc/diskstats')).map((line) => {
      const [, , name, ...counts] = fields(line);
      const count = (index: number) => integerOrNull(counts[index]);
      return {
        name: `/dev/${name}`,
        reads: count(0),
        reads_merged: count(1),
        bytes_read: bytesOf(count(2)),
        read_ms: count(3),
        writes: count(4),
        writes_merged: count(5),
        bytes_written: bytesOf(count(6)),
        write_ms: count(7),
        in_flight: count(8),
        busy_ms: count(9),
      };
    });
  },
};

/** The kernel counts sectors of 512 bytes whatever the device. */
function bytesOf(sectors: number | bigint | null): number | bigint | null {
  return sectors === null ? null : integerOrNull(String(BigInt(sectors) * 512n));
}
