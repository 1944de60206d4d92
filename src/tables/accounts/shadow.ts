/** shadow: the state of passwords, without the passwords. */
import { bigint, text } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { lines } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const shadow: SnapshotTable = {
  name: 'shadow',
  description: 'State and age of the local passwords, from shadow(5); never the hashes themselves.',
  kind: 'snapshot',
  cost: 'cheap',
  sensitive: true,
  key: ['username'],
  columns: [
    text('password_status', 'active, locked, empty or not_set.'),
    text('hash_alg', 'Scheme of the hash as crypt(5) names it: 6, y, ... NULL if there is none.', {
      unset: true,
    }),
    bigint('last_change', 'Day of the last change, counted from 1970; -1 if not kept.'),
    bigint('min', 'Days that must pass between changes; -1 if not kept.'),
    bigint('max', 'Days after which it must be changed; -1 if not kept.'),
    bigint('warning', 'Days before that on which the user is warned; -1 if not kept.'),
    bigint('inactive', 'Days after that until the account is closed; -1 if not kept.'),
    bigint('expire', 'Day the account is closed on, counted from 1970; -1 if not kept.'),
    bigint('flag', 'Reserved; -1 if not kept.'),
    text('username', 'Login name.', { index: true }),
  ],
  collect: (context) => lines(requireText(context, '/etc/shadow')).flatMap(parseLine),
};

function parseLine(line: string): Row[] {
  const [username, password = '', ...days] = line.split(':');
  if (username === undefined || username === '' || days.length < 1) return [];
  const [lastChange, min, max, warning, inactive, expire, flag] = days.map(
    (text) => integerOrNull(text) ?? -1,
  );
  return [
    {
      password_status: passwordStatus(password),
      hash_alg: /^!*\$(\w+)\$/.exec(password)?.[1] ?? null,
      last_change: lastChange ?? -1,
      min: min ?? -1,
      max: max ?? -1,
      warning: warning ?? -1,
      inactive: inactive ?? -1,
      expire: expire ?? -1,
      flag: flag ?? -1,
      username,
    },
  ];
}

/** A hash field that no password can hash to means locked, as `x` does. */
function passwordStatus(password: string): string {
  if (password === '') return 'empty';
  if (password === '!!') return 'not_set';
  return HASH.test(password) ? 'active' : 'locked';
}

/** crypt(5): `$id$..`, BSDI's, and the traditional DES with a salt of two letters, which may be any. */
const HASH = /^(?:\$\w+\$|_[./0-9A-Za-z]{19}$|[./0-9A-Za-z]{13}(?:[./0-9A-Za-z]{11})*$)/;
