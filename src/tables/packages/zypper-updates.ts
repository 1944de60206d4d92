/** What zypper(8) knows of updates. */
import { runProgram } from '../lib/program.ts';
import { TableError, type CollectContext, type Row } from '../types.ts';
import { compareVersions } from '../version-order.ts';

/** Rows of rpm_updates. @throws TableError with zypper's words */
export async function zypperUpdates(context: CollectContext): Promise<Row[]> {
  const zypper = async (...args: string[]): Promise<string> => {
    const all = ['--non-interactive', '--no-refresh', ...args];
    const { code, stdout } = await runProgram(context, 'zypper', all, LIMITS);
    if (code === REPOS_SKIPPED)
      context.warn('zypper passed repositories over; run zypper refresh to see why');
    else if (code !== 0) throw new TableError(`zypper failed: ${messageOf(stdout, code)}`);
    return stdout;
  };
  const updates = await zypper('--xmlout', 'list-updates');
  const patches = patchNames(await zypper('--xmlout', 'list-patches', '--category', 'security'));
  const details = patches.length === 0 ? '' : await zypper('info', '-t', 'patch', ...patches);
  return zypperRows(updates, details);
}

/**
 * @param updates the XML of list-updates
 * @param patches what `info` says of the security patches that are needed: one conflicts with all of a
 *   package before the version that mends it
 */
export function zypperRows(updates: string, patches: string): Row[] {
  const fixes = fixedIn(patches);
  return elementsOf(updates, 'package').map(({ attributes, alias }) => {
    const name = attributes.get('name') ?? '';
    const installed = attributes.get('edition-old') ?? null;
    const mended = fixes
      .get(name)
      ?.some(
        (fixed) => installed === null || compareVersions('version_rhel', installed, fixed) < 0,
      );
    return {
      name,
      arch: attributes.get('arch') ?? null,
      installed_version: installed,
      candidate_version: attributes.get('edition') ?? null,
      security: mended === true ? 1 : 0,
      repository: alias,
      program: 'zypper',
    };
  });
}

/** Names of patches, which are arguments of the next call. */
export function patchNames(patches: string): string[] {
  return elementsOf(patches, 'patch')
    .map(({ attributes }) => attributes.get('name') ?? '')
    .filter((name) => /^[\w.]/.test(name));
}

/** Package names to the versions that mend them. */
function fixedIn(patches: string): Map<string, string[]> {
  const fixes = new Map<string, string[]>();
  for (const [, name, version] of patches.matchAll(CONFLICT)) {
    const plain = name!.replace(ARCHITECTURE, '');
    fixes.set(plain, [...(fixes.get(plain) ?? []), version!]);
  }
  return fixes;
}

interface Update {
  readonly attributes: ReadonlyMap<string, string>;
  /** Of its repository. */
  readonly alias: string | null;
}

function elementsOf(xml: string, kind: string): Update[] {
  return [...xml.matchAll(/<update ([^>]*)>([^]*?)<\/update>/g)].flatMap(([, head, body]) => {
    const attributes = attributesOf(head!);
    if (attributes.get('kind') !== kind) return [];
    const source = /<source ([^>]*)\/>/.exec(body!)?.[1] ?? '';
    return { attributes, alias: attributesOf(source).get('alias') ?? null };
  });
}

function attributesOf(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name!, unescaped(value!)]),
  );
}

function messageOf(xml: string, code: number): string {
  const said = /<message type="error">([^]*?)<\/message>/.exec(xml)?.[1];
  return said === undefined ? `exit ${code}` : unescaped(said.trim().split('\n')[0]!);
}

function unescaped(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name]!);
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
};

/** `Conflicts   : sec < 3.0.1-1`, and of several a line each. */
const CONFLICT = /^(?:Conflicts\s*:)?\s*(\S+) < (\S+)\s*$/gm;
const ARCHITECTURE = /\.(?:noarch|x86_64|i[3-6]86|aarch64|ppc64le|s390x|armv\w+|src)$/;
/** ZYPPER_EXIT_INF_REPOS_SKIPPED, zypper(8). */
const REPOS_SKIPPED = 106;
const LIMITS = { timeoutMs: 4_500, outputMax: 32 * 1024 * 1024 };
