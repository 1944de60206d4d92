/** config_lines of the files that a host allows, and nothing of others. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { configLines, parseConfig } from '../../../src/tables/config/config-lines.ts';
import type { Constraint, HostFacts } from '../../../src/tables/types.ts';
import { needs } from '../../helpers/needs.ts';
import { contextFor, eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { print } from '../lib/program.ts';
import { expectShape } from '../lib/shape.ts';

const allow = (...paths: string[]): HostFacts => ({
  agent: {},
  allowed: { configLines: paths, curlHosts: [] },
});

test('settings of the usual forms, with their lines and sections', () => {
  const content =
    '\ufeff# comment\nPort 22\n\nPermit Root = no # yes\r\n[a section] ; here\n; old\nname="x = y"\n' +
    'http_port: 8080\nurl http://x/\nlisten 1.2.3.4:80;\nlong = a \\\n   b \\\n  c\nalone\n[other]\nback\\\\\nend = \\';
  expect([...parseConfig(content)]).toEqual([
    { line: 2, section: '', key: 'Port', value: '22' },
    { line: 4, section: '', key: 'Permit Root', value: 'no # yes' },
    { line: 7, section: 'a section', key: 'name', value: '"x = y"' },
    { line: 8, section: 'a section', key: 'http_port', value: '8080' },
    { line: 9, section: 'a section', key: 'url', value: 'http://x/' },
    { line: 10, section: 'a section', key: 'listen', value: '1.2.3.4:80;' },
    { line: 11, section: 'a section', key: 'long', value: 'a b c' },
    { line: 14, section: 'a section', key: 'alone', value: '' },
    { line: 16, section: 'other', key: 'back\\\\', value: '' },
    { line: 17, section: 'other', key: 'end', value: '' },
  ]);
});

needs('git')('agrees with git on a file of its own form', async () => {
  const root = fakeRoot({ 'etc/x/.keep': '' });
  const file = join(root, 'etc/x/gitconfig');
  const settings = { 'user.name': 'Ann B', 'core.editor': 'vi -n', 'http.proxy': 'http://a:1/' };
  for (const [key, value] of Object.entries(settings))
    execFileSync('git', ['config', '--file', file, key, value]);
  const rows = await rowsOf(configLines, { root, facts: allow('/etc/x/*') });
  expectShape(configLines, rows);
  const theirs = print('git', 'config', '--file', file, '--list').trim().split('\n');
  expect(
    rows.map(({ section, key, value }) => `${String(section)}.${String(key)}=${String(value)}`),
  ).toEqual(theirs);
});

test('only allowed paths are read, whatever links lead to and dots say', async () => {
  const root = fakeRoot({
    'etc/app/a.conf': 'a 1\n',
    'etc/app/deep/b.conf': 'b 2\n',
    'etc/app/out.conf': { link: '../secret' },
    'etc/app/in.conf': { link: 'deep/b.conf' },
    'etc/app/binary.conf': 'x\0y\n',
    'etc/secret': 'password 1\n',
  });
  execFileSync('mkfifo', [join(root, 'etc/app/pipe.conf')]);
  writeFileSync(Buffer.from(join(root, 'etc/app/\xe9.conf'), 'latin1'), 'a 1\n');
  const read = async (facts: HostFacts, ...constraints: Constraint[]) => {
    const context = contextFor(configLines, { root, facts, constraints });
    const rows = configLines.kind === 'lookup' ? [...configLines.lookup(context)] : [];
    return {
      found: rows.map(({ path, key }) => `${String(path)} ${String(key)}`).sort(),
      warnings: context.warnings,
    };
  };
  expect(await read(allow('/etc/app/*'))).toEqual({
    found: ['/etc/app/a.conf a'],
    warnings: [
      '/etc/app/\ufffd.conf: not read: its name is not UTF-8',
      expect.stringContaining('in.conf: not read: it leads to /etc/app/deep/b.conf'),
      expect.stringContaining('out.conf: not read: it leads to /etc/secret'),
    ],
  });
  expect((await read(allow('/etc/app/**'))).found).toEqual([
    '/etc/app/a.conf a',
    '/etc/app/deep/b.conf b',
    '/etc/app/in.conf b',
  ]);
  expect((await read(allow('/etc/app/*'), eq('path', '/etc/app/a.conf'))).found).toHaveLength(1);
  const like = { column: 'path', op: 'like', value: '/ETC/%B.conf' } as const;
  expect((await read(allow('/etc/app/**'), like)).found).toEqual(['/etc/app/deep/b.conf b']);
  for (const path of ['/etc/secret', '/etc/app/../secret', '/etc/app/deep/b.conf', '/etc/app/\0'])
    await expect(read(allow('/etc/app/*'), eq('path', path)), path).rejects.toThrow(
      'is not among the paths',
    );
  await expect(read({ agent: {} })).rejects.toThrow('config_lines: [/etc/ssh/sshd_config');
});
