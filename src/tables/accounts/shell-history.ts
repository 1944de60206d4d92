/** shell_history: commands that users typed. */
import { bigint, integer, text } from '../lib/columns.ts';
import { lines } from '../lib/text.ts';
import type { SnapshotTable } from '../types.ts';
import { fromHomes } from './homes.ts';

export const shellHistory: SnapshotTable = {
  name: 'shell_history',
  description:
    "Lines of the users' shell history files. All users' unless the query names a uid " +
    '(osquery: only those of the user it runs as).',
  kind: 'snapshot',
  cost: 'moderate',
  sensitive: true,
  key: ['uid', 'time', 'command', 'history_file'],
  columns: [
    bigint('uid', 'User id of the owner of the file.', { additional: true }),
    integer('time', 'When it was run, seconds since 1970; 0 where the file does not say.'),
    text('command', 'The command line.'),
    text('history_file', 'The file it stands in.'),
  ],
  collect: (context) =>
    fromHomes(context, function* ({ uid }, files) {
      for (const name of HISTORY_FILES) {
        const content = files.text(name);
        if (content === undefined) continue;
        for (const entry of parseHistory(content)) {
          yield { uid, ...entry, history_file: files.path(name) };
        }
      }
    }),
};

/** bash writes `#SECONDS` on the line before a command, zsh `: SECONDS:TOOK;` in front of it. */
export function* parseHistory(content: string): Generator<{ time: number; command: string }> {
  let time = 0;
  for (const line of lines(content)) {
    const stamp = /^#(\d{1,12})$/.exec(line);
    if (stamp !== null) {
      time = Number(stamp[1]);
      continue;
    }
    const zsh = /^: {1,10}(\d{1,12}):\d{1,12};(.*)$/.exec(line);
    yield zsh === null ? { time, command: line } : { time: Number(zsh[1]), command: zsh[2] ?? '' };
    time = 0;
  }
}

const HISTORY_FILES = [
  '.bash_history',
  '.zsh_history',
  '.zhistory',
  '.history',
  '.sh_history',
  '.ash_history',
] as const;
