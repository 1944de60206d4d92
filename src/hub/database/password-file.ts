/**
 * The password that a URL does not hold, from the file where libpq looks for it (PostgreSQL manual,
 * "The Password File"): the URL's `passfile`, else PGPASSFILE, else ~/.pgpass. pg knows no `passfile`,
 * and announces that it will forget the other two.
 */
import { readFileSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../errors.ts';
import { targetOf, type Target } from './login.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The URL with the password of the first line that fits in it; as it was where it has one, where
 * PGPASSWORD gives one, or where no file does. For connecting only: it is not to be shown.
 */
export function withPassword(url: string, env: Env = process.env): string {
  const target = targetOf(url);
  if (target.password !== undefined || env['PGPASSWORD']) return url;
  const { password } = lookUp(url, target, env);
  if (password === undefined) return url;
  const parsed = new URL(url);
  const before = parsed.search === '' ? '?' : `${parsed.search}&`;
  parsed.search = `${before}password=${encodeURIComponent(password)}`;
  return parsed.href;
}

/** Why `withPassword` found none, as a sentence that quotes the file. */
export function whyNoPassword(url: string, env: Env = process.env): string {
  return lookUp(url, targetOf(url), env).why ?? 'the one that was found is empty';
}

interface Found {
  readonly password?: string;
  readonly why?: string;
}

function lookUp(url: string, target: Target, env: Env): Found {
  const path =
    new URL(url).searchParams.get('passfile') || env['PGPASSFILE'] || join(homedir(), '.pgpass');
  const quoted = JSON.stringify(path);
  const user = target.user ?? env['PGUSER'] ?? userInfo().username;
  const wanted = [
    target.host ?? env['PGHOST'] ?? 'localhost',
    target.port ?? env['PGPORT'] ?? '5432',
    target.database ?? env['PGDATABASE'] ?? user,
    user,
  ];
  try {
    const { mode } = statSync(path);
    // A pipe would be waited for, and what others can read is no secret: libpq takes neither.
    if ((mode & TYPE) !== REGULAR) return { why: `${quoted} is not a plain file` };
    if ((mode & 0o077) !== 0)
      return { why: `${quoted} is open to others and was not read: chmod 600 it` };
    for (const line of readFileSync(path, 'utf8').split(/\r?\n/)) {
      const password = passwordOf(line, wanted);
      if (password !== undefined) return { password };
    }
    return { why: `${quoted} has no line for ${wanted.join(':')}` };
  } catch (error) {
    return { why: `${quoted} cannot be read (${codeOf(error)})` };
  }
}

const TYPE = 0o170000;
const REGULAR = 0o100000;

/** Of host:port:database:user:password with * for any, and \ before a : or a \ that is meant. */
function passwordOf(line: string, wanted: readonly string[]): string | undefined {
  const fields = line.startsWith('#') ? null : LINE.exec(line);
  if (fields === null) return undefined;
  const fits = wanted.every((value, n) => {
    const field = fields[n + 1]!;
    return field === '*' || unescaped(field) === value;
  });
  return fits ? unescaped(fields[5]!) : undefined;
}

const FIELD = String.raw`((?:\\.|[^\\:])*)`;
const LINE = new RegExp(`^${FIELD}:${FIELD}:${FIELD}:${FIELD}:(.*)$`);

function unescaped(field: string): string {
  return field.replace(/\\(.)/g, '$1');
}
