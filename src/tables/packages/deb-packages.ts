/** deb_packages: what dpkg has installed. */
import { bigint, mountNamespaceId, pidWithNamespace, text } from '../lib/columns.ts';
import { eqTexts } from '../lib/constraints.ts';
import { integerOrNull } from '../lib/numbers.ts';
import type { Row, SnapshotTable } from '../types.ts';
import type { Paragraph } from './control-file.ts';
import { ADMINDIR, dpkgPackages } from './dpkg-status.ts';

export const debPackages: SnapshotTable = {
  name: 'deb_packages',
  description: "Packages in dpkg's database, from /var/lib/dpkg/status itself.",
  kind: 'snapshot',
  cost: 'moderate',
  key: ['name', 'arch', 'admindir'],
  columns: [
    text('name', 'Name of the package.'),
    text('version', 'Version as dpkg compares it: [epoch:]upstream[-revision].', {
      collate: 'version_dpkg',
    }),
    text('source', 'Source package, with its version if that differs; empty if of the same name.'),
    bigint('size', 'Installed size in bytes (dpkg keeps it in KiB).'),
    text('arch', 'Architecture.'),
    text('revision', 'Debian revision: the part of the version after its last hyphen.'),
    text('status', 'What is wanted, error flag and state, as "install ok installed".'),
    text('maintainer', 'Name and address of the maintainer.'),
    text('section', 'Section of the archive.'),
    text('priority', 'Priority: required, important, standard, optional or extra.'),
    text('admindir', 'Folder of the database; /var/lib/dpkg unless the query names another.', {
      additional: true,
      steers: true,
    }),
    pidWithNamespace(),
    mountNamespaceId(),
  ],
  collect(context) {
    const admindirs = eqTexts(context, 'admindir') ?? [ADMINDIR];
    return admindirs.flatMap((admindir) =>
      [...dpkgPackages(context, admindir)].map((paragraph) => toRow(paragraph, admindir)),
    );
  },
};

function toRow(paragraph: Paragraph, admindir: string): Row {
  const version = paragraph.get('version') ?? '';
  const kib = integerOrNull(paragraph.get('installed-size'));
  const hyphen = version.lastIndexOf('-');
  return {
    name: paragraph.get('package'),
    version,
    source: paragraph.get('source') ?? '',
    size: kib === null ? null : Number(kib) * 1024,
    arch: paragraph.get('architecture') ?? '',
    revision: hyphen < 0 ? '' : version.slice(hyphen + 1),
    status: paragraph.get('status') ?? '',
    maintainer: paragraph.get('maintainer') ?? '',
    section: paragraph.get('section') ?? '',
    priority: paragraph.get('priority') ?? '',
    admindir,
  };
}
