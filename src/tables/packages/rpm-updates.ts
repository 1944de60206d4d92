/** rpm_updates: newer versions of installed packages that dnf or zypper knows of. */
import { integer, text } from '../lib/columns.ts';
import { exists } from '../lib/files.ts';
import { runProgram, type ProgramResult } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import { TableError, type CollectContext, type Row, type SnapshotTable } from '../types.ts';
import { compareVersions } from '../version-order.ts';
import { requireRpmDatabase } from './rpm-database.ts';
import { zypperUpdates } from './zypper-updates.ts';

export const rpmUpdates: SnapshotTable = {
  name: 'rpm_updates',
  description:
    'Newer versions of installed packages, as dnf(8) or zypper(8) find them in the lists that they fetched ' +
    'last; nothing is asked for anew but where zypper has no list of a repository. See updates for apt.',
  kind: 'snapshot',
  cost: 'expensive',
  beyondOsquery: true,
  key: ['name', 'arch'],
  columns: [
    text('name', 'Name of the package.'),
    text('arch', 'Architecture of the new package.'),
    text(
      'installed_version',
      'Newest that is installed, as epoch:version-release without epoch 0.',
      {
        collate: 'version_rhel',
      },
    ),
    text('candidate_version', 'Newest that there is, written so too.', { collate: 'version_rhel' }),
    integer('security', '1 if a newer version is in a security advisory, else 0.'),
    text('repository', 'Repository that the newest version is in.'),
    text('program', 'dnf or zypper.'),
  ],
  collect(context) {
    const database = requireRpmDatabase(context);
    if (isInstalled(context, 'dnf')) return dnfUpdates(context, database);
    if (isInstalled(context, 'zypper')) return zypperUpdates(context);
    throw new TableError(
      'neither dnf nor zypper is installed on this host; install package dnf (zypper on SUSE)',
    );
  },
};

function isInstalled(context: CollectContext, program: string): boolean {
  return ['/usr/bin', '/bin', '/usr/sbin'].some((folder) =>
    exists(context, `${folder}/${program}`),
  );
}

/** `-C` is what keeps dnf from asking the network. */
async function dnfUpdates(context: CollectContext, database: readonly string[]): Promise<Row[]> {
  const query = ['-C', 'repoquery', '--upgrades', '--qf', OFFER_FORMAT];
  const [offers, fixes, installed] = await Promise.all([
    runProgram(context, 'dnf', query, LIMITS),
    runProgram(context, 'dnf', [...query, '--security'], LIMITS),
    runProgram(context, 'rpm', [...database, '-qa', '--qf', INSTALLED_FORMAT], LIMITS),
  ]);
  for (const problem of withoutLists(offers)) context.warn(problem);
  const failed = [offers, fixes].find(({ code }) => code !== 0) ?? nothingKnown(offers);
  if (failed !== undefined)
    throw new TableError(`dnf -C repoquery failed: ${lastLine(failed)}; dnf makecache may help`);
  return dnfRows(offers.stdout, fixes.stdout, printedByRpm(installed));
}

/** Without it every update would be of a package that is not there. @throws TableError */
export function printedByRpm(result: ProgramResult): string {
  if (result.code === 0) return result.stdout;
  throw new TableError(`rpm -qa failed: ${lastLine(result)}`);
}

/**
 * What dnf and rpm printed, as rows. A package that is installed in several versions, as kernels are,
 * has the newest.
 */
export function dnfRows(offers: string, fixes: string, installed: string): Row[] {
  const have = newestOf(installed);
  const security = new Set(parseOffers(fixes).map(({ name, arch }) => `${name}.${arch}`));
  const found = new Map<string, Row>();
  for (const { name, arch, version, repository } of parseOffers(offers)) {
    const key = `${name}.${arch}`;
    const known = found.get(key)?.candidate_version;
    if (known !== undefined && compareVersions('version_rhel', version, String(known)) <= 0)
      continue;
    found.set(key, {
      name,
      arch,
      // Its architecture may have changed, from or to noarch.
      installed_version: have.get(key) ?? have.get(name) ?? null,
      candidate_version: version,
      security: security.has(key) ? 1 : 0,
      repository,
      program: 'dnf',
    });
  }
  return [...found.values()];
}

interface Offer {
  readonly name: string;
  readonly arch: string;
  readonly version: string;
  readonly repository: string;
}

/** dnf 4 ends lines itself, dnf 5 does not, so some are empty; others are messages. */
function parseOffers(output: string): Offer[] {
  return lines(output).flatMap((line) => {
    const [name, version, arch, repository] = line.split('\t');
    if (repository === undefined) return [];
    return { name: name!, version: version!.replace(/^0:/, ''), arch: arch!, repository };
  });
}

/** By `name.arch`, and by name whatever the architecture. */
function newestOf(installed: string): Map<string, string> {
  const newest = new Map<string, string>();
  for (const line of lines(installed)) {
    const [name, version, arch] = line.split('\t');
    if (arch === undefined) continue;
    const plain = version!.replace(/^(?:\(none\)|0):/, '');
    for (const key of [`${name}.${arch}`, name!]) {
      const known = newest.get(key);
      if (known === undefined || compareVersions('version_rhel', plain, known) > 0)
        newest.set(key, plain);
    }
  }
  return newest;
}

/** dnf passes repositories over of which it has fetched nothing, and ends well. */
function withoutLists({ stderr }: ProgramResult): string[] {
  return [...stderr.matchAll(/^Ignoring repositories: (.*)$/gm)].map(
    ([, names]) => `dnf has no lists of ${names}, whose updates are not shown; run dnf makecache`,
  );
}

/** Where every repository is passed over, or there is none, no rows do not mean that all is new. */
function nothingKnown(offers: ProgramResult): ProgramResult | undefined {
  const { stdout, stderr } = offers;
  if (stdout.trim() !== '' || /metadata expiration/i.test(stderr + stdout)) return undefined;
  return /^Ignoring repositories: /m.test(stderr) ? offers : undefined;
}

function lastLine({ code, stderr }: ProgramResult): string {
  return lines(stderr).findLast((line) => line.trim() !== '') ?? `exit ${code}`;
}

const LIMITS = { timeoutMs: 4_500, outputMax: 32 * 1024 * 1024 };
const OFFER_FORMAT = '%{name}\\t%{epoch}:%{version}-%{release}\\t%{arch}\\t%{repoid}\\n';
const INSTALLED_FORMAT = '%{NAME}\\t%{EPOCH}:%{VERSION}-%{RELEASE}\\t%{ARCH}\\n';
