/** The files in which sshd looks for the keys of a user: AuthorizedKeysFile of sshd_config(5). */
import { groupsIfAny } from '../accounts/passwd.ts';
import type { Home } from '../accounts/homes.ts';
import type { CollectContext } from '../types.ts';
import { matchesList, splitWords } from './config-lines.ts';
import { sshdSettings, type SshdSetting } from './sshd-settings.ts';

/** Absolute paths for a user, every one that some connection of hers may be checked against. */
export function keyFilesOf(
  context: Pick<CollectContext, 'root' | 'warn'>,
): (home: Home) => string[] {
  const settings = sshdSettings(context);
  const command = settings.find(
    ({ option, words }) => option === 'authorizedkeyscommand' && words[0] !== 'none',
  );
  if (command !== undefined) {
    context.warn(
      `keys that ${command.words.join(' ')} tells sshd (AuthorizedKeysCommand) are not shown`,
    );
  }
  const written = settings.filter(({ option }) => option === 'authorizedkeysfile');
  const groups = groupsIfAny(context);
  return (home) => {
    const groupNames = groups
      .filter(({ gid, members }) => gid === home.gid || members.includes(home.name))
      .map(({ name }) => name);
    const files = filesFor(written, home.name, groupNames);
    return [...new Set(files.filter((file) => file !== 'none').map((file) => expand(file, home)))];
  };
}

/** The first block that matches counts; one that hangs on the connection may or may not. */
function filesFor(
  written: readonly SshdSetting[],
  user: string,
  groups: readonly string[],
): readonly string[] {
  const found: string[] = [];
  for (const { match, words } of written) {
    if (match === '') continue;
    const held = holds(match, user, groups);
    if (held !== 'no') found.push(...words);
    if (held === 'yes') return found;
  }
  return [...found, ...(written.find(({ match }) => match === '')?.words ?? DEFAULT)];
}

function holds(match: string, user: string, groups: readonly string[]): 'yes' | 'no' | 'maybe' {
  const words = splitWords(match).flatMap((word) => word.split('='));
  let held: 'yes' | 'maybe' = 'yes';
  for (let at = 0; at < words.length; at++) {
    const criterion = words[at]!.toLowerCase();
    if (criterion === 'all') continue;
    if (criterion === 'invalid-user') return 'no';
    const list = words[++at] ?? '';
    if (criterion === 'user') {
      if (!matchesList(user, list)) return 'no';
    } else if (criterion === 'group') {
      if (!matchesGroups(groups, list)) return 'no';
    } else held = 'maybe';
  }
  return held;
}

/** A user who is in a group that is forbidden does not match. */
function matchesGroups(groups: readonly string[], list: string): boolean {
  const patterns = list.split(',');
  const forbids = patterns.filter((it) => it.startsWith('!')).map((it) => it.slice(1));
  if (groups.some((group) => forbids.some((pattern) => matchesList(group, pattern)))) return false;
  const allows = patterns.filter((it) => !it.startsWith('!')).join(',');
  return groups.some((group) => matchesList(group, allows));
}

/** %h is the home, %u the name, %U the id; a path that is not absolute lies below the home. */
function expand(file: string, { path, name, uid }: Home): string {
  const values: Readonly<Record<string, string>> = { '%': '%', h: path, u: name, U: `${uid}` };
  const expanded = file.replace(/%(.)/g, (all, token: string) => values[token] ?? all);
  return expanded.startsWith('/') ? expanded : `${path.replace(/\/+$/, '')}/${expanded}`;
}

const DEFAULT = ['.ssh/authorized_keys', '.ssh/authorized_keys2'];
