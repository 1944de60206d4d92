/** firefox_addons: extensions, themes and dictionaries of Firefox. */
import { fromHomes } from '../accounts/homes.ts';
import { flagAt, integerAt, objectsAt, textAt } from '../lib/json.ts';
import { bigint, integer, text } from '../lib/columns.ts';
import type { LookupTable } from '../types.ts';
import { readJson } from './profile-files.ts';

export const firefoxAddons: LookupTable = {
  name: 'firefox_addons',
  description:
    "Add-ons in Firefox profiles. All users' unless the query names a uid (osquery: only those of " +
    'the user it runs as).',
  kind: 'lookup',
  cost: 'moderate',
  key: ['uid', 'identifier', 'path'],
  columns: [
    bigint('uid', 'User id of the owner of the profile.', { additional: true }),
    text('name', 'Name of the add-on.'),
    text('identifier', 'Id of the add-on.', { index: true }),
    text('creator', 'Who made it.'),
    text('type', 'extension, theme, locale or dictionary.'),
    text('version', 'Version of the add-on.', { collate: 'version' }),
    text('description', 'What it says it does.'),
    text('source_url', 'Where it was installed from.'),
    integer('visible', '1 if the browser shows it, else 0.'),
    integer('active', '1 if it is active, else 0.'),
    integer('disabled', '1 if the user or the browser has turned it off, else 0.'),
    integer('autoupdate', '1 if it updates itself, else 0.'),
    text('location', 'How it came there, as app-profile.'),
    text('path', 'Path of its bundle.'),
  ],
  lookup: (context) =>
    fromHomes(context, function* ({ uid }, files) {
      for (const folder of FOLDERS) {
        for (const profile of files.list(folder)) {
          const known = readJson(files, `${folder}/${profile}/extensions.json`);
          for (const addon of objectsAt(known, 'addons')) {
            yield {
              uid,
              name: textAt(addon, 'defaultLocale', 'name'),
              identifier: textAt(addon, 'id'),
              creator: textAt(addon, 'defaultLocale', 'creator'),
              type: textAt(addon, 'type'),
              version: textAt(addon, 'version'),
              description: textAt(addon, 'defaultLocale', 'description'),
              source_url: textAt(addon, 'sourceURI'),
              visible: flagAt(addon, 'visible'),
              active: flagAt(addon, 'active'),
              disabled: Number(
                flagAt(addon, 'userDisabled') === 1 || flagAt(addon, 'appDisabled') === 1,
              ),
              autoupdate: Number((integerAt(addon, 'applyBackgroundUpdates') ?? 1) !== 0),
              location: textAt(addon, 'location'),
              path: textAt(addon, 'path'),
            };
          }
        }
      }
    }),
};

const FOLDERS = [
  '.mozilla/firefox',
  'snap/firefox/common/.mozilla/firefox',
  '.var/app/org.mozilla.firefox/.mozilla/firefox',
];
