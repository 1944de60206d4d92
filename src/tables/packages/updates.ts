/** updates: newer versions of installed packages that apt knows of. */
import { bigint, integer, load, text } from '../lib/columns.ts';
import { type CollectContext, type Row, type SnapshotTable, TableAbsentError } from '../types.ts';
import { compareVersions } from '../version-order.ts';
import { findPackages, listText, LISTS, packageLists, readRelease } from './apt-lists.ts';
import type { Paragraph } from './control-file.ts';
import { dpkgPackages } from './dpkg-status.ts';

export const updates: SnapshotTable = {
  name: 'updates',
  description:
    "Newer versions of installed packages, from apt's lists as they were last fetched; nothing is " +
    'fetched for the query, and pins in apt_preferences are not taken into account. See rpm_updates, flatpak_updates and snap_updates.',
  kind: 'snapshot',
  cost: 'expensive',
  beyondOsquery: true,
  key: ['name', 'arch'],
  columns: [
    text('name', 'Name of the package.'),
    text('arch', 'Architecture of the installed package.'),
    text('installed_version', 'Version that is installed.', { collate: 'version_dpkg' }),
    text('candidate_version', 'Newest version in the lists.', { collate: 'version_dpkg' }),
    integer('security', '1 if a newer version comes from a security archive, else 0.'),
    text('origin', 'Label and suite of the archive the newest version is in.'),
    integer('held', '1 if the package is held back by the administrator, else 0.'),
    load(bigint('fetched', 'When apt fetched that list, seconds since 1970.')),
  ],
  async collect(context) {
    const installed = installedPackages(context);
    const wanted = new Set([...installed.values()].map(({ name }) => name));
    const found = new Map<string, Row>();
    for (const release of releases(context)) {
      for (const list of release.lists) {
        context.signal.throwIfAborted();
        const content = await listText(context, list);
        for (const offer of findPackages(content ?? '', wanted)) {
          addOffer(found, installed, offer, { ...release, fetched: list.fetched });
        }
      }
    }
    return [...found.values()];
  },
};

interface Installed {
  readonly name: string;
  readonly arch: string;
  readonly version: string;
  readonly held: boolean;
}

interface Source {
  readonly origin: string;
  readonly security: boolean;
  readonly fetched: number;
}

/** By `name:arch`. */
function installedPackages(context: CollectContext): Map<string, Installed> {
  const packages = new Map<string, Installed>();
  for (const paragraph of dpkgPackages(context)) {
    const [want, , state] = (paragraph.get('status') ?? '').split(' ');
    if (state !== 'installed') continue;
    const name = paragraph.get('package') ?? '';
    const arch = paragraph.get('architecture') ?? '';
    const version = paragraph.get('version') ?? '';
    packages.set(`${name}:${arch}`, { name, arch, version, held: want === 'hold' });
  }
  return packages;
}

/** Releases that apt takes new versions from by itself, with their lists. */
function releases(
  context: CollectContext,
): (Omit<Source, 'fetched'> & { lists: ReturnType<typeof packageLists> })[] {
  const lists = packageLists(context);
  if (lists.length === 0) {
    throw new TableAbsentError(
      `no package lists in ${LISTS}: this host does not use apt, or apt update was never run`,
    );
  }
  const prefixes = new Set(lists.map((list) => list.prefix));
  return [...prefixes].flatMap((prefix) => {
    const release = readRelease(context, prefix);
    // As backports: apt takes from there only what was asked for.
    if (release?.get('notautomatic') === 'yes') return [];
    const words = ['label', 'suite', 'codename'].map((field) => release?.get(field) ?? '');
    return [
      {
        origin: words.slice(0, 2).filter(Boolean).join(' ') || prefix,
        security: /security/i.test(`${words.join(' ')} ${prefix}`),
        lists: lists.filter((list) => list.prefix === prefix),
      },
    ];
  });
}

function addOffer(
  found: Map<string, Row>,
  installed: ReadonlyMap<string, Installed>,
  offer: Paragraph,
  source: Source,
): void {
  const name = offer.get('package') ?? '';
  const version = offer.get('version') ?? '';
  const arch = offer.get('architecture') ?? '';
  for (const one of matching(installed, name, arch)) {
    if (compareVersions('version_dpkg', version, one.version) <= 0) continue;
    const key = `${name}:${one.arch}`;
    const known = found.get(key);
    const security = source.security || known?.security === 1 ? 1 : 0;
    if (
      known !== undefined &&
      compareVersions('version_dpkg', version, String(known.candidate_version)) <= 0
    ) {
      known.security = security;
      continue;
    }
    found.set(key, {
      name,
      arch: one.arch,
      installed_version: one.version,
      candidate_version: version,
      security,
      origin: source.origin,
      held: one.held ? 1 : 0,
      fetched: source.fetched,
    });
  }
}

/** A package may become `all`, or cease to be, from one version to the next. */
function matching(
  installed: ReadonlyMap<string, Installed>,
  name: string,
  arch: string,
): Installed[] {
  const exact = installed.get(`${name}:${arch}`);
  if (exact !== undefined) return [exact];
  if (arch === 'all') {
    return [...NATIVE].flatMap((native) => installed.get(`${name}:${native}`) ?? []);
  }
  return NATIVE.has(arch) ? [installed.get(`${name}:all`) ?? []].flat() : [];
}

/** Node's name of the processor to Debian's. */
const NATIVE: ReadonlySet<string> = new Set(
  { x64: ['amd64'], arm64: ['arm64'], arm: ['armhf', 'armel'], ia32: ['i386'] }[
    process.arch as string
  ] ?? [process.arch],
);
