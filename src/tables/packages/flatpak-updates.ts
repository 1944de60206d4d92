/** flatpak_updates: newer commits of what flatpak has installed for all users. */
import { text } from '../lib/columns.ts';
import { ProgramError, runProgram, type ProgramResult } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import { TableError, type CollectContext, type Row, type SnapshotTable } from '../types.ts';

export const flatpakUpdates: SnapshotTable = {
  name: 'flatpak_updates',
  description:
    'Newer versions of what flatpak(1) has installed for the whole system, by the summaries of its remotes ' +
    'that it fetched last for the user the agent runs as; nothing is fetched for the query.',
  kind: 'snapshot',
  cost: 'expensive',
  beyondOsquery: true,
  key: ['name', 'arch', 'branch'],
  columns: [
    text('name', 'Id of the application or runtime, as org.gnome.Maps.'),
    text('arch', 'Architecture.'),
    text('branch', 'Branch, as stable.'),
    text('installed_version', 'Version that is installed; NULL where its makers tell none.', {
      collate: 'version',
    }),
    text('candidate_version', 'Version that there is; NULL where its makers tell none.', {
      collate: 'version',
    }),
    text('installed_commit', 'Beginning of the commit that is installed.'),
    text('candidate_commit', 'Beginning of the commit that there is.'),
    text('remote', 'Remote that it comes from.'),
  ],
  async collect(context) {
    const offers = await flatpak(context, 'remote-ls', '--updates', '--cached', columns('commit'));
    const installed = await flatpak(context, 'list', columns('active'));
    return flatpakRows(offers, installed);
  },
};

/** Lines of both in the order of `columns`, parted by tabs. */
export function flatpakRows(offers: string, installed: string): Row[] {
  const have = new Map(parseRefs(installed).map((ref) => [ref.key, ref]));
  return parseRefs(offers).map(({ key, name, version, branch, arch, remote, commit }) => ({
    name,
    arch,
    branch,
    installed_version: have.get(key)?.version ?? null,
    candidate_version: version,
    installed_commit: have.get(key)?.commit ?? null,
    candidate_commit: commit,
    remote,
  }));
}

function parseRefs(output: string) {
  return lines(output).flatMap((line) => {
    const [name, version, branch, arch, remote, commit] = line.split('\t');
    if (commit === undefined) return [];
    const key = `${name}/${arch}/${branch}`;
    return [{ key, name, version: version || null, branch, arch, remote, commit }];
  });
}

async function flatpak(context: CollectContext, ...args: string[]): Promise<string> {
  const result = await runProgram(context, 'flatpak', [...args, '--system'], {
    timeoutMs: 4_500,
  }).catch((error: unknown) => {
    if (error instanceof ProgramError && error.reason === 'missing')
      throw new TableError(`${error.message}; install package flatpak`);
    throw error;
  });
  if (result.code !== 0) throw failed(args[0]!, result);
  return result.stdout;
}

function failed(command: string, { code, stderr }: ProgramResult): TableError {
  const said = lines(stderr)[0]?.replace(/^error: /, '') ?? `exit ${code}`;
  const help = /cached summary/.test(said)
    ? '; run flatpak remote-ls --updates as the user the agent runs as, which fetches it'
    : '';
  return new TableError(`flatpak ${command} failed: ${said}${help}`);
}

function columns(commit: string): string {
  return `--columns=application,version,branch,arch,origin,${commit}`;
}
