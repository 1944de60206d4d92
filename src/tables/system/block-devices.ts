import { bigint, integer, text } from '../lib/columns.ts';
import { eqTexts, wants } from '../lib/constraints.ts';
import { listDir, readAttribute, type Rooted } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { ProgramError, runProgram } from '../lib/program.ts';
import { realPathOf, udevOf } from '../lib/sysfs.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';

export const blockDevices: SnapshotTable = {
  kind: 'snapshot',
  name: 'block_devices',
  description: 'Disks, partitions and other block devices, from /sys/class/block.',
  cost: 'moderate',
  key: ['name'],
  columns: [
    text('name', 'Device file, e.g. /dev/sda1.', { index: true }),
    text('parent', 'Device file of the disk a partition is on; NULL for others.', { unset: true }),
    text('vendor', 'Maker.', { unset: true }),
    text('model', 'Model.', { unset: true }),
    text('serial', 'Serial number.', { unset: true }),
    bigint('size', 'Size in blocks of block_size.'),
    integer('block_size', 'Size of a logical block in bytes.'),
    text('uuid', 'UUID of the file system on it.', { unset: true, collate: 'nocase' }),
    text('type', 'Type of the file system on it.', { unset: true }),
    text('label', 'Label of the file system on it.', { unset: true }),
  ],
  async collect(context): Promise<Row[]> {
    const names = namesAsked(context);
    const contents = wants(context, 'uuid', 'type', 'label')
      ? await contentsOf(context)
      : undefined;
    return names.map((name) => ({ ...deviceRow(context, name), ...contents?.get(name) }));
  },
};

function namesAsked(context: CollectContext): string[] {
  const names = listDir(context, BLOCK);
  const asked = eqTexts(context, 'name');
  return asked === undefined ? names : names.filter((name) => asked.includes(deviceFile(name)));
}

function deviceRow(context: Rooted, name: string): Row {
  const folder = `${BLOCK}/${name}`;
  const parent = parentOf(context, name);
  const disk = parent === undefined ? folder : `${BLOCK}/${parent}`;
  const blockSize = integerOrNull(readAttribute(context, `${disk}/queue/logical_block_size`));
  return {
    name: deviceFile(name),
    parent: parent === undefined ? null : deviceFile(parent),
    vendor: readAttribute(context, `${disk}/device/vendor`),
    model: readAttribute(context, `${disk}/device/model`),
    serial:
      readAttribute(context, `${disk}/serial`) ?? readAttribute(context, `${disk}/device/serial`),
    size: blocksOf(integerOrNull(readAttribute(context, `${folder}/size`)), blockSize),
    block_size: blockSize,
  };
}

/** The kernel counts sectors of 512 bytes whatever the block size. */
function blocksOf(sectors: number | bigint | null, blockSize: number | bigint | null) {
  if (sectors === null || blockSize === null) return sectors;
  return Math.floor((Number(sectors) * SECTOR_BYTES) / Number(blockSize));
}

/** In the real tree a partition's folder is inside its disk's. */
function parentOf(context: Rooted, name: string): string | undefined {
  if (readAttribute(context, `${BLOCK}/${name}/partition`) === null) return undefined;
  return realPathOf(context, `${BLOCK}/${name}`)?.split('/').at(-2);
}

/** `!` in a name of sysfs stands for the `/` of a device file. */
export function deviceFile(name: string): string {
  return `/dev/${name.replaceAll('!', '/')}`;
}

/** What is on each device: udev found out already; without udev, lsblk may know. */
async function contentsOf(context: CollectContext): Promise<Map<string, Row>> {
  const known = new Map<string, Row>();
  for (const name of listDir(context, BLOCK)) {
    const number = readAttribute(context, `${BLOCK}/${name}/dev`);
    const udev = udevOf(context, `b${number}`);
    if (udev.size === 0) continue;
    known.set(name, {
      uuid: udev.get('ID_FS_UUID') ?? null,
      type: udev.get('ID_FS_TYPE') ?? null,
      label: udev.get('ID_FS_LABEL') ?? null,
      ...(udev.has('ID_VENDOR') && { vendor: udev.get('ID_VENDOR')! }),
      ...(udev.has('ID_SERIAL_SHORT') && { serial: udev.get('ID_SERIAL_SHORT')! }),
    });
  }
  return known.size > 0 ? known : contentsFromLsblk(context);
}

async function contentsFromLsblk(context: Rooted): Promise<Map<string, Row>> {
  try {
    const args = ['--json', '--list', '--output', 'KNAME,UUID,FSTYPE,LABEL'];
    const result = await runProgram(context, 'lsblk', args);
    const shown = JSON.parse(result.stdout || '{}') as { blockdevices?: LsblkDevice[] };
    return new Map(
      (shown.blockdevices ?? []).map(({ kname, uuid, fstype, label }) => [
        kname.replaceAll('/', '!'),
        { uuid, type: fstype, label },
      ]),
    );
  } catch (error) {
    if (error instanceof ProgramError || error instanceof SyntaxError) return new Map();
    throw error;
  }
}

interface LsblkDevice {
  readonly kname: string;
  readonly uuid: string | null;
  readonly fstype: string | null;
  readonly label: string | null;
}

const BLOCK = '/sys/class/block';
const SECTOR_BYTES = 512;
