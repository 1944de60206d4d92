/** `actions:` of the configuration: read strictly, since what it allows runs as root. */
import type { ActionConfig } from './types.ts';

/** @throws Error whose message says what must be there, quoting what is */
export function readActions(value: unknown): ReadonlyMap<string, ActionConfig> {
  if (value === undefined || value === null) return new Map();
  const entries = Object.entries(mapOf(value, 'a map of names to actions'));
  return new Map(entries.map(([name, action]) => [name, readAction(name, action)]));
}

/** What `init` writes; every one is off until somebody turns it on. */
export const EXAMPLE_ACTIONS = `# What hubs with a commander certificate may start here; no shell is involved. Each {placeholder} of
# args needs a pattern, which a value must match from end to end. Restart the agent after a change.
actions:
  restart-service:
    enabled: false
    program: /usr/bin/systemctl
    args: [restart, --, "{unit}"]
    patterns: {unit: "[A-Za-z0-9][A-Za-z0-9:_.@-]{0,127}"}
    user: root
    time_limit: 2m
  # A name that ends in - or + would tell apt-get to remove or install; Pattern-Only: a name is no regex.
  apt-upgrade-package:
    enabled: false
    program: /usr/bin/apt-get
    args: [install, --only-upgrade, --yes, -o, "Dpkg::Options::=--force-confdef",
           -o, "Dpkg::Options::=--force-confold", -o, "DPkg::Lock::Timeout=300",
           -o, "APT::Cmd::Pattern-Only=true", --, "{package}"]
    patterns: {package: "[a-z0-9](?:[a-z0-9+.-]{0,126}[a-z0-9])"}
    env: {DEBIAN_FRONTEND: noninteractive}
    user: root
    time_limit: 30m
`;

/** A name that a certificate can hold (docs/protocol.md section 9). */
const NAME = /^[a-z0-9][a-z0-9_.-]{0,63}$/;
const KEYS = 'enabled, program, args, patterns, user, time_limit, output_limit, env'.split(', ');
const TIME_LIMIT_MS = 60_000;
const TIME_LIMIT_MS_MAX = 24 * 3_600_000;
const OUTPUT_LIMIT = 64 * 1024;
/** Twice this, with every byte replaced by the three of U+FFFD, still fits an answer of 4 MiB. */
const OUTPUT_LIMIT_MAX = 512 * 1024;
export const PLACEHOLDER = /\{([a-z][a-z0-9_]*)\}/g;

function readAction(name: string, value: unknown): ActionConfig {
  if (!NAME.test(name)) {
    throw wrong('each name', 'of lower-case letters, digits and _ . -, at most 64', name);
  }
  const map = mapOf(value, `a map in which ${name} is a map with the keys ${KEYS.join(', ')}`);
  const unknown = Object.keys(map).find((key) => !KEYS.includes(key));
  if (unknown !== undefined)
    throw wrong(`each key of ${name}`, `one of ${KEYS.join(', ')}`, unknown);
  const { program, user } = map;
  if (typeof program !== 'string' || !/^\/[^\0]+$/.test(program)) {
    throw wrong(`${name}.program`, 'an absolute path', program);
  }
  if (user !== undefined && (typeof user !== 'string' || !/^[a-z_][a-z0-9_.-]*\$?$/i.test(user))) {
    throw wrong(`${name}.user`, 'the name of a user', user);
  }
  const args = readArgs(name, map['args']);
  return {
    name,
    enabled: readFlag(name, map['enabled']),
    program,
    args,
    patterns: readPatterns(name, map['patterns'], args),
    ...(user === undefined ? {} : { user }),
    timeLimitMs: readTime(name, map['time_limit']),
    outputLimit: readOutputLimit(name, map['output_limit']),
    env: readEnv(name, map['env']),
  };
}

function readFlag(name: string, value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== 'boolean') throw wrong(`${name}.enabled`, 'true or false', value);
  return value;
}

function readArgs(name: string, value: unknown): string[] {
  const key = `${name}.args`;
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong(key, 'a list of texts', value);
  return value.map((arg: unknown) => {
    if (typeof arg !== 'string' || arg.includes('\0')) throw wrong(key, 'a list of texts', arg);
    // A mistyped placeholder must not reach the program as text.
    if (/[{}]/.test(arg.replace(PLACEHOLDER, ''))) {
      throw wrong(key, 'texts with { and } around the name of a placeholder only', arg);
    }
    return arg;
  });
}

function readPatterns(
  name: string,
  value: unknown,
  args: readonly string[],
): ReadonlyMap<string, RegExp> {
  const key = `${name}.patterns`;
  const given =
    value === undefined
      ? {}
      : mapOf(value, `a map in which ${key} is a map of placeholders to patterns`);
  const used = new Set(args.flatMap((arg) => [...arg.matchAll(PLACEHOLDER)].map((it) => it[1]!)));
  const idle = Object.keys(given).find((placeholder) => !used.has(placeholder));
  if (idle !== undefined) throw wrong(`each of ${key}`, 'a placeholder that args use', idle);
  return new Map(
    [...used].map((placeholder) => {
      if (given[placeholder] === undefined) {
        throw new Error(`a map in which ${key} has a pattern for {${placeholder}}`);
      }
      return [placeholder, readPattern(`${key}.${placeholder}`, given[placeholder])];
    }),
  );
}

/** Anchored here, so that nobody has to think of it. */
function readPattern(key: string, value: unknown): RegExp {
  if (typeof value !== 'string' || value === '') throw wrong(key, 'a regular expression', value);
  try {
    // Alone first: `a)(b` would pass only inside the parentheses.
    new RegExp(value, 'u');
    return new RegExp(`^(?:${value})$`, 'u');
  } catch (error) {
    throw wrong(key, `a regular expression (${(error as Error).message})`, value);
  }
}

function readTime(name: string, value: unknown): number {
  if (value === undefined) return TIME_LIMIT_MS;
  const match = typeof value === 'string' ? /^(\d{1,9})(ms|s|m|h)$/.exec(value) : null;
  const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  const ms = match === null ? 0 : Number(match[1]) * units[match[2]!]!;
  if (ms < 1 || ms > TIME_LIMIT_MS_MAX) {
    throw wrong(`${name}.time_limit`, 'a time from 1ms to 24h such as 30s or 5m', value);
  }
  return ms;
}

function readOutputLimit(name: string, value: unknown): number {
  if (value === undefined) return OUTPUT_LIMIT;
  if (typeof value === 'number' && Number.isSafeInteger(value)) {
    if (value >= 0 && value <= OUTPUT_LIMIT_MAX) return value;
  }
  throw wrong(`${name}.output_limit`, `a number of bytes, at most ${OUTPUT_LIMIT_MAX}`, value);
}

function readEnv(name: string, value: unknown): Record<string, string> {
  const key = `${name}.env`;
  const map =
    value === undefined ? {} : mapOf(value, `a map in which ${key} is a map of names to texts`);
  const entries = Object.entries(map).map(([variable, text]): [string, string] => {
    const plain = typeof text === 'string' || typeof text === 'number';
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable) || !plain || String(text).includes('\0')) {
      throw wrong(`${key}.${variable}`, 'a text', text);
    }
    return [variable, String(text)];
  });
  return Object.fromEntries(entries);
}

function mapOf(value: unknown, wanted: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Error(wanted);
}

/** The caller puts "actions must be" in front. */
function wrong(key: string, wanted: string, value?: unknown): Error {
  const not = value === undefined ? '' : `, not ${JSON.stringify(value)}`;
  return new Error(`a map in which ${key} is ${wanted}${not}`);
}
