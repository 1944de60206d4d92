/**
 * How people log in to a hub's database with no password on a screen, in a shell's history or in a
 * process list: a URL without it, which names a password file that psql and all of libpq read
 * (PostgreSQL manual, "The Password File" and the connection parameter `passfile`).
 */
export interface Login {
  /** Holds no secret; psql takes it as it is, on the machine where `passfile` lies. */
  readonly url: string;
  /** The whole password file; undefined where the database needs no password, or it is not in the URL. */
  readonly passfile: string | undefined;
}

/**
 * @param url a PostgreSQL URL, perhaps with a password
 * @param path where the password file will lie, absolute
 */
export function loginOf(url: string, path: string): Login {
  const parsed = new URL(url);
  const parameters = parsed.searchParams;
  const { host, port, database, user, password } = targetOf(url);
  const line = [host ?? 'localhost', port ?? '5432', database ?? '*', user ?? '*', password ?? ''];
  parsed.password = '';
  for (const name of SECRETS) parameters.delete(name);
  if (!password) return { url: parsed.href, passfile: undefined };
  // Not through `parameters`: libpq knows %20 and no plus sign.
  const before = parsed.search === '' ? '?' : '&';
  const passfile = path.split('/').map(encodeURIComponent).join('/');
  return {
    url: `${parsed.href}${before}passfile=${passfile}`,
    passfile: `${line.map(escaped).join(':')}\n`,
  };
}

/** What a PostgreSQL URL says of where to log in; undefined is left to defaults. */
export interface Target {
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly database: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

/** Parameters behind the question mark go before the parts of the URL, as in libpq. */
export function targetOf(url: string): Target {
  const { hostname, port, pathname, username, password, searchParams } = new URL(url);
  const said = (name: string, part: string) =>
    (searchParams.get(name) ?? decodeURIComponent(part)) || undefined;
  return {
    host: said('host', hostname.replace(/^\[|\]$/g, '')),
    port: said('port', port),
    database: said('dbname', pathname.slice(1)),
    user: said('user', username),
    password: said('password', password),
  };
}

/** Connection parameters that are secrets themselves, not names of files. */
const SECRETS = ['password', 'sslpassword', 'passfile'];

function escaped(field: string): string {
  return field === '*' ? field : field.replace(/[\\:]/g, '\\$&');
}
