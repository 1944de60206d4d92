import { elsewhere, integer, text } from '../lib/columns.ts';
import { listDir, readAttribute, type Rooted } from '../lib/files.ts';
import { ProgramError, runProgram } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';
import { deviceFile } from './block-devices.ts';

export const diskEncryption: SnapshotTable = {
  kind: 'snapshot',
  name: 'disk_encryption',
  description: 'Block devices and whether what is on them is encrypted by dm-crypt.',
  cost: 'moderate',
  key: ['name'],
  columns: [
    text('name', 'Device file; join it with mounts.device_alias.', { index: true }),
    text('uuid', 'UUID of the encrypted volume.', { collate: 'nocase' }),
    integer('encrypted', '1 when encrypted, else 0.'),
    text('type', 'Cipher and mode, where root can read it; else the format, e.g. LUKS2.', {
      unset: true,
    }),
    text('encryption_status', 'encrypted or not encrypted.'),
    elsewhere('darwin', text('uid', 'User logged in to the volume')),
    elsewhere(
      'darwin',
      text('user_uuid', 'UUID of the user logged in to the volume', { collate: 'nocase' }),
    ),
    elsewhere('darwin', text('filevault_status', 'State of FileVault')),
  ],
  async collect(context): Promise<Row[]> {
    const names = listDir(context, BLOCK);
    const crypts = new Map(names.map((name) => [name, cryptBelow(context, name, 0)] as const));
    const anyCrypt = [...crypts.values()].some((crypt) => crypt !== undefined);
    const ciphers = anyCrypt ? await ciphersOf(context) : new Map<string, string>();
    return names.map((name) => {
      const crypt = crypts.get(name);
      return {
        name: deviceFile(name),
        uuid: crypt?.uuid ?? null,
        encrypted: crypt === undefined ? 0 : 1,
        type: crypt === undefined ? null : (ciphers.get(crypt.name) ?? crypt.format),
        encryption_status: crypt === undefined ? 'not encrypted' : 'encrypted',
      };
    });
  },
};

interface Crypt {
  readonly name: string;
  readonly uuid: string | null;
  readonly format: string;
}

/** The dm-crypt device that a device is or lies on (a logical volume on an encrypted one). */
function cryptBelow(context: Rooted, name: string, depth: number): Crypt | undefined {
  const match = /^CRYPT-([^-]+)-(?:([0-9a-f]{32})-)?/.exec(
    readAttribute(context, `${BLOCK}/${name}/dm/uuid`) ?? '',
  );
  if (match !== null) {
    const dmName = readAttribute(context, `${BLOCK}/${name}/dm/name`) ?? name;
    return { name: dmName, uuid: hyphenated(match[2]), format: match[1]! };
  }
  if (depth >= DEPTH_MAX) return undefined;
  const below = listDir(context, `${BLOCK}/${name}/slaves`);
  const crypts = below.map((slave) => cryptBelow(context, slave, depth + 1));
  // One part in clear leaves the whole in clear.
  return crypts.every((crypt) => crypt !== undefined) ? crypts[0] : undefined;
}

function hyphenated(uuid: string | undefined): string | null {
  return uuid?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') ?? null;
}

/** Only dmsetup, and for root only, tells the cipher. */
async function ciphersOf(context: Rooted): Promise<Map<string, string>> {
  try {
    const result = await runProgram(context, 'dmsetup', ['table', '--target', 'crypt']);
    return new Map(
      lines(result.stdout).flatMap((line) => {
        const match = /^(.*): \d+ \d+ crypt (\S+) /.exec(line);
        return match === null ? [] : [[match[1]!, match[2]!] as const];
      }),
    );
  } catch (error) {
    if (error instanceof ProgramError) return new Map();
    throw error;
  }
}

const BLOCK = '/sys/class/block';
const DEPTH_MAX = 8;
