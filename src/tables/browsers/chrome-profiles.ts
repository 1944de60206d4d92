/** Extensions in the profiles of Chrome and the browsers made from it. */
import { createHash } from 'node:crypto';

import { fromHomes, type Home, type HomeFiles } from '../accounts/homes.ts';
import { at, isObject, textAt, type Json, type JsonObject } from '../lib/json.ts';
import type { CollectContext, Row } from '../types.ts';
import { readJson } from './profile-files.ts';

export interface ChromeExtension {
  readonly browser: string;
  readonly uid: number;
  readonly profileName: string;
  readonly profilePath: string;
  /** Folder of the extension, with its version. */
  readonly path: string;
  /** Id that the preferences have it under, empty if they do not. */
  readonly referencedId: string;
  /** Id computed from its key, else the name of its folder. */
  readonly id: string;
  readonly manifest: JsonObject;
  readonly manifestText: string;
  /** What the preferences say of it. */
  readonly settings: Json | undefined;
  /** A text of the manifest, looked up among its translations. */
  localized(member: string): string | null;
}

/** Rows of every extension of every profile of the users the query names, else of all. */
export function fromExtensions(
  context: CollectContext,
  visit: (extension: ChromeExtension) => Iterable<Row>,
): Row[] {
  return fromHomes(context, function* (home, files) {
    for (const [browser, folder] of BROWSERS) {
      for (const name of files.list(folder)) {
        if (name !== 'Default' && !/^(Profile \d+|Guest Profile)$/.test(name)) continue;
        for (const extension of profileExtensions(home, files, browser, `${folder}/${name}`)) {
          yield* visit(extension);
        }
      }
    }
  });
}

function* profileExtensions(
  home: Home,
  files: HomeFiles,
  browser: string,
  profile: string,
): Generator<ChromeExtension> {
  const preferences = readJson(files, `${profile}/Preferences`);
  const secure = readJson(files, `${profile}/Secure Preferences`);
  for (const folderId of files.list(`${profile}/Extensions`)) {
    const settings =
      at(secure, 'extensions', 'settings', folderId) ??
      at(preferences, 'extensions', 'settings', folderId);
    for (const version of files.list(`${profile}/Extensions/${folderId}`)) {
      const folder = `${profile}/Extensions/${folderId}/${version}`;
      const manifestText = files.text(`${folder}/manifest.json`, MANIFEST_MAX);
      const manifest = readJson(files, `${folder}/manifest.json`);
      if (manifestText === undefined || !isObject(manifest)) continue;
      yield {
        browser,
        uid: home.uid,
        profileName: textAt(preferences, 'profile', 'name') ?? '',
        profilePath: files.path(profile),
        path: files.path(folder),
        referencedId: settings === undefined ? '' : folderId,
        id: idOfKey(textAt(manifest, 'key')) ?? folderId,
        manifest,
        manifestText,
        settings,
        localized: (member) => localized(files, folder, manifest, textAt(manifest, member)),
      };
    }
  }
}

/** An id is the first half of the SHA-256 of the public key, in the letters a to p. */
function idOfKey(key: string | null): string | null {
  if (key === null) return null;
  const digest = createHash('sha256').update(Buffer.from(key, 'base64')).digest('hex');
  return [...digest.slice(0, 32)]
    .map((digit) => String.fromCharCode(97 + parseInt(digit, 16)))
    .join('');
}

/** `__MSG_name__` stands for a message in the default language. */
function localized(
  files: HomeFiles,
  folder: string,
  manifest: JsonObject,
  value: string | null,
): string | null {
  const name = /^__MSG_([\w@]+)__$/.exec(value ?? '')?.[1];
  const locale = textAt(manifest, 'default_locale');
  if (name === undefined || locale === null || !/^\w+$/.test(locale)) return value;
  const messages = readJson(files, `${folder}/_locales/${locale}/messages.json`);
  if (!isObject(messages)) return value;
  const found = Object.keys(messages).find((key) => key.toLowerCase() === name.toLowerCase());
  return (found === undefined ? null : textAt(messages, found, 'message')) ?? value;
}

const MANIFEST_MAX = 1024 * 1024;
const BROWSERS: readonly (readonly [string, string])[] = [
  ['chrome', '.config/google-chrome'],
  ['chrome_beta', '.config/google-chrome-beta'],
  ['chrome_dev', '.config/google-chrome-unstable'],
  ['chromium', '.config/chromium'],
  ['chromium', 'snap/chromium/common/chromium'],
  ['brave', '.config/BraveSoftware/Brave-Browser'],
  ['edge', '.config/microsoft-edge'],
  ['edge_beta', '.config/microsoft-edge-beta'],
  ['opera', '.config/opera'],
  ['vivaldi', '.config/vivaldi'],
  ['yandex', '.config/yandex-browser'],
];
