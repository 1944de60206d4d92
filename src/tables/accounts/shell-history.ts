/** shell_history: commands that users typed. */
import { bigint, integer, text } from '../lib/columns.ts';
import { lines } from '../lib/text.ts';
import type { LookupTable } from '../types.ts';
import { fromHomes, type HomeFiles } from './homes.ts';

export const shellHistory: LookupTable = {
  name: 'shell_history',
  description:
    "Lines of the users' shell history files. All users' unless the query names a uid " +
    '(osquery: only those of the user it runs as).',
  kind: 'lookup',
  cost: 'moderate',
  sensitive: true,
  key: ['uid', 'time', 'command', 'history_file'],
  columns: [
    bigint('uid', 'User id of the owner of the file.', { additional: true }),
    integer('time', 'When it was run, seconds since 1970; 0 where the file does not say.'),
    text('command', 'The command line.'),
    text('history_file', 'The file it stands in.'),
  ],
  lookup: (context) =>
    fromHomes(context, function* ({ uid }, files) {
      for (const name of [...HISTORY_FILES, ...fishFiles(files)]) {
        const content = files.bytes(name);
        if (content === undefined) continue;
        for (const entry of entriesOf(name, content)) {
          yield { uid, ...entry, history_file: files.path(name) };
        }
      }
    }),
};

interface Entry {
  readonly time: number;
  readonly command: string;
}

/** The form of a file by its name; `.history` is zsh's, tcsh's or ksh's, which its lines tell. */
function entriesOf(name: string, content: Buffer): Iterable<Entry> {
  if (name.startsWith(FISH)) return fishEntries(content.toString('utf8'));
  const zsh = name.startsWith('.z') || (name === '.history' && ZSH_LINE.test(content.toString()));
  return zsh ? zshEntries(content) : bashEntries(content.toString('utf8'));
}

/**
 * bash writes `#SECONDS` on the line before a command, tcsh `#+SECONDS`. In a file that begins so
 * bash takes all lines up to the next stamp for one command.
 */
function* bashEntries(content: string): Generator<Entry> {
  const stamped = BASH_STAMP.test(content.slice(0, content.indexOf('\n') + 1).trimEnd());
  let time: number | undefined;
  let command: string[] = [];
  for (const line of lines(content)) {
    const stamp = BASH_STAMP.exec(line);
    if (command.length > 0 && (stamp !== null || !stamped)) {
      yield { time: time ?? 0, command: command.join('\n') };
      [time, command] = [undefined, []];
    }
    if (stamp !== null) time = Number(stamp[1]);
    else command.push(line);
  }
  if (command.length > 0) yield { time: time ?? 0, command: command.join('\n') };
}

/**
 * zsh writes `: SECONDS:TOOK;` in front where EXTENDED_HISTORY is set, a backslash at the end of a
 * line that goes on, and a blank after a backslash that is meant.
 */
function* zshEntries(content: Buffer): Generator<Entry> {
  for (const entry of unmetafied(content).split(/(?<!\\)\n/)) {
    if (entry === '') continue;
    const [, time = '0', command = entry.replace(/^\\:/, ':')] = ZSH_ENTRY.exec(entry) ?? [];
    yield { time: Number(time), command: command.replace(/\\\n/g, '\n').replace(/\\ $/, '\\') };
  }
}

/** zsh writes bytes that mean something to itself as 0x83 and the byte with one bit turned. */
function unmetafied(content: Buffer): string {
  const bytes = Buffer.alloc(content.length);
  let length = 0;
  for (let at = 0; at < content.length; at++) {
    const meta = content[at] === 0x83 && at + 1 < content.length;
    bytes[length++] = meta ? content[++at]! ^ 0x20 : content[at]!;
  }
  return bytes.subarray(0, length).toString('utf8');
}

/** fish writes `- cmd: ..` and `  when: ..`, with `\n` and `\\` for line ends and backslashes. */
function* fishEntries(content: string): Generator<Entry> {
  for (const [, command, rest] of content.matchAll(FISH_ENTRY)) {
    const time = /^ +when: *(\d{1,12})$/m.exec(rest!)?.[1] ?? 0;
    const plain = command!.replace(/\\([n\\])/g, (_, char) => (char === 'n' ? '\n' : '\\'));
    yield { time: Number(time), command: plain };
  }
}

/** A session of fish may have a name of its own: `NAME_history`. */
function fishFiles(files: HomeFiles): string[] {
  return files
    .list(FISH)
    .filter((name) => name.endsWith('_history'))
    .map((name) => `${FISH}/${name}`);
}

const HISTORY_FILES = [
  '.bash_history',
  '.zsh_history',
  '.zhistory',
  '.history',
  '.sh_history',
  '.ash_history',
] as const;
const FISH = '.local/share/fish';
const BASH_STAMP = /^#\+?(\d{1,12})$/;
const ZSH_LINE = /^: *\d{1,12}:\d{1,12};/m;
const ZSH_ENTRY = /^: *(\d{1,12}):\d{1,12};([^]*)$/;
const FISH_ENTRY = /^- cmd: ?(.*)\n?((?: .*\n?)*)/gm;
