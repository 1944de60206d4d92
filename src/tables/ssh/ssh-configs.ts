/** ssh_configs: how the ssh client is configured. */
import { fromHomes } from '../accounts/homes.ts';
import { bigint, text } from '../lib/columns.ts';
import { eqIntegers } from '../lib/constraints.ts';
import { readText } from '../lib/files.ts';
import { lines } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const sshConfigs: SnapshotTable = {
  name: 'ssh_configs',
  description:
    "Options in the users' ssh configuration and the system's (with uid 0). All users' unless " +
    'the query names a uid (osquery: only those of the user it runs as).',
  kind: 'snapshot',
  cost: 'cheap',
  key: ['uid', 'block', 'option', 'ssh_config_file'],
  columns: [
    bigint('uid', 'User id of the owner of the file.', { additional: true }),
    text('block', 'The Host or Match line it stands under, in lower case; empty if under none.'),
    text('option', 'The option and its value, in lower case as osquery has it.'),
    text('ssh_config_file', 'The file it stands in.'),
  ],
  collect(context) {
    const rows: Row[] = fromHomes(context, ({ uid }, files) =>
      optionsOf(files.text('.ssh/config'), uid, files.path('.ssh/config')),
    );
    if (eqIntegers(context, 'uid')?.includes(0) === false) return rows;
    return [...rows, ...optionsOf(readText(context, SYSTEM_FILE), 0, SYSTEM_FILE)];
  },
};

function* optionsOf(content: string | undefined, uid: number, file: string): Generator<Row> {
  let block = '';
  for (const line of lines(content ?? '')) {
    const option = line.trim().toLowerCase();
    if (option === '' || option.startsWith('#')) continue;
    if (/^(host|match)[\s=]/.test(option)) block = option;
    else yield { uid, block, option, ssh_config_file: file };
  }
}

const SYSTEM_FILE = '/etc/ssh/ssh_config';
