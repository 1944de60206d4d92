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
  const password = decodeURIComponent(parsed.password) || parameters.get('password');
  const line = [
    parameters.get('host') ?? (parsed.hostname.replace(/^\[|\]$/g, '') || 'localhost'),
    parameters.get('port') ?? (parsed.port || '5432'),
    parameters.get('dbname') ?? (decodeURIComponent(parsed.pathname.slice(1)) || '*'),
    parameters.get('user') ?? (decodeURIComponent(parsed.username) || '*'),
    password ?? '',
  ];
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

/** Connection parameters that are secrets themselves, not names of files. */
const SECRETS = ['password', 'sslpassword', 'passfile'];

function escaped(field: string): string {
  return field === '*' ? field : field.replace(/[\\:]/g, '\\$&');
}
