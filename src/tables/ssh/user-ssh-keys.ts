/** user_ssh_keys: private keys in users' homes. */
import { fromHomes } from '../accounts/homes.ts';
import { bigint, integer, pidWithNamespace, text } from '../lib/columns.ts';
import type { LookupTable } from '../types.ts';
import { privateKeyFacts } from './private-key.ts';

export const userSshKeys: LookupTable = {
  name: 'user_ssh_keys',
  description:
    "Private keys in the users' .ssh folders, and whether a passphrase guards them. All users' " +
    'unless the query names a uid (osquery: only those of the user it runs as).',
  kind: 'lookup',
  cost: 'moderate',
  sensitive: true,
  key: ['uid', 'path'],
  columns: [
    bigint('uid', 'User id of the owner of the home.', { additional: true }),
    text('path', 'Path of the key file.', { index: true }),
    integer('encrypted', '1 if a passphrase guards it, else 0.'),
    text('key_type', 'rsa, dsa, dh, ec or empty for others.'),
    text('key_group_name', 'Curve of the key, empty where it has none.'),
    integer('key_length', 'Length of the key in bits, -1 if it cannot be told.'),
    integer('key_security_bits', 'Strength in bits as in SP 800-57, -1 if it cannot be told.'),
    pidWithNamespace(),
  ],
  lookup: (context) =>
    fromHomes(context, function* ({ uid }, files) {
      for (const name of files.list('.ssh')) {
        const facts = privateKeyFacts(files.text(`.ssh/${name}`, KEY_BYTES_MAX) ?? '');
        if (facts === undefined) continue;
        yield {
          uid,
          path: files.path(`.ssh/${name}`),
          encrypted: facts.encrypted ? 1 : 0,
          key_type: facts.type,
          key_group_name: facts.group,
          key_length: facts.length,
          key_security_bits: facts.securityBits,
        };
      }
    }),
};

const KEY_BYTES_MAX = 256 * 1024;
