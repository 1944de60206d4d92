/** portage_packages: what Gentoo's portage has installed. */
import { bigint, integer, text } from '../lib/columns.ts';
import { exists, listDir, readAttribute, readText } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { lines } from '../lib/text.ts';
import { type SnapshotTable, TableAbsentError } from '../types.ts';

export const portagePackages: SnapshotTable = {
  name: 'portage_packages',
  description: 'Packages that portage has installed, from /var/db/pkg.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['package', 'version', 'slot'],
  columns: [
    text('package', 'Category and name.'),
    text('version', 'Version with revision.', { collate: 'version' }),
    text('slot', 'Slot it is in.'),
    bigint('build_time', 'When it was built, seconds since 1970.'),
    text('repository', 'Repository its ebuild is from.'),
    bigint('eapi', 'EAPI of its ebuild.'),
    bigint('size', 'Size in bytes.'),
    integer('world', '1 if it is in the world file, else 0.'),
  ],
  collect(context) {
    if (!exists(context, DATABASE)) {
      throw new TableAbsentError(
        `no portage database on this host: there is no folder ${DATABASE}`,
      );
    }
    const world = new Set(lines(readText(context, '/var/lib/portage/world') ?? ''));
    return listDir(context, DATABASE).flatMap((category) =>
      listDir(context, `${DATABASE}/${category}`).flatMap((folder) => {
        // The version begins at the last hyphen in front of a digit.
        const match = /^(.+?)-(\d[^-]*(?:-r\d+)?)$/.exec(folder);
        if (match === null) return [];
        const name = `${category}/${match[1]}`;
        const attribute = (file: string): string | null =>
          readAttribute(context, `${DATABASE}/${category}/${folder}/${file}`);
        return [
          {
            package: name,
            version: match[2],
            slot: attribute('SLOT') ?? '',
            build_time: integerOrNull(attribute('BUILD_TIME')),
            repository: attribute('repository') ?? '',
            eapi: integerOrNull(attribute('EAPI')),
            size: integerOrNull(attribute('SIZE')),
            world: world.has(name) ? 1 : 0,
          },
        ];
      }),
    );
  },
};

const DATABASE = '/var/db/pkg';
