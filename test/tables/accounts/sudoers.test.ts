import { expect, test } from 'vitest';

import { sudoers } from '../../../src/tables/accounts/sudoers.ts';
import { contextFor, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

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
