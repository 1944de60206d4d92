/** ssh_configs: how the ssh client is configured. */
import { posix } from 'node:path';

import { fromHomes } from '../accounts/homes.ts';
import { bigint, text } from '../lib/columns.ts';
import { eqIntegers } from '../lib/constraints.ts';
import { readText } from '../lib/files.ts';
import { shellGlob } from '../lib/shell-glob.ts';
import { lines } from '../lib/text.ts';
import type { CollectContext, Row, LookupTable } from '../types.ts';
import { configLines } from './config-lines.ts';

export const sshConfigs: LookupTable = {
  name: 'ssh_configs',
  description:
    "Options in the users' ssh configuration, the system's (with uid 0) and what they include. All users' unless " +
    'the query names a uid (osquery: only those of the user it runs as).',
  kind: 'lookup',
  cost: 'cheap',
  key: ['uid', 'block', 'option', 'ssh_config_file'],
  columns: [
    bigint('uid', 'User id of the owner of the file.', { additional: true }),
    text(
      'block',
      'The Host or Match line it stands under, in lower case, behind those that include its file; empty if under none.',
    ),
    text('option', 'The option and its value, in lower case as osquery has it.'),
    text('ssh_config_file', 'The file it stands in.'),
  ],
  lookup(context) {
    const rows: Row[] = fromHomes(context, ({ uid, path: home }, files) =>
      optionsOf({
        context,
        uid,
        folder: `${home}/.ssh`,
        home,
        read: (path) => files.textAsUser(path),
      })(files.path('.ssh/config'), '', 0),
    );
    if (eqIntegers(context, 'uid')?.includes(0) === false) return rows;
    const read = (path: string): string | undefined => readText(context, path);
    const system = optionsOf({ context, uid: 0, folder: '/etc/ssh', home: undefined, read });
    return [...rows, ...system(SYSTEM_FILE, '', 0)];
  },
};

interface Origin {
  readonly context: Pick<CollectContext, 'root' | 'warn'>;
  readonly uid: number;
  /** What an Include that is not absolute is taken from. */
  readonly folder: string;
  /** What `~` stands for; only users' files may have it. */
  readonly home: string | undefined;
  read(path: string): string | undefined;
}

type OptionsOf = (file: string, outer: string, depth: number) => Generator<Row>;

/** An included file stands under the block that includes it, which goes on behind it. */
function optionsOf(origin: Origin): OptionsOf {
  const { context, uid, read } = origin;
  return function* of(file: string, outer: string, depth: number): Generator<Row> {
    let block = outer;
    for (const line of lines(read(file) ?? '')) {
      const option = line.trim().toLowerCase();
      if (option === '' || option.startsWith('#')) continue;
      if (/^(host|match)[\s=]/.test(option)) {
        block = outer === '' ? option : `${outer} ${option}`;
        continue;
      }
      yield { uid, block, option, ssh_config_file: file };
      for (const path of includedFiles(origin, line)) {
        if (depth < DEPTH_MAX) yield* of(path, block, depth + 1);
        else context.warn(`${file}: includes more than ${DEPTH_MAX} levels deep are not read`);
      }
    }
  };
}

function includedFiles({ context, folder, home }: Origin, line: string): string[] {
  const [include] = configLines(line);
  if (include?.keyword !== 'include') return [];
  return include.words.flatMap((word) => {
    const path = home === undefined ? word : word.replace(/^~(?=\/)/, home);
    return shellGlob(context, posix.resolve(folder, path));
  });
}

const SYSTEM_FILE = '/etc/ssh/ssh_config';
/** ssh's own. */
const DEPTH_MAX = 16;
