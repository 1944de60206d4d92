/** rpm_packages: what rpm has installed. */
import { bigint, integer, mountNamespaceId, pidWithNamespace, text } from '../lib/columns.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { runProgram } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import { type Row, type SnapshotTable, TableError } from '../types.ts';
import { requireRpmDatabase } from './rpm-database.ts';

export const rpmPackages: SnapshotTable = {
  name: 'rpm_packages',
  description: "Packages in rpm's database, as rpm(8) lists them.",
  kind: 'snapshot',
  cost: 'expensive',
  key: ['name', 'version', 'release', 'arch', 'epoch'],
  columns: [
    text('name', 'Name of the package.', { index: true }),
    text('version', 'Version of the package.', { index: true, collate: 'version_rhel' }),
    text('release', 'Release of the package.', { index: true }),
    text('source', 'Source package it was built from.'),
    bigint('size', 'Installed size in bytes.'),
    text('sha1', 'SHA-1 of its header.', { collate: 'nocase' }),
    text('arch', 'Architecture.', { index: true }),
    integer('epoch', 'Epoch of the version, NULL if none.', { index: true }),
    integer('install_time', 'When it was installed, seconds since 1970.'),
    text('vendor', 'Who made the package.'),
    text('package_group', 'Group it is put in.'),
    pidWithNamespace(),
    mountNamespaceId(),
  ],
  async collect(context) {
    const args = [...requireRpmDatabase(context), '-qa', '--queryformat', FORMAT];
    const { code, stdout, stderr } = await runProgram(context, 'rpm', args, { timeoutMs: 4_500 });
    if (code !== 0) throw new TableError(`rpm -qa failed: ${lines(stderr)[0] ?? `exit ${code}`}`);
    return parseRpms(stdout);
  },
};

/** Lines in the order of FORMAT. What a package does not have is printed as `(none)`. */
export function parseRpms(output: string): Row[] {
  return lines(output).map((line) => {
    const values = line.split('\t').map((value) => (value === '(none)' ? null : value));
    const [name, version, release, source, size, sha1, arch, epoch, time, vendor, group] = values;
    return {
      name,
      version,
      release,
      source,
      size: integerOrNull(size),
      sha1,
      arch,
      epoch: integerOrNull(epoch),
      install_time: integerOrNull(time),
      vendor,
      package_group: group,
    };
  });
}

const FORMAT = `${[
  'NAME',
  'VERSION',
  'RELEASE',
  'SOURCERPM',
  'LONGSIZE',
  'SHA1HEADER',
  'ARCH',
  'EPOCH',
  'INSTALLTIME',
  'VENDOR',
  'GROUP',
]
  .map((tag) => `%{${tag}}`)
  .join('\\t')}\\n`;
