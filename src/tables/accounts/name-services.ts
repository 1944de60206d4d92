/**
 * Accounts and groups by name or id from the name services of nsswitch.conf(5), as a directory's are:
 * by getent(1), which loads the modules that this process cannot. They are never listed, only looked up.
 */
import { spawnSync } from 'node:child_process';

import { eqIntegers, eqTexts } from '../lib/constraints.ts';
import { errorCode, readText } from '../lib/files.ts';
import { perQuery } from '../lib/per-query.ts';
import { lines } from '../lib/text.ts';
import type { CollectContext } from '../types.ts';

/** initgroups are the groups of a user, by name. */
export type NameDatabase = 'passwd' | 'group' | 'initgroups';

type NameContext = Pick<CollectContext, 'root' | 'signal' | 'warn'>;

/**
 * Local entries that fit what the query asks for by equality or join, then those that a directory has:
 * it is asked only for what is not local. All local ones where neither id nor name is asked for.
 */
export function askedEntries<Entry extends { readonly name: string }>(
  context: CollectContext,
  from: {
    readonly database: NameDatabase;
    readonly local: readonly Entry[];
    /** Columns of the table. */
    readonly idColumn: string;
    readonly nameColumn: string;
    readonly idOf: (entry: Entry) => number;
    readonly parse: (line: string) => Entry[];
  },
): readonly Entry[] {
  const { database, local, idOf, parse } = from;
  const ids = eqIntegers(context, from.idColumn);
  const names = eqTexts(context, from.nameColumn);
  if (ids === undefined && names === undefined) return local;
  const found = local.filter(
    (entry) => ids?.includes(idOf(entry)) !== false && names?.includes(entry.name) !== false,
  );
  const missing = (ids ?? names ?? []).filter(
    (key) => !local.some((entry) => idOf(entry) === key || entry.name === key),
  );
  const lines = fromNameServices(context, database, missing.map(String));
  return [...found, ...lines.flatMap(parse)];
}

/**
 * The line that the services have for each key, a name or an id in digits. None where nsswitch.conf
 * names files only. A service that does not answer in time is warned of and not asked again in
 * the same query, as a join asks for many.
 */
export function fromNameServices(
  context: NameContext,
  database: NameDatabase,
  keys: readonly string[],
): string[] {
  if (context.root !== '/' || !keys.some(isKey)) return [];
  const asked = memory(context)[database];
  if (!hasServices(context, database)) return [];
  return keys.filter(isKey).flatMap((key) => {
    if (!asked.lines.has(key) && !asked.silent) asked.lines.set(key, ask(context, database, key));
    return asked.lines.get(key) ?? [];
  });
}

function ask(context: NameContext, database: NameDatabase, key: string): string | undefined {
  const { status, stdout, error } = spawnSync('getent', [database, key], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH, LC_ALL: 'C' },
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_MAX,
  });
  if (error === undefined) return status === 0 ? lines(stdout)[0] : undefined;
  memory(context)[database].silent = true;
  const why =
    errorCode(error) === 'ETIMEDOUT' ? `did not answer within ${TIMEOUT_MS} ms` : error.message;
  context.warn(`names of a directory service are not looked up: getent ${database} ${why}`);
  return undefined;
}

/** A line of nsswitch.conf names services in order, with `[NOTFOUND=return]` and the like between. */
function hasServices(context: NameContext, database: NameDatabase): boolean {
  const text = readText(context, '/etc/nsswitch.conf') ?? '';
  const lineOf = (name: string): string | undefined =>
    new RegExp(`^\\s*${name}\\s*:([^#\\n]*)`, 'm').exec(text)?.[1];
  // What nothing is said of goes by the groups.
  const line = lineOf(database) ?? (database === 'initgroups' ? lineOf('group') : undefined) ?? '';
  const services = line.replace(/\[[^\]]*\]/g, ' ').match(/\S+/g) ?? [];
  return services.some((service) => service !== 'files');
}

/** What getent can be given: no option, and nothing that parts fields. */
function isKey(key: string): boolean {
  return /^[^-:\s\0][^:\n\0]*$/.test(key);
}

interface Asked {
  readonly lines: Map<string, string | undefined>;
  silent: boolean;
}

const memory = perQuery<NameContext, Readonly<Record<NameDatabase, Asked>>>(() => ({
  passwd: { lines: new Map(), silent: false },
  group: { lines: new Map(), silent: false },
  initgroups: { lines: new Map(), silent: false },
}));

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const TIMEOUT_MS = 2_000;
const OUTPUT_MAX = 8 * 1024 * 1024;
