/**
 * The configuration file: `config.yaml` in the state folder. Every error names the file, the key,
 * the value and what is allowed; unknown keys are errors, since a mistyped limit is no limit.
 */
import { hostname } from 'node:os';
import { hostNameFrom, isHostName } from '../../wire/index.ts';
import { parseDocument } from 'yaml';
import type { QueryLimits } from '../../query/index.ts';
import {
  ADDRESSES_MAX,
  ANSWER_BYTES_MAX,
  isLabel,
  isMemberAddress,
  LABELS_BYTES_MAX,
  LABELS_MAX,
  pack,
} from '../../wire/index.ts';
import { EXAMPLE_ACTIONS, readActions } from '../actions/config.ts';
import type { ActionConfig } from '../actions/types.ts';
import { ADDRESS_FORM, DEFAULT_PORT, parseAddress, type Address } from '../../base/index.ts';
import type { HostFacts } from '../../tables/types.ts';
import { AgentError } from '../errors.ts';
import type { LogLevel } from '../log.ts';
import { notAMember } from '../state/membership.ts';
import type { StateFolder } from '../state/state-folder.ts';
import { readBackup, type BackupConfig } from './backup-config.ts';
import { readHistoryBounds } from './history-config.ts';
import type { FileCategories } from '../watch/file-patterns.ts';
import type { JournalBounds } from '../history/journal.ts';

/** Its name in the state folder. */
export const CONFIG_FILE = 'config.yaml';

export interface Config {
  /** What other hosts call this one. */
  readonly name: string;
  readonly listen: Address;
  /** Addresses others may dial, where they differ from `listen`. */
  readonly advertise: readonly string[];
  /** Members to find the swarm by. */
  readonly seeds: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly denyTables: readonly string[];
  /** What tables may read and ask that they otherwise leave alone. */
  readonly allowed: NonNullable<HostFacts['allowed']>;
  /** Category to the paths whose events are kept for file_events. */
  readonly fileEvents: FileCategories;
  readonly limits: Partial<QueryLimits>;
  /** How much of what a hub has not fetched yet is kept. */
  readonly history: JournalBounds;
  /** By name. */
  readonly actions: ReadonlyMap<string, ActionConfig>;
  readonly log: LogLevel;
  /** PostgreSQL of a hub; undefined means the embedded one. */
  readonly database?: string;
  /** Where a hub tells of alerts. */
  readonly alertWebhook?: { readonly url: string; readonly token?: string };
  /** Backups that a hub makes by itself; undefined: none. */
  readonly backup?: BackupConfig;
  /** Where metrics are served; undefined: nowhere. */
  readonly metrics?: { readonly listen: Address };
}

/** @throws AgentError `config_invalid` or `not_initialised` */
export function loadConfig(state: StateFolder): Config {
  const text = state.readText(CONFIG_FILE);
  if (text === undefined) throw notAMember(state);
  return parseConfig(text, state.file(CONFIG_FILE));
}

/** @throws AgentError `config_invalid`, quoting file, key and value */
export function parseConfig(text: string, file: string): Config {
  const document = parseDocument(text, { prettyErrors: true });
  const [problem] = document.errors;
  if (problem !== undefined) throw invalid(file, problem.message.split('\n')[0]!);
  const value: unknown = document.toJS() ?? {};
  if (!isMap(value)) throw invalid(file, 'it must be a map of keys to values');
  for (const key of Object.keys(value)) {
    if (!(key in READERS)) {
      throw invalid(file, `unknown key ${JSON.stringify(key)}`, `keys are ${KEYS.join(', ')}`);
    }
  }
  const read = <K extends keyof typeof READERS>(key: K): ReturnType<(typeof READERS)[K]> => {
    try {
      return READERS[key](value[key]) as ReturnType<(typeof READERS)[K]>;
    } catch (error) {
      // An error ends up in logs, and what was mistyped may be a password.
      const shown = SECRET_KEYS.has(key) ? 'what stands there' : JSON.stringify(value[key]);
      throw invalid(
        file,
        `${key}: ${shown} is not valid`,
        `${key} must be ${(error as Error).message}`,
      );
    }
  };
  const database = read('database');
  const alertWebhook = read('alert_webhook');
  const metrics = read('metrics');
  const backup = read('backup');
  return {
    name: read('name'),
    listen: read('listen'),
    advertise: read('advertise'),
    seeds: read('seeds'),
    labels: read('labels'),
    denyTables: read('deny_tables'),
    allowed: { configLines: read('config_lines'), curlHosts: read('curl_hosts') },
    fileEvents: read('file_events'),
    limits: read('limits'),
    history: read('history'),
    actions: read('actions'),
    log: read('log'),
    ...(database === undefined ? {} : { database }),
    ...(alertWebhook === undefined ? {} : { alertWebhook }),
    ...(backup === undefined ? {} : { backup }),
    ...(metrics === undefined ? {} : { metrics }),
  };
}

/** The text `init` and `up --join` write: what was given, with a comment for each key. */
export function renderConfig(config: {
  name: string;
  listen: string;
  seeds: readonly string[];
  labels?: Readonly<Record<string, string>>;
}): string {
  const list = (items: readonly string[]) =>
    `[${items.map((item) => JSON.stringify(item)).join(', ')}]`;
  const labels = Object.entries(config.labels ?? {})
    .map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
    .join(', ');
  return `# What other hosts call this one.
name: ${JSON.stringify(config.name)}

# Where this node listens.
listen: ${JSON.stringify(config.listen)}

# Addresses other hosts may dial, where they differ from listen (behind a NAT, say).
advertise: []

# Members this node finds the swarm by.
seeds: ${list(config.seeds)}

# Labels this host declares about itself.
labels: {${labels}}

# Tables this host never serves.
deny_tables: []

# Files whose settings table config_lines shows, and hosts that tables curl and curl_certificate may ask;
# none unless said.
# config_lines: [/etc/ssh/sshd_config, /etc/nginx/**]
# curl_hosts: [intranet.example, "10.0.0.5:8080"]

# Files whose events table file_events shows; none unless said.
# file_events: {ssh: [/etc/ssh/**], accounts: [/etc/passwd, /etc/shadow]}

# Limits on one query here, running_max and queued_max on the queries of one asker; these are the
# defaults. time_ms_max is what a longer --timeout of an asker can raise time_ms to.
# limits: {time_ms: 5000, time_ms_max: 5000, wait_ms: 30000, rows_max: 10000, answer_bytes_max: 4194304, running_max: 2, queued_max: 32}

# How much history is kept for a hub that is away; these are the defaults.
# history: {journal_bytes: 64MiB, journal_age: 30d}

${EXAMPLE_ACTIONS}
# debug, info, warn or error
log: info
`;
}

/** The text with one more action, unless it has one of that name; comments stay. */
export function addAction(text: string, name: string, action: object): string {
  const document = parseDocument(text);
  if (document.hasIn(['actions', name])) return text;
  document.setIn(['actions', name], document.createNode(action));
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/**
 * The text of a configuration under another name, the rest of it as it was.
 * @throws AgentError `config_invalid`; `file` is for people
 */
export function renameHost(text: string, name: string, file: string): string {
  const document = parseDocument(text);
  document.set('name', name);
  const renamed = document.toString({ lineWidth: 0, flowCollectionPadding: false });
  parseConfig(renamed, file);
  return renamed;
}

const READERS = {
  name: (value: unknown): string => {
    const name = value ?? hostNameFrom(hostname());
    if (typeof name === 'string' && isHostName(name.toLowerCase())) return name.toLowerCase();
    throw new Error(
      'letters, digits, dots and dashes, at most 253, e.g. web1, and not 8 or more hex digits alone, which are a node id',
    );
  },
  listen: (value: unknown): Address => addressOf(value ?? `0.0.0.0:${DEFAULT_PORT}`),
  advertise: (value: unknown): string[] => {
    const addresses = addressList(value);
    const wrong = addresses.find((address) => !isMemberAddress(address));
    if (wrong !== undefined || addresses.length > ADDRESSES_MAX)
      throw new Error(
        `at most ${ADDRESSES_MAX} addresses of this host that others can dial, not ${wrong === undefined ? addresses.length : JSON.stringify(wrong)}`,
      );
    return addresses;
  },
  seeds: (value: unknown): string[] => addressList(value),
  labels: (value: unknown): Record<string, string> => {
    const wanted = `a map of text to text, at most ${LABELS_MAX} and 4 KiB in all, a name of 63 letters, a text of 255, e.g. {role: web}`;
    if (value === undefined || value === null) return {};
    if (!isMap(value) || Object.keys(value).length > LABELS_MAX) throw new Error(wanted);
    const entries = Object.entries(value).map(([key, item]): [string, string] => {
      if (typeof item === 'object' || !isLabel(key, String(item))) throw new Error(wanted);
      return [key, String(item)];
    });
    const labels = Object.fromEntries(entries);
    // What every other host would refuse must not be what this one says of itself.
    if (pack(labels).length > LABELS_BYTES_MAX) throw new Error(wanted);
    return labels;
  },
  deny_tables: (value: unknown): string[] => textList(value, 'a list of table names'),
  config_lines: (value: unknown): string[] => {
    const wanted = 'a list of paths, e.g. [/etc/ssh/sshd_config, /etc/nginx/**]';
    return pathList(value, wanted);
  },
  file_events: (value: unknown): FileCategories => {
    const wanted = 'a map of names to lists of paths, e.g. {ssh: [/etc/ssh/**]}';
    if (value === undefined || value === null) return new Map();
    if (!isMap(value)) throw new Error(wanted);
    return new Map(Object.entries(value).map(([name, paths]) => [name, pathList(paths, wanted)]));
  },
  curl_hosts: (value: unknown): string[] => {
    const wanted =
      'a list of hosts, with a port where it is not 80 or 443, e.g. [intranet.example, "10.0.0.5:8080"]';
    const hosts = textList(value, wanted);
    const wrong = hosts.find((host) => !/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host));
    if (wrong === undefined) return hosts;
    throw new Error(`${wanted}, not ${JSON.stringify(wrong)}`);
  },
  limits: (value: unknown): Partial<QueryLimits> => readLimits(value),
  history: (value: unknown): JournalBounds => readHistoryBounds(value),
  actions: (value: unknown): ReadonlyMap<string, ActionConfig> => readActions(value),
  log: (value: unknown): LogLevel => {
    const level = value ?? 'info';
    if (level !== 'debug' && level !== 'info' && level !== 'warn' && level !== 'error') {
      throw new Error('debug, info, warn or error');
    }
    return level;
  },
  database: (value: unknown): string | undefined => {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string' || !/^postgres(?:ql)?:\/\//.test(value)) {
      throw new Error('a PostgreSQL URL, e.g. postgresql://user@host/database');
    }
    return value;
  },
  alert_webhook: readWebhook,
  backup: readBackup,
  metrics: (value: unknown): { listen: Address } | undefined => {
    if (value === undefined || value === null) return undefined;
    const wanted = 'a map with the key listen, e.g. {listen: 127.0.0.1:9464}';
    if (!isMap(value) || Object.keys(value).some((key) => key !== 'listen'))
      throw new Error(wanted);
    return { listen: addressOf(value['listen']) };
  },
};

/** Paths that are whole, with wildcards of GLOB. */
function pathList(value: unknown, wanted: string): string[] {
  const paths = textList(value, wanted);
  const wrong = paths.find((path) => !/^\/[^\0]*$/.test(path) || /\/\.\.?(?:\/|$)/.test(path));
  if (wrong === undefined) return paths;
  throw new Error(`${wanted}, whole and without dots for folders, not ${JSON.stringify(wrong)}`);
}

/** URLs and tokens. */
const SECRET_KEYS: ReadonlySet<string> = new Set(['alert_webhook', 'database']);

const KEYS = Object.keys(READERS);

const LIMIT_KEYS = {
  sql_bytes_max: 'sqlBytesMax',
  time_ms: 'timeMs',
  time_ms_max: 'timeMsMax',
  wait_ms: 'waitMs',
  start_ms: 'startMs',
  heap_bytes: 'heapBytes',
  rows_max: 'rowsMax',
  answer_bytes_max: 'answerBytesMax',
  running_max: 'runningMax',
  queued_max: 'queuedMax',
  idle_ms: 'idleMs',
} as const;

/** Beyond some 24 days a timer of Node ends at once. */
const TIMER_MS_MAX = 24 * 3_600_000;

function mostOf(name: string): number {
  if (name === 'answerBytesMax') return ANSWER_BYTES_MAX;
  return /Ms(?:Max)?$/.test(name) ? TIMER_MS_MAX : Infinity;
}

function readLimits(value: unknown): Partial<QueryLimits> {
  if (value === undefined || value === null) return {};
  const known = Object.keys(LIMIT_KEYS).join(', ');
  if (!isMap(value)) throw new Error(`a map with the keys ${known}`);
  const limits: Record<string, number> = {};
  for (const [key, number] of Object.entries(value)) {
    const name = LIMIT_KEYS[key as keyof typeof LIMIT_KEYS];
    if (name === undefined) throw new Error(`a map with the keys ${known}`);
    if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1) {
      throw new Error(`a map of whole numbers from 1; ${key} is ${JSON.stringify(number)}`);
    }
    limits[name] = Math.min(number, mostOf(name));
  }
  return limits;
}

function readWebhook(value: unknown): { url: string; token?: string } | undefined {
  if (value === undefined || value === null) return undefined;
  const wanted =
    'a map with url (http or https) and perhaps token, e.g. {url: https://alerts.example/x}';
  if (!isMap(value) || Object.keys(value).some((key) => key !== 'url' && key !== 'token')) {
    throw new Error(wanted);
  }
  const { url, token } = value;
  if (typeof url !== 'string' || !URL.canParse(url)) throw new Error(wanted);
  const { protocol, username } = new URL(url);
  // fetch takes no login in a URL.
  if (!/^https?:$/.test(protocol) || username !== '') throw new Error(wanted);
  if (token === undefined || token === null) return { url };
  if (typeof token !== 'string' || !/^[\x21-\x7e]{1,4096}$/.test(token)) throw new Error(wanted);
  return { url, token };
}

function addressOf(value: unknown): Address {
  const address = typeof value === 'string' ? parseAddress(value) : undefined;
  if (address === undefined) throw new Error(ADDRESS_FORM);
  return address;
}

function addressList(value: unknown): string[] {
  const items = textList(value, 'a list of addresses, e.g. [10.0.0.5:7411]');
  // Port 0 can be listened at, not dialled.
  if (items.some((item) => (parseAddress(item)?.port ?? 0) === 0))
    throw new Error(`a list of ${ADDRESS_FORM}`);
  return items;
}

function textList(value: unknown, wanted: string): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string'))
    throw new Error(wanted);
  return value as string[];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(file: string, problem: string, hint?: string): AgentError {
  return new AgentError(
    'config_invalid',
    `configuration ${JSON.stringify(file)}: ${problem}`,
    hint,
  );
}
