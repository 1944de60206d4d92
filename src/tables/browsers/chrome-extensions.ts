/** chrome_extensions: extensions of Chrome and the browsers made from it. */
import { createHash } from 'node:crypto';

import { at, flagAt, textAt, textsAt } from '../lib/json.ts';
import { bigint, integer, text } from '../lib/columns.ts';
import type { Row, LookupTable } from '../types.ts';
import { fromExtensions, type ChromeExtension } from './chrome-profiles.ts';

export const chromeExtensions: LookupTable = {
  name: 'chrome_extensions',
  description:
    "Extensions of Chrome and the browsers made from it. All users' unless the query names a uid " +
    '(osquery: only those of the user it runs as).',
  kind: 'lookup',
  cost: 'moderate',
  key: ['uid', 'path'],
  columns: [
    text('browser_type', 'chrome, chromium, brave, edge, opera, vivaldi, yandex, or a channel.'),
    bigint('uid', 'User id of the owner of the profile.', { index: true }),
    text('name', 'Name of the extension, in its default language.'),
    text('profile', 'Name of the profile.'),
    text('profile_path', 'Folder of the profile.'),
    text('referenced_identifier', 'Id it has in the preferences, empty if it is not in them.'),
    text('identifier', 'Id computed from its key.'),
    text('version', 'Version of the extension.', { collate: 'version' }),
    text('description', 'What it says it does.'),
    text('default_locale', 'Its default language.'),
    text('locale', 'Another name for default_locale.', { hidden: true }),
    text('current_locale', 'Its language at installation.'),
    text('update_url', 'Where it is updated from.'),
    text('author', 'Its author.'),
    integer('persistent', '1 if its background page stays loaded, else 0.'),
    text('path', 'Folder of the extension.'),
    text('permissions', 'Permissions it needs, parted by commas.'),
    text('permissions_json', 'The same as JSON.', { hidden: true }),
    text('optional_permissions', 'Permissions it may ask for, parted by commas.'),
    text('optional_permissions_json', 'The same as JSON.', { hidden: true }),
    text('manifest_hash', 'SHA-256 of its manifest.json.', { collate: 'nocase' }),
    bigint('referenced', '1 if the preferences have it, else 0.'),
    text('from_webstore', 'true if it came from the web store.'),
    text('state', '1 if it is enabled, 0 if not, empty if not known.'),
    text('install_time', 'When it was installed, as the browser writes it.'),
    bigint('install_timestamp', 'The same in seconds since 1970.'),
    text('manifest_json', 'Its manifest.', { hidden: true }),
    text('key', 'Its public key.', { hidden: true }),
  ],
  lookup: (context) => fromExtensions(context, (extension) => [toRow(extension)]),
};

function toRow(extension: ChromeExtension): Row {
  const { manifest, settings } = extension;
  const installed = textAt(settings, 'install_time') ?? textAt(settings, 'first_install_time');
  const permissions = textsAt(manifest, 'permissions');
  const optional = textsAt(manifest, 'optional_permissions');
  return {
    browser_type: extension.browser,
    uid: extension.uid,
    name: extension.localized('name'),
    profile: extension.profileName,
    profile_path: extension.profilePath,
    referenced_identifier: extension.referencedId,
    identifier: extension.id,
    version: textAt(manifest, 'version'),
    description: extension.localized('description'),
    default_locale: textAt(manifest, 'default_locale'),
    locale: textAt(manifest, 'default_locale'),
    current_locale: textAt(manifest, 'current_locale'),
    update_url: textAt(manifest, 'update_url'),
    author: textAt(manifest, 'author'),
    persistent: flagAt(manifest, 'background', 'persistent') ?? 0,
    path: extension.path,
    permissions: permissions.join(', '),
    permissions_json: JSON.stringify(permissions),
    optional_permissions: optional.join(', '),
    optional_permissions_json: JSON.stringify(optional),
    manifest_hash: createHash('sha256').update(extension.manifestText).digest('hex'),
    referenced: extension.referencedId === '' ? 0 : 1,
    from_webstore: flagText(flagAt(settings, 'from_webstore')),
    state: stateText(extension),
    install_time: installed ?? '',
    install_timestamp: webkitSeconds(installed),
    manifest_json: extension.manifestText,
    key: textAt(manifest, 'key'),
  };
}

function flagText(flag: number | null): string {
  return flag === null ? '' : flag === 1 ? 'true' : 'false';
}

/** Newer browsers write why it is off instead of a state. */
function stateText({ settings }: ChromeExtension): string {
  const state = at(settings, 'state');
  if (typeof state === 'number') return state === 1 ? '1' : '0';
  const reasons = at(settings, 'disable_reasons');
  if (reasons === undefined) return settings === undefined ? '' : '1';
  return reasons === 0 || (Array.isArray(reasons) && reasons.length === 0) ? '1' : '0';
}

/** Microseconds since 1601. */
function webkitSeconds(time: string | null): number | null {
  if (time === null || !/^\d{10,18}$/.test(time)) return null;
  return Math.floor(Number(time) / 1e6) - 11_644_473_600;
}
