import { describe, expect, test } from 'vitest';

import { withoutSecrets } from '../../../src/tables/lib/urls.ts';
import { findTable } from '../../../src/tables/index.ts';
import { fakeRoot, rowsOf } from './context.ts';

describe('addresses without secrets', () => {
  test.each([
    ['https://ann:hunter2@host:8080/a?x=1', 'https://host:8080/a?x=1'],
    ['https://hunter2@host/a', 'https://host/a'],
    ['https://ann:hun/ter2@host/a', 'https://host/a'],
    ['https://ann:hunter2,x@host/a', 'https://host/a'],
    ['http://a/x, https://u:hunter2@b/y\nftp://c', 'http://a/x, https://b/y\nftp://c'],
    ['https://h/r?arch=x&access_token=hunter2&b=1', 'https://h/r?arch=x&access_token=&b=1'],
    ['https://h/r?X-Amz-Signature=hunter2', 'https://h/r?X-Amz-Signature='],
    ['curlftpfs#ftp://u:hunter2@h/', 'curlftpfs#ftp://h/'],
    // What is none stays.
    ['https://registry.example/@scope/pkg@1', 'https://registry.example/@scope/pkg@1'],
    ['http://[2001:db8::1]:80/@x', 'http://[2001:db8::1]:80/@x'],
    ['http://h:8080/a@b', 'http://h:8080/a@b'],
    ['server:/export/a@b', 'server:/export/a@b'],
  ])('%j', (text, expected) => expect(withoutSecrets(text)).toBe(expected));

  test.each(['apt_sources', 'yum_sources', 'mounts'])('%s shows no password', async (name) => {
    const url = 'https://ann:hunter2@host/a?token=hunter2';
    const root = fakeRoot({
      'etc/apt/sources.list': `deb ${url} stable main\n`,
      'etc/apt/sources.list.d/x.sources': `Types: deb\nURIs: ${url}\nSuites: x/\n`,
      'etc/yum.repos.d/x.repo': `[x]\nbaseurl=${url} ${url}\nmirrorlist=${url}\ngpgkey=${url}\n`,
      'proc/self/mounts': `${url} /mnt davfs rw 0 0\n`,
      'proc/mounts': `${url} /mnt davfs rw 0 0\n`,
      'proc/self/mountinfo': `1 0 0:1 / /mnt rw - davfs ${url} rw\n`,
    });
    const rows = await rowsOf(findTable(name)!, { root });
    expect(JSON.stringify(rows)).toContain('https://host/a');
    expect(JSON.stringify(rows)).not.toContain('hunter2');
  });
});
