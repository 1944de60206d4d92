import * as fs from 'node:fs';

import { bigint, load, text } from '../lib/columns.ts';
import { wants } from '../lib/constraints.ts';
import { hostPath, requireText, type Rooted } from '../lib/files.ts';
import { mayBlock, parseMounts, type MountEntry } from '../lib/mounts.ts';
import { integerOrNull, narrow } from '../lib/numbers.ts';
import { ProgramError, runProgram } from '../lib/program.ts';
import { withoutSecrets } from '../lib/urls.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';

export const mounts: SnapshotTable = {
  kind: 'snapshot',
  name: 'mounts',
  description: 'Mounted file systems, as this process sees them.',
  cost: 'moderate',
  key: ['path', 'device'],
  columns: [
    text('device', 'What is mounted.'),
    text('device_alias', 'What is mounted, with symbolic links resolved.'),
    text('path', 'Where it is mounted.'),
    text('type', 'Type of the file system.'),
    bigint('blocks_size', 'Size of a block in bytes.'),
    bigint('blocks', 'Blocks there are.'),
    load(bigint('blocks_free', 'Blocks free for root.')),
    load(bigint('blocks_available', 'Blocks free for everybody.')),
    load(bigint('inodes', 'Inodes there are.')),
    load(bigint('inodes_free', 'Inodes free.')),
    text('flags', 'Mount options, separated by commas.'),
  ],
  async collect(context): Promise<Row[]> {
    const entries = parseMounts(requireText(context, '/proc/self/mounts'));
    const rows = entries.map((entry) => ({
      ...entry,
      device: withoutSecrets(entry.device),
      device_alias: withoutSecrets(resolveDevice(context, entry.device)),
    }));
    if (!wants(context, ...SPACE_COLUMNS)) return rows;
    return Promise.all(rows.map(async (row) => ({ ...row, ...(await spaceOf(context, row)) })));
  },
};

function resolveDevice(context: Rooted, device: string): string {
  if (!device.startsWith('/dev/') || context.root !== '/') return device;
  try {
    return fs.realpathSync(device);
  } catch {
    return device;
  }
}

async function spaceOf(context: CollectContext, entry: MountEntry): Promise<Row> {
  // Asking it would mount what stands behind it, which has a row of its own once it is mounted.
  if (entry.type === 'autofs') return {};
  try {
    return mayBlock(entry.type)
      ? await spaceFromProgram(context, entry.path)
      : spaceFromCall(context, entry.path);
  } catch (error) {
    if (!(error instanceof ProgramError)) return {};
    context.warn(`mounts: ${JSON.stringify(entry.path)} does not answer: ${error.message}`);
    return {};
  }
}

function spaceFromCall(context: Rooted, path: string): Row {
  const space = fs.statfsSync(hostPath(context, path), { bigint: true });
  return {
    blocks_size: narrow(space.bsize),
    blocks: narrow(space.blocks),
    blocks_free: narrow(space.bfree),
    blocks_available: narrow(space.bavail),
    inodes: narrow(space.files),
    inodes_free: narrow(space.ffree),
  };
}

/**
 * A dead server would hold a call of ours for ever, and with it the query process, which not even
 * SIGKILL ends while FUSE waits. A program of its own can be left behind.
 */
async function spaceFromProgram(context: Rooted, path: string): Promise<Row> {
  const args = ['-f', '-c', '%s %b %f %a %c %d', '--', path];
  const result = await runProgram(context, 'stat', args, { timeoutMs: ANSWER_MS });
  if (result.code !== 0) return {};
  const values = result.stdout.trim().split(' ').map(integerOrNull);
  return Object.fromEntries(SPACE_COLUMNS.map((column, index) => [column, values[index]]));
}

const ANSWER_MS = 1_000;
const SPACE_COLUMNS = [
  'blocks_size',
  'blocks',
  'blocks_free',
  'blocks_available',
  'inodes',
  'inodes_free',
];
