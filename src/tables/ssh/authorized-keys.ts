/** authorized_keys: keys that let people in as a user. */
import { fromHomes } from '../accounts/homes.ts';
import { bigint, pidWithNamespace, text } from '../lib/columns.ts';
import { lines } from '../lib/text.ts';
import type { Row, LookupTable } from '../types.ts';
import { keyFilesOf } from './key-files.ts';

export const authorizedKeys: LookupTable = {
  name: 'authorized_keys',
  description:
    "Keys in the files that sshd's AuthorizedKeysFile names for users, .ssh/authorized_keys unless " +
    "set. All users' unless the query names a uid (osquery: only those of the user it runs as).",
  kind: 'lookup',
  cost: 'cheap',
  key: ['uid', 'key', 'key_file'],
  columns: [
    bigint('uid', 'User id of the user whom the key lets in.', { additional: true }),
    text('algorithm', 'Type of the key, as ssh-ed25519.'),
    text('key', 'The key in base64.'),
    text('options', 'Options in front of the key, empty if none.'),
    text('comment', 'What follows the key.'),
    text('key_file', 'The file it stands in.'),
    pidWithNamespace(),
  ],
  lookup(context) {
    const filesOf = keyFilesOf(context);
    return fromHomes(context, function* (home, files) {
      for (const key_file of filesOf(home)) {
        for (const line of lines(files.textAsUser(key_file) ?? '')) {
          const key = parseKeyLine(line.trim());
          if (key !== undefined) yield { uid: home.uid, ...key, key_file };
        }
      }
    });
  },
};

/** `[options] type base64 [comment]`, sshd(8); undefined for comments and anything else. */
export function parseKeyLine(line: string): Row | undefined {
  if (line.startsWith('#')) return undefined;
  const plain = KEY.exec(line);
  if (plain !== null) return toRow(plain, '');
  const end = optionsEnd(line);
  const rest = KEY.exec(line.slice(end).trimStart());
  return rest === null ? undefined : toRow(rest, line.slice(0, end));
}

/** Options end at the first blank outside double quotes. */
function optionsEnd(line: string): number {
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\' && line[at + 1] === '"') at++;
    else if (line[at] === '"') quoted = !quoted;
    else if (!quoted && (line[at] === ' ' || line[at] === '\t')) return at;
  }
  return line.length;
}

function toRow(match: RegExpExecArray, options: string): Row {
  return { algorithm: match[1], key: match[2], options, comment: (match[3] ?? '').trim() };
}

const KEY =
  /^((?:ssh|ecdsa|sk-ssh|sk-ecdsa|webauthn-sk-ecdsa)-[\w@.-]+)[ \t]+([A-Za-z0-9+/]+=*)(?:[ \t]+(.*))?$/;
