/**
 * What a session of ours relies on, whatever `alter role`, `alter database` or postgresql.conf say: sent
 * with the start of the connection, which goes before all three (PostgreSQL manual, "Setting Parameters").
 */
import type { ClientConfig } from 'pg';

/** What a session is for. */
export type Use =
  /** A person's own statements: only what values look like is pinned. */
  | 'shell'
  /** Statements of this program, which name schemas where they matter. */
  | 'work'
  /** As `work`; nothing but pg_catalog is found without its schema. */
  | 'hub';

export interface SessionConfig extends ClientConfig {
  /** `work` when left out. */
  readonly use?: Use;
  /** A role to take at once, unless the URL sets options of its own. */
  readonly role?: string;
}

const FORMATS: Pins = {
  DateStyle: 'ISO,MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  xmlbinary: 'base64',
  standard_conforming_strings: 'on',
  backslash_quote: 'safe_encoding',
};

const WORK: Pins = {
  ...FORMATS,
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  // Times that a caller limits are set beside these, and go before them.
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  row_security: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  quote_all_identifiers: 'off',
  check_function_bodies: 'on',
  client_min_messages: 'notice',
  'plpgsql.extra_errors': 'none',
  'plpgsql.extra_warnings': 'none',
};

const PINS: Readonly<Record<Use, Pins>> = {
  shell: FORMATS,
  work: WORK,
  hub: { ...WORK, search_path: 'pg_catalog,pg_temp' },
};

type Pins = Readonly<Record<string, string>>;

/** The configuration for pg with all of this in it. Options that the URL sets stay, ours go before them. */
export function pinned({ use = 'work', role, ...config }: SessionConfig): ClientConfig {
  const own = optionsOf(config);
  const asRole = role === undefined || own !== undefined ? {} : { role };
  const options = [...(own === undefined ? [] : [own]), ...words({ ...asRole, ...PINS[use] })];
  return withOptions(config, options.join(' '));
}

function words(pins: Pins): string[] {
  // A backslash keeps a space within its word.
  return Object.entries(pins).map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`);
}

function optionsOf({ connectionString, options }: ClientConfig): string | undefined {
  const url = connectionString === undefined ? undefined : new URL(connectionString);
  return url?.searchParams.get('options') ?? options;
}

/** In pg what the URL says goes before what stands beside it. */
function withOptions(config: ClientConfig, options: string): ClientConfig {
  const { connectionString } = config;
  if (connectionString === undefined) return { ...config, options };
  const url = new URL(connectionString);
  if (!url.searchParams.has('options')) return { ...config, options };
  url.searchParams.set('options', options);
  return { ...config, connectionString: url.href };
}
