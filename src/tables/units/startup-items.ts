/** startup_items: what starts with the host or with a session. */
import { fromHomes } from '../accounts/homes.ts';
import { text } from '../lib/columns.ts';
import { listDir, readText } from '../lib/files.ts';
import { lines } from '../lib/text.ts';
import { TableError, type CollectContext, type Row, type SnapshotTable } from '../types.ts';
import { showUnits } from './systemctl.ts';

export const startupItems: SnapshotTable = {
  name: 'startup_items',
  description:
    'What starts by itself: desktop autostart of the system and of users, init scripts, and units ' +
    'of systemd where it runs.',
  kind: 'snapshot',
  cost: 'expensive',
  key: ['name', 'path', 'source', 'username'],
  columns: [
    text('name', 'Name of the item.', { unset: true }),
    text('path', 'Program, script or unit file.', { unset: true }),
    text('args', 'Arguments it is started with.', { unset: true }),
    text('type', 'Startup Item or systemd unit.'),
    text('source', 'Folder it is configured in; for a unit the file it was generated from.'),
    text('status', 'enabled or disabled; for a unit its state.'),
    text('username', 'The user it belongs to or runs as, if any.', { unset: true }),
  ],
  async collect(context) {
    return [
      ...fromHomes(context, function* ({ name: username }, files) {
        for (const name of files.list(AUTOSTART)) {
          const item = desktopEntry(files.text(`${AUTOSTART}/${name}`));
          if (item !== undefined) yield { ...item, source: files.path(AUTOSTART), username };
        }
        for (const name of files.list(SCRIPTS)) {
          yield script(files.path(SCRIPTS), name, username);
        }
      }),
      ...systemEntries(context),
      ...listDir(context, '/etc/init.d')
        .filter((name) => name !== 'README')
        .map((name) => script('/etc/init.d', name)),
      ...(await units(context)),
    ];
  },
};

function systemEntries(context: CollectContext): Row[] {
  return listDir(context, XDG).flatMap((name) => {
    const item = desktopEntry(readText(context, `${XDG}/${name}`));
    return item === undefined ? [] : [{ ...item, source: XDG }];
  });
}

/** Keys of the Desktop Entry Specification; the first of each counts. */
function desktopEntry(content: string | undefined): Row | undefined {
  if (content === undefined) return undefined;
  const keys = new Map<string, string>();
  for (const line of lines(content)) {
    const match = /^([A-Za-z-]+)\s*=\s*(.*)$/.exec(line.trim());
    if (match !== null && !keys.has(match[1]!)) keys.set(match[1]!, match[2]!);
  }
  const exec = keys.get('Exec');
  if (exec === undefined) return undefined;
  const [, program = exec, args] = /^("[^"]*"|\S+)\s*(.*)$/.exec(exec) ?? [];
  return {
    name: keys.get('Name'),
    path: program.replace(/^"|"$/g, ''),
    // None is no word, as with a pattern that matches nothing.
    args: args === '' ? undefined : args,
    type: 'Startup Item',
    status: keys.get('Hidden') === 'true' ? 'disabled' : 'enabled',
  };
}

function script(source: string, name: string, username?: string): Row {
  const path = `${source}/${name}`;
  return { name, path, type: 'Startup Item', source, status: 'enabled', username };
}

/** A host without systemd has no units to start; the rest of the rows is whole. */
async function units(context: CollectContext): Promise<Row[]> {
  try {
    const found = await showUnits(context, '*', [
      'Id',
      'ActiveState',
      'FragmentPath',
      'SourcePath',
      'User',
    ]);
    return found.map((unit) => ({
      name: unit.get('Id') ?? '',
      path: unit.get('FragmentPath') ?? '',
      type: 'systemd unit',
      source: unit.get('SourcePath') ?? '',
      status: unit.get('ActiveState') ?? '',
      username: unit.get('User') ?? '',
    }));
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    context.warn(`no systemd units listed: ${error.message}`);
    return [];
  }
}

const AUTOSTART = '.config/autostart';
const SCRIPTS = '.config/autostart-scripts';
const XDG = '/etc/xdg/autostart';
