import { createHash } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { chromeExtensionContentScripts } from '../../../src/tables/browsers/chrome-content-scripts.ts';
import { chromeExtensions } from '../../../src/tables/browsers/chrome-extensions.ts';
import { firefoxAddons } from '../../../src/tables/browsers/firefox-addons.ts';
import { vscodeExtensions } from '../../../src/tables/browsers/vscode-extensions.ts';
import { eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

const uid = process.getuid!();
const passwd = { 'etc/passwd': `ann:x:${uid}:0::/home/ann:\n` };

describe('chrome_extensions', () => {
  const profile = 'home/ann/.config/google-chrome/Default';
  const key = Buffer.from('a public key').toString('base64');
  const manifest = JSON.stringify({
    name: '__MSG_appName__',
    version: '1.2.3',
    default_locale: 'en',
    key,
    permissions: ['tabs', 'storage', { usb: 1 }],
    content_scripts: [{ matches: ['<all_urls>', 'https://a/*'], js: ['x.js'] }],
  });
  const tree = {
    ...passwd,
    [`${profile}/Preferences`]: JSON.stringify({
      profile: { name: 'Person 1' },
      extensions: {
        settings: { known: { state: 1, from_webstore: true, install_time: '13300000000000000' } },
      },
    }),
    [`${profile}/Extensions/known/1.2.3_0/manifest.json`]: manifest,
    [`${profile}/Extensions/known/1.2.3_0/_locales/en/messages.json`]: JSON.stringify({
      appname: { message: 'Good name' },
    }),
    [`${profile}/Extensions/unknown/1_0/manifest.json`]: '{"name":"Plain","version":"1"}',
    [`${profile}/Extensions/broken/1_0/manifest.json`]: '{"name":',
    [`${profile}/Extensions/odd/1_0/manifest.json`]: '[{"name":7}]',
    'home/ann/.config/google-chrome/System Profile/Extensions/x/1/manifest.json': '{}',
  };

  test('tell names, ids, states and permissions', async () => {
    const rows = await rowsOf(chromeExtensions, { root: fakeRoot(tree) });
    expectShape(chromeExtensions, rows);
    expect(rows).toHaveLength(2);
    const digest = createHash('sha256').update('a public key').digest();
    // An independent way to the id: each half byte is a letter from a on.
    const id = [...digest.subarray(0, 16)]
      .map((byte) => 'abcdefghijklmnop'[byte >> 4]! + 'abcdefghijklmnop'[byte & 15]!)
      .join('');
    expect(rows[0]).toMatchObject({
      browser_type: 'chrome',
      uid,
      name: 'Good name',
      profile: 'Person 1',
      identifier: id,
      referenced_identifier: 'known',
      referenced: 1,
      state: '1',
      from_webstore: 'true',
      permissions: 'tabs, storage',
      install_timestamp: 13_300_000_000 - 11_644_473_600,
      manifest_hash: createHash('sha256').update(manifest).digest('hex'),
      path: '/home/ann/.config/google-chrome/Default/Extensions/known/1.2.3_0',
    });
    expect(rows[1]).toMatchObject({
      name: 'Plain',
      identifier: 'unknown',
      referenced: 0,
      state: '',
    });
    const others = { root: fakeRoot(tree), constraints: [eq('uid', uid + 1)] };
    expect(await rowsOf(chromeExtensions, others)).toEqual([]);
  });

  test('content scripts: a row for each script and pattern', async () => {
    const rows = await rowsOf(chromeExtensionContentScripts, { root: fakeRoot(tree) });
    expectShape(chromeExtensionContentScripts, rows);
    expect(rows.map((row) => [row.script, row.match])).toEqual([
      ['x.js', '<all_urls>'],
      ['x.js', 'https://a/*'],
    ]);
  });
});

test('firefox_addons are read from the profiles', async () => {
  const root = fakeRoot({
    ...passwd,
    'home/ann/.mozilla/firefox/ab.default/extensions.json': JSON.stringify({
      addons: [
        {
          id: 'a@b',
          type: 'extension',
          version: '2.0',
          location: 'app-profile',
          visible: true,
          active: false,
          userDisabled: true,
          applyBackgroundUpdates: 0,
          sourceURI: null,
          path: '/p.xpi',
          defaultLocale: { name: 'Name', creator: 'C', description: 'D' },
        },
        'nonsense',
      ],
    }),
    'home/ann/.mozilla/firefox/cd.other/extensions.json': 'null',
  });
  const rows = await rowsOf(firefoxAddons, { root });
  expectShape(firefoxAddons, rows);
  expect(rows).toMatchObject([
    {
      uid,
      identifier: 'a@b',
      name: 'Name',
      active: 0,
      disabled: 1,
      autoupdate: 0,
      source_url: null,
    },
  ]);
});

test('vscode_extensions of every edition', async () => {
  const entry = {
    identifier: { id: 'ms.python', uuid: 'u' },
    version: '1.0',
    location: { path: '/home/ann/.vscode/extensions/ms.python' },
    metadata: {
      publisherDisplayName: 'MS',
      publisherId: 'p',
      installedTimestamp: 1.7e12,
      isPreReleaseVersion: true,
    },
  };
  const root = fakeRoot({
    ...passwd,
    'home/ann/.vscode/extensions/extensions.json': JSON.stringify([entry]),
    'home/ann/.cursor/extensions/extensions.json': JSON.stringify([{ identifier: { id: 'x' } }, 7]),
  });
  const rows = await rowsOf(vscodeExtensions, { root });
  expectShape(vscodeExtensions, rows);
  expect(rows).toMatchObject([
    {
      name: 'ms.python',
      publisher: 'MS',
      prerelease: 1,
      installed_at: 1.7e12,
      vscode_edition: 'vscode',
    },
    { name: 'x', path: null, vscode_edition: 'cursor' },
  ]);
});
