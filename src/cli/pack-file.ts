/**
 * Query packs as people have them: an osquery pack or configuration (JSON with comments and line
 * continuations), or Fleet's YAML of queries and policies, several documents to a file.
 */
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { CliError } from './errors.ts';

export interface PackEntry {
  readonly name: string;
  readonly sql: string;
  /** A policy passes on a host where its query gives at least one row (Fleet). */
  readonly policy: boolean;
  readonly description?: string;
  /** Of a policy: what to do where it fails (Fleet). */
  readonly resolution?: string;
  /** Why it is not run here; undefined when it is. */
  readonly skipped?: string;
}

export interface Pack {
  /** Run first: only hosts where each gives a row are asked the rest (osquery). */
  readonly discovery: readonly string[];
  readonly entries: readonly PackEntry[];
}

/** @throws CliError naming the file */
export function readPackFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(`cannot read ${JSON.stringify(file)}: ${(error as Error).message}`);
  }
}

/** @throws CliError naming the file and what is wrong in it */
export function parsePack(text: string, file: string): Pack {
  const documents = /^\s*(?:\/\/|#|\{)/.test(text)
    ? (parseJson(text) ?? parseYaml(text, file))
    : parseYaml(text, file);
  const packs = documents.map((document) => readDocument(document));
  const pack = {
    discovery: packs.flatMap((one) => one.discovery),
    entries: packs.flatMap((one) => one.entries),
  };
  if (pack.entries.length > 0) return pack;
  throw new CliError(
    `${JSON.stringify(file)} holds no queries`,
    'it should be an osquery pack ({"queries": {...}}) or Fleet YAML (kind: query or kind: policy)',
  );
}

/** osquery takes comment lines and strings continued over lines. Undefined when it is not JSON. */
function parseJson(text: string): unknown[] | undefined {
  const plain = text.replace(/\\\r?\n\s*/g, ' ').replace(/^\s*(?:\/\/|#).*$/gm, '');
  try {
    return [JSON.parse(plain)];
  } catch {
    return undefined;
  }
}

function parseYaml(text: string, file: string): unknown[] {
  const documents = parseAllDocuments(text, { prettyErrors: true });
  if (!Array.isArray(documents)) return [];
  for (const { errors } of documents) {
    if (errors.length > 0) {
      const [line] = errors[0]!.message.split('\n');
      throw new CliError(`${JSON.stringify(file)} is neither JSON nor YAML: ${line}`);
    }
  }
  return documents.map((document) => document.toJS() as unknown);
}

function readDocument(document: unknown): Pack {
  if (Array.isArray(document)) return joined(document.map(readDocument));
  if (!isMap(document)) return NONE;
  const kind = document['kind'];
  const spec = isMap(document['spec']) ? document['spec'] : document;
  if (kind === 'policy') return one(spec, true);
  if (kind === 'query' || kind === 'report') return one(spec, false);
  if (typeof spec['query'] === 'string' && typeof spec['name'] === 'string')
    return one(spec, false);
  return readContainer(spec);
}

/** An osquery pack, an osquery configuration, or Fleet's GitOps file. */
function readContainer(spec: Record<string, unknown>): Pack {
  const lists = [
    ...listOf(spec['policies']).map((item) => one(item, true)),
    ...listOf(spec['queries']).map((item) => one(item, false)),
  ];
  const named = [spec['queries'], spec['schedule']]
    .filter(isMap)
    .map((map) => namedQueries(map, spec['platform']));
  const inner = isMap(spec['packs'])
    ? Object.values(spec['packs']).filter(isMap).map(readContainer)
    : [];
  const discovery = Array.isArray(spec['discovery'])
    ? spec['discovery'].filter((item): item is string => typeof item === 'string')
    : [];
  const all = joined([...lists, ...named, ...inner]);
  return { discovery: [...discovery, ...all.discovery], entries: all.entries };
}

function namedQueries(map: Record<string, unknown>, platform: unknown): Pack {
  const packs = Object.entries(map).map(([name, value]) =>
    isMap(value) ? one({ platform, ...value, name }, false) : NONE,
  );
  return joined(packs);
}

function one(spec: unknown, policy: boolean): Pack {
  if (!isMap(spec) || typeof spec['query'] !== 'string') return NONE;
  const platform = typeof spec['platform'] === 'string' ? spec['platform'] : '';
  const entry: PackEntry = {
    name: String(spec['name'] ?? spec['query']),
    // osquery and Fleet take a semicolon at the end.
    sql: spec['query'].trim().replace(/;\s*$/, ''),
    policy,
    ...(typeof spec['description'] === 'string' ? { description: spec['description'] } : {}),
    ...(typeof spec['resolution'] === 'string' ? { resolution: spec['resolution'] } : {}),
    ...(fitsLinux(platform) ? {} : { skipped: `is for ${platform}` }),
  };
  return { discovery: [], entries: [entry] };
}

const LINUX = new Set([
  '',
  'all',
  'any',
  'linux',
  'posix',
  'debian',
  'ubuntu',
  'centos',
  'rhel',
  'fedora',
  'amzn',
  'arch',
]);

function fitsLinux(platform: string): boolean {
  return platform.split(',').some((name) => LINUX.has(name.trim().toLowerCase()));
}

const NONE: Pack = { discovery: [], entries: [] };

function joined(packs: readonly Pack[]): Pack {
  return {
    discovery: packs.flatMap((pack) => pack.discovery),
    entries: packs.flatMap((pack) => pack.entries),
  };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
