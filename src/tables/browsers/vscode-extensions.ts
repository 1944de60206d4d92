/** vscode_extensions: extensions of Visual Studio Code and the editors made from it. */
import { fromHomes } from '../accounts/homes.ts';
import { at, flagAt, integerAt, objectsAt, textAt, type JsonObject } from '../lib/json.ts';
import { bigint, integer, text } from '../lib/columns.ts';
import type { LookupTable } from '../types.ts';
import { readJson } from './profile-files.ts';

export const vscodeExtensions: LookupTable = {
  name: 'vscode_extensions',
  description:
    "Extensions of Visual Studio Code and the editors made from it. All users' unless the query " +
    'names a uid (osquery: only those of the user it runs as).',
  kind: 'lookup',
  cost: 'moderate',
  key: ['uid', 'name', 'version', 'path'],
  columns: [
    text('name', 'Name, with the publisher in front.'),
    text('uuid', 'UUID of the extension.', { collate: 'nocase' }),
    text('version', 'Version of the extension.', { collate: 'version' }),
    text('path', 'Folder of the extension.'),
    text('publisher', 'Name of the publisher.'),
    text('publisher_id', 'UUID of the publisher.'),
    bigint('installed_at', 'When it was installed, milliseconds since 1970.'),
    integer('prerelease', '1 if it is a preview, else 0.'),
    bigint('uid', 'User id of the owner of the home.', { additional: true }),
    text('vscode_edition', 'vscode, vscode_insiders, vscodium, cursor, windsurf or trae.'),
  ],
  lookup: (context) =>
    fromHomes(context, function* ({ uid }, files) {
      for (const [edition, folder] of EDITIONS) {
        for (const entry of objectsAt(readJson(files, `${folder}/extensions/extensions.json`))) {
          yield {
            name: textAt(entry, 'identifier', 'id'),
            uuid: textAt(entry, 'identifier', 'uuid') ?? textAt(entry, 'metadata', 'id'),
            version: textAt(entry, 'version'),
            path: pathOf(entry),
            publisher: textAt(entry, 'metadata', 'publisherDisplayName'),
            publisher_id: textAt(entry, 'metadata', 'publisherId'),
            installed_at: integerAt(entry, 'metadata', 'installedTimestamp'),
            prerelease: flagAt(entry, 'metadata', 'isPreReleaseVersion') ?? 0,
            uid,
            vscode_edition: edition,
          };
        }
      }
    }),
};

function pathOf(entry: JsonObject): string | null {
  const location = at(entry, 'location');
  return typeof location === 'string'
    ? location
    : (textAt(location, 'path') ?? textAt(location, 'fsPath'));
}

const EDITIONS: readonly (readonly [string, string])[] = [
  ['vscode', '.vscode'],
  ['vscode', '.vscode-server'],
  ['vscode_insiders', '.vscode-insiders'],
  ['vscode_insiders', '.vscode-server-insiders'],
  ['vscodium', '.vscode-oss'],
  ['vscodium_insiders', '.vscodium-insiders'],
  ['cursor', '.cursor'],
  ['windsurf', '.windsurf'],
  ['trae', '.trae'],
];
