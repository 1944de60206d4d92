import { machine } from 'node:os';

import {
  bigint,
  elsewhere,
  integer,
  mountNamespaceId,
  pidWithNamespace,
  text,
} from '../lib/columns.ts';
import { readText, type Rooted } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { keyValues, unquote } from '../lib/text.ts';
import { TableError, type Row, type SnapshotTable } from '../types.ts';

export const osVersion: SnapshotTable = {
  kind: 'snapshot',
  name: 'os_version',
  description: 'Name and version of the operating system, one row, from os-release(5).',
  cost: 'cheap',
  key: [],
  columns: [
    text('name', 'Name of the distribution.'),
    text('version', 'Version as shown to people.', { unset: true, collate: 'version' }),
    integer('major', 'First number of the version; 0 when there is none.'),
    integer('minor', 'Second number of the version; 0 when there is none.'),
    integer('patch', 'Third number of the version; 0 when there is none.'),
    text('build', 'Build or variant, where the distribution tells it.', { unset: true }),
    text('platform', 'Short name of the distribution, e.g. debian.'),
    text('platform_like', 'Short names of the distributions it derives from.', { unset: true }),
    text('codename', 'Code name of the release.', { unset: true }),
    text('arch', 'Architecture of the machine, as uname -m.'),
    elsewhere('darwin', text('extra', 'Further words on the release')),
    elsewhere('windows', bigint('install_date', 'When the system was installed')),
    elsewhere('windows', integer('revision', 'Update build revision')),
    pidWithNamespace(),
    mountNamespaceId(),
  ],
  collect(context): Row[] {
    const release = readOsRelease(context);
    if (release === undefined) {
      throw new TableError('neither /etc/os-release nor /usr/lib/os-release can be read');
    }
    const id = release.get('VERSION_ID') ?? '';
    const number = fullNumber(context, id);
    const [major, minor, patch] = number.split('.');
    const version = release.get('VERSION') ?? id;
    return [
      {
        name: release.get('NAME') ?? null,
        version: (number === id ? version : version.replace(id, number)) || null,
        major: integerOrNull(major) ?? 0,
        minor: integerOrNull(minor) ?? 0,
        patch: integerOrNull(patch) ?? 0,
        build: release.get('BUILD_ID') ?? null,
        platform: release.get('ID') ?? null,
        platform_like: release.get('ID_LIKE') ?? null,
        codename: release.get('VERSION_CODENAME') ?? null,
        arch: machine(),
      },
    ];
  },
};

/**
 * CentOS says 7 in os-release and 7.9.2009 in redhat-release, which osquery takes the numbers from;
 * anything else tells no more than os-release.
 */
function fullNumber(context: Rooted, id: string): string {
  if (!/^\d+$/.test(id)) return id;
  const text = readText(context, '/etc/redhat-release') ?? '';
  const number = / release (\d+(?:\.\d+)+)/.exec(text)?.[1] ?? id;
  return number.startsWith(`${id}.`) ? number : id;
}

/** os-release as key and value, quotes taken off. */
export function readOsRelease(context: Rooted): Map<string, string> | undefined {
  const content = readText(context, '/etc/os-release') ?? readText(context, '/usr/lib/os-release');
  if (content === undefined) return undefined;
  return new Map([...keyValues(content, '=')].map(([key, value]) => [key, unquote(value)]));
}
