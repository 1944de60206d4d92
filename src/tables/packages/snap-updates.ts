/** snap_updates: newer revisions of installed snaps. */
import { text } from '../lib/columns.ts';
import { ProgramError, runProgram } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import { TableError, type CollectContext, type Row, type SnapshotTable } from '../types.ts';

export const snapUpdates: SnapshotTable = {
  name: 'snap_updates',
  description:
    'Newer revisions of installed snaps, as `snap refresh --list` shows them: snapd asks its store for them, ' +
    'as it does by itself several times a day.',
  kind: 'snapshot',
  cost: 'expensive',
  beyondOsquery: true,
  key: ['name'],
  columns: [
    text('name', 'Name of the snap.'),
    text('installed_version', 'Version that is installed.', { collate: 'version' }),
    text('candidate_version', 'Version that there is.', { collate: 'version' }),
    text('installed_revision', 'Revision that is installed.'),
    text('candidate_revision', 'Revision that there is.'),
  ],
  async collect(context) {
    const offers = await snap(context, 'refresh', '--list');
    return offers === '' ? [] : snapRows(offers, await snap(context, 'list'));
  },
};

/** Tables of `snap refresh --list` and `snap list`, whose first columns hold no blanks. */
export function snapRows(offers: string, installed: string): Row[] {
  const have = new Map(parseSnaps(installed).map((one) => [one.name, one]));
  return parseSnaps(offers).map(({ name, version, revision }) => ({
    name,
    installed_version: have.get(name)?.version ?? null,
    candidate_version: version,
    installed_revision: have.get(name)?.revision ?? null,
    candidate_revision: revision,
  }));
}

function parseSnaps(table: string) {
  const [head = '', ...rows] = lines(table);
  if (head === '' || /up to date/i.test(head)) return [];
  if (!/^Name\s+Version\s+Rev\s/.test(head))
    throw new TableError(
      `snap printed ${JSON.stringify(head.slice(0, 100))}, which is no list of snaps`,
    );
  return rows.flatMap((row) => {
    const [name, version, revision] = row.trim().split(/\s+/);
    return name && version && revision ? [{ name, version, revision }] : [];
  });
}

async function snap(context: CollectContext, ...args: string[]): Promise<string> {
  try {
    const { code, stdout, stderr } = await runProgram(context, 'snap', args, { timeoutMs: 4_500 });
    if (code === 0) return stdout;
    const said = lines(stderr).join(' ').trim() || `exit ${code}`;
    // `snap list` without snaps fails on old versions.
    if (/no snaps are installed/i.test(said)) return '';
    throw new TableError(`snap ${args.join(' ')} failed: ${said}`);
  } catch (error) {
    if (error instanceof ProgramError && error.reason === 'missing')
      throw new TableError(`${error.message}; install package snapd`);
    throw error;
  }
}
