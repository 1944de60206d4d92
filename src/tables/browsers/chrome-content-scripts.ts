/** chrome_extension_content_scripts: what extensions put into pages. */
import { objectsAt, textAt, textsAt } from '../lib/json.ts';
import { bigint, text } from '../lib/columns.ts';
import type { LookupTable } from '../types.ts';
import { fromExtensions } from './chrome-profiles.ts';

export const chromeExtensionContentScripts: LookupTable = {
  name: 'chrome_extension_content_scripts',
  description: 'Scripts that extensions of Chrome and its like put into pages.',
  kind: 'lookup',
  cost: 'moderate',
  key: ['uid', 'path', 'script', 'match'],
  columns: [
    text('browser_type', 'Browser, as in chrome_extensions.'),
    bigint('uid', 'User id of the owner of the profile.', { index: true }),
    text('identifier', 'Id of the extension.'),
    text('version', 'Version of the extension.', { collate: 'version' }),
    text('script', 'The script.'),
    text('match', 'Pattern of the pages it is put into.'),
    text('profile_path', 'Folder of the profile.'),
    text('path', 'Folder of the extension.'),
    bigint('referenced', '1 if the preferences have the extension, else 0.'),
  ],
  lookup: (context) =>
    fromExtensions(context, (extension) =>
      objectsAt(extension.manifest, 'content_scripts').flatMap((entry) =>
        textsAt(entry, 'matches').flatMap((match) =>
          textsAt(entry, 'js').map((script) => ({
            browser_type: extension.browser,
            uid: extension.uid,
            identifier: extension.id,
            version: textAt(extension.manifest, 'version'),
            script,
            match,
            profile_path: extension.profilePath,
            path: extension.path,
            referenced: extension.referencedId === '' ? 0 : 1,
          })),
        ),
      ),
    ),
};
