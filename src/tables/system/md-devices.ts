import { bigint, integer, load, text } from '../lib/columns.ts';
import { readAttribute } from '../lib/files.ts';
import { readMdstat, type MdArray } from '../lib/mdstat.ts';
import { integerOrNull } from '../lib/numbers.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const mdDevices: SnapshotTable = {
  kind: 'snapshot',
  name: 'md_devices',
  description: 'Software RAID arrays, from /proc/mdstat.',
  cost: 'cheap',
  key: ['device_name'],
  columns: [
    text('device_name', 'Name of the array.'),
    text('status', 'active or inactive, with what the kernel adds.'),
    integer('raid_level', 'RAID level; -1 for linear, NULL for others.'),
    bigint('size', 'Size in blocks of 1 KiB.'),
    bigint('chunk_size', 'Size of a chunk in bytes.'),
    integer('raid_disks', 'Disks the array is made for.'),
    integer('nr_raid_disks', 'Disks there are.'),
    integer('working_disks', 'Disks that have not failed.'),
    integer('active_disks', 'Disks in sync.'),
    integer('failed_disks', 'Disks that failed.'),
    integer('spare_disks', 'Spare disks.'),
    load(text('superblock_state', 'State of the array, e.g. clean.')),
    text('superblock_version', 'Version of the superblock.'),
    load(bigint('superblock_update_time', 'Unix time of its last change; always NULL.')),
    load(text('bitmap_on_mem', 'Pages of the bitmap in memory.')),
    text('bitmap_chunk_size', 'Size of a chunk of the bitmap.'),
    text('bitmap_external_file', 'File the bitmap is in.'),
    ...['recovery', 'resync', 'reshape', 'check_array'].flatMap((action) => [
      load(text(`${action}_progress`, `How far ${words(action)} is.`)),
      load(text(`${action}_finish`, `How long ${words(action)} will take.`)),
      load(text(`${action}_speed`, `How fast ${words(action)} goes.`)),
    ]),
    text('unused_devices', 'Devices no array uses.'),
    text('other', 'Other lines about the array.'),
  ],
  collect(context): Row[] {
    const { arrays, unused } = readMdstat(context);
    return arrays.map((array) => ({
      ...diskColumns(array),
      ...detailColumns(array.details),
      superblock_state: readAttribute(context, `/sys/block/${array.name}/md/array_state`),
      unused_devices: unused,
    }));
  },
};

function diskColumns(array: MdArray): Row {
  const marked = (mark: string): number =>
    array.drives.filter((drive) => drive.marks.includes(mark)).length;
  return {
    device_name: array.name,
    status: array.status,
    raid_level: array.level === 'linear' ? -1 : integerOrNull(array.level.replace('raid', '')),
    nr_raid_disks: array.drives.length,
    working_disks: array.drives.length - marked('F'),
    failed_disks: marked('F'),
    spare_disks: marked('S'),
  };
}

/**
 * `1952 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [UU_]`,
 * `bitmap: 3/8 pages [12KB], 65536KB chunk`, `[=>..] recovery = 12.6% (3/9) finish=1.5min speed=3K/sec`
 */
function detailColumns(details: readonly string[]): Row {
  const all = details.join('\n');
  const first = (pattern: RegExp): string | null => pattern.exec(all)?.[1] ?? null;
  const chunk = first(/(\d+)k chunk/);
  return {
    size: integerOrNull(first(/^(\d+) blocks/m)),
    chunk_size: chunk === null ? null : Number(chunk) * 1024,
    raid_disks: integerOrNull(first(/\[(\d+)\/\d+\]/)),
    active_disks: integerOrNull(first(/\[\d+\/(\d+)\]/)),
    superblock_version: first(/super (\S+)/),
    bitmap_on_mem: first(/^bitmap: ([^,]+)/m),
    bitmap_chunk_size: first(/^bitmap: [^,]+, (\S+) chunk/m),
    bitmap_external_file: first(/^bitmap: .*file: (.+)$/m),
    ...actionColumns(details),
    other: details.filter((line) => !/^(\d+ blocks|bitmap:|\[|resync)/.test(line)).join('; '),
  };
}

function actionColumns(details: readonly string[]): Row {
  const row: Row = {};
  for (const line of details) {
    const match = /(recovery|resync|reshape|check) *= *(\S+(?: \([^)]*\))?)/.exec(line);
    if (match === null) continue;
    const action = match[1] === 'check' ? 'check_array' : match[1]!;
    row[`${action}_progress`] = match[2]!;
    row[`${action}_finish`] = /finish=(\S+)/.exec(line)?.[1] ?? null;
    row[`${action}_speed`] = /speed=(\S+)/.exec(line)?.[1] ?? null;
  }
  return row;
}

function words(action: string): string {
  return action === 'check_array' ? 'the check' : `the ${action}`;
}
