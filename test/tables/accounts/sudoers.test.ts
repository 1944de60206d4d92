import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';

import { expect, test } from 'vitest';

import { sudoers } from '../../../src/tables/accounts/sudoers.ts';
import { contextFor, fakeRoot, rowsOf } from '../lib/context.ts';
import { randomOf } from '../lib/random.ts';
import { expectShape } from '../lib/shape.ts';
import { needs } from '../../helpers/needs.ts';

test('sudoers follows what it includes, joins lines and knows comments from user ids', async () => {
  const root = fakeRoot({
    'etc/sudoers':
      '# comment\nDefaults\tenv_reset\nroot ALL=(ALL:ALL)  ALL\nann ALL = \\\n  /bin/ls\n#1000 ALL=ALL\n@includedir /etc/sudoers.d\n#include extra\n',
    'etc/extra': '%wheel ALL=ALL\n',
    'etc/sudoers.d/10-bob': 'bob ALL=(ALL) NOPASSWD: ALL\n',
    'etc/sudoers.d/ignored.bak': 'eve ALL=ALL\n',
    'etc/sudoers.d/ignored~': 'eve ALL=ALL\n',
  });
  const rows = await rowsOf(sudoers, { root });
  expectShape(sudoers, rows);
  expect(rows.map((row) => [row.source, row.header, row.rule_details])).toEqual([
    ['/etc/sudoers', 'Defaults', 'env_reset'],
    ['/etc/sudoers', 'root', 'ALL=(ALL:ALL) ALL'],
    ['/etc/sudoers', 'ann', 'ALL = /bin/ls'],
    ['/etc/sudoers', '#1000', 'ALL=ALL'],
    ['/etc/sudoers', 'includedir', '/etc/sudoers.d'],
    ['/etc/sudoers.d/10-bob', 'bob', 'ALL=(ALL) NOPASSWD: ALL'],
    ['/etc/sudoers', 'include', '/etc/extra'],
    ['/etc/extra', '%wheel', 'ALL=ALL'],
  ]);
});

test('sudoers ends when files include each other, and says so', async () => {
  const root = fakeRoot({ 'etc/sudoers': '@include /etc/sudoers\n' });
  const context = contextFor(sudoers, { root });
  const rows = sudoers.kind === 'snapshot' ? await sudoers.collect(context) : [];
  expect(rows).toHaveLength(17);
  expect(context.warnings.join()).toContain('included more than 16 levels deep');
});

test('a host without sudo has no rules', async () => {
  expect(await rowsOf(sudoers, { root: fakeRoot({}) })).toEqual([]);
});

test('sudoers keeps what quotes and backslashes guard, and comments out', async () => {
  const root = fakeRoot({
    'etc/sudoers':
      '# a comment does not go on \\\neve ALL=(ALL) ALL # tail\n%Domain\\ Users  ALL=(ALL) ALL\n' +
      '"%two  words" ALL = /bin/ls\n%#27 ALL=ALL\nDefaults passprompt="a  b # c \\\n   d"\n' +
      'ann ALL = /bin/echo a\\ \\ b\\#c\n@include "a b"\n@include c\\ d\n@include %h-own\n',
    'etc/a b': 'in_ab ALL=ALL\n',
    'etc/c d': 'in_cd ALL=ALL\n',
    [`etc/${hostname().split('.')[0]}-own`]: 'in_own ALL=ALL\n',
  });
  const rows = await rowsOf(sudoers, { root });
  expect(
    rows.filter(({ header }) => header !== 'include').map((row) => [row.header, row.rule_details]),
  ).toEqual([
    ['eve', 'ALL=(ALL) ALL'],
    ['%Domain\\ Users', 'ALL=(ALL) ALL'],
    ['"%two  words"', 'ALL = /bin/ls'],
    ['%#27', 'ALL=ALL'],
    ['Defaults', 'passprompt="a  b # c d"'],
    ['ann', 'ALL = /bin/echo a\\ \\ b\\#c'],
    ['in_ab', 'ALL=ALL'],
    ['in_cd', 'ALL=ALL'],
    ['in_own', 'ALL=ALL'],
  ]);
});

needs('cvtsudoers')('rows put together again are the same rules to sudo', async () => {
  let understood = 0;
  for (let seed = 0; seed < 80; seed++) {
    const file = oddSudoers(seed);
    const theirs = sudoOf(file);
    if (theirs === undefined) continue;
    understood++;
    const rows = await rowsOf(sudoers, { root: fakeRoot({ 'etc/sudoers': file }) });
    const again = rows.map(({ header, rule_details }) => `${header} ${rule_details}\n`).join('');
    expect(sudoOf(again), `seed ${seed}: ${file}`).toEqual(theirs);
    expect(rows.length, `seed ${seed}: ${file}`).toBe(rulesIn(theirs));
  }
  expect(understood).toBeGreaterThan(30);
});

/** What sudo understands, by its own parser; undefined where it finds an error. */
function sudoOf(content: string): Record<string, unknown> | undefined {
  const { status, stdout } = spawnSync('cvtsudoers', ['-f', 'json'], {
    input: content,
    encoding: 'utf8',
  });
  if (status !== 0) return undefined;
  return JSON.parse(stdout.trim() || '{}') as Record<string, unknown>;
}

function rulesIn(understood: Record<string, unknown>): number {
  return ['Defaults', 'User_Aliases', 'User_Specs']
    .map((name) => Object.keys(understood[name] ?? {}).length)
    .reduce((sum, count) => sum + count, 0);
}

function oddSudoers(seed: number): string {
  const random = randomOf(seed);
  const blank = (): string => random.pick([' ', '  ', '\t', ' \\\n ', ' \\\n\t\t', ' \\ \n ']);
  const maybe = (): string => random.pick(['', '', blank()]);
  const user = (n: number): string =>
    random.pick([
      ...[`u${n}`, `%g${n}`, `%Big\\ ${n}`, `"q  ${n}"`, `"%q ${n}"`, `#${n}`, `%#${n}`],
      ...[`u${n}${maybe()},${blank()}%h${n}`, `a\\=b\\,${n}`, `%DOM\\\\x${n}`],
    ]);
  const command = (): string =>
    random.pick([
      ...['ALL', '/bin/ls', '/bin/a\\ b', '/bin/echo a\\,b', `/bin/x${blank()}-l${blank()}c`],
      ...['/bin/echo a\\#b', '/bin/echo ""', `/bin/a,${maybe()}!/bin/b`, 'NOPASSWD: /bin/y'],
    ]);
  const tail = (): string => random.pick(['', '', ' ', ' # to the end', '#x \\', '\r']);
  const line = (n: number): string =>
    random.pick([
      `${user(n)}${blank()}ALL${maybe()}=${maybe()}${command()}${tail()}`,
      `${user(n)}${blank()}ALL${maybe()}=${maybe()}(root)${maybe()}${command()}${tail()}`,
      `Defaults${blank()}passprompt="p  ${n} # \\"x\\" \\\n  y"${tail()}`,
      `User_Alias${blank()}A${n}${maybe()}=${maybe()}${user(n)}${tail()}`,
      `# a comment ${n} \\`,
      '',
      '   ',
    ]);
  return Array.from({ length: 8 }, (_, n) => `${line(n + 1)}\n`).join('');
}
