/** The account files passwd(5) and group(5): what is local to the host, without NSS or LDAP. */
import { readText, requireText, type Rooted } from '../lib/files.ts';
import { lines } from '../lib/text.ts';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly description: string;
  readonly home: string;
  readonly shell: string;
}

export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * The accounts of /etc/passwd, in its order; lines that are no account are passed over.
 * @throws TableError when the file cannot be read
 */
export function readAccounts(context: Rooted): Account[] {
  return lines(requireText(context, '/etc/passwd')).flatMap(parseAccount);
}

/** As readAccounts, but none where there is no /etc/passwd: for tables that only look names up. */
export function accountsIfAny(context: Rooted): Account[] {
  return lines(readText(context, '/etc/passwd') ?? '').flatMap(parseAccount);
}

/**
 * The groups of /etc/group, in its order.
 * @throws TableError when the file cannot be read
 */
export function readGroups(context: Rooted): Group[] {
  return lines(requireText(context, '/etc/group')).flatMap(parseGroup);
}

/** As readGroups, but none where there is no /etc/group. */
export function groupsIfAny(context: Rooted): Group[] {
  return lines(readText(context, '/etc/group') ?? '').flatMap(parseGroup);
}

/** An id as the kernel keeps it (unsigned 32 bit) read as a signed one, as on macOS. */
export function signedId(id: number): number {
  return id | 0;
}

/** An account's line, in a list of one; none for what is no account. */
export function parseAccount(line: string): Account[] {
  const [name, , uid, gid, description = '', home = '', shell = ''] = line.split(':');
  const user = parseId(uid);
  const group = parseId(gid);
  if (!isName(name) || user === undefined || group === undefined) return [];
  return [{ name, uid: user, gid: group, description, home, shell }];
}

/** As parseAccount, of a group. */
export function parseGroup(line: string): Group[] {
  const [name, , id, list = ''] = line.split(':');
  const gid = parseId(id);
  if (!isName(name) || gid === undefined) return [];
  return [{ name, gid, members: list.split(',').filter((member) => member !== '') }];
}

/** Names in front of which + or - stands ask for NIS (nsswitch.conf, compat), and are no accounts. */
function isName(name: string | undefined): name is string {
  return name !== undefined && /^[^+#-]/.test(name);
}

function parseId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= 0xffff_ffff ? id : undefined;
}
