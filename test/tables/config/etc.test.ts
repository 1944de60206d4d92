import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

import { expect, test } from 'vitest';

import { etcProtocols } from '../../../src/tables/config/etc-protocols.ts';
import { etcServices } from '../../../src/tables/config/etc-services.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';
import { needs } from '../../helpers/needs.ts';

const getent = (database: string): string[] =>
  execFileSync('getent', ['-s', 'files', database], { encoding: 'utf8' })
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '));

needs('/etc/services', existsSync('/etc/services'))('etc_services agrees with getent', async () => {
  const rows = await rowsOf(etcServices);
  expectShape(etcServices, rows);
  expect(
    rows.map((row) =>
      `${row.name as string} ${row.port as number}/${row.protocol as string} ${row.aliases as string}`.trim(),
    ),
  ).toEqual(getent('services'));
});

needs('/etc/protocols', existsSync('/etc/protocols'))(
  'etc_protocols agrees with getent',
  async () => {
    const rows = await rowsOf(etcProtocols);
    expectShape(etcProtocols, rows);
    expect(
      rows.map((row) =>
        `${row.name as string} ${row.number as number} ${row.alias as string}`.trim(),
      ),
    ).toEqual(getent('protocols'));
  },
);

test('comments and lines that say nothing', async () => {
  const root = fakeRoot({
    'etc/services': '# c\nwww 80/tcp http # WorldWideWeb\nbad\nbad2 x/tcp\n',
    'etc/protocols': 'ip\t0\tIP\t# internet\n',
  });
  expect(await rowsOf(etcServices, { root })).toEqual([
    { name: 'www', port: 80, protocol: 'tcp', aliases: 'http', comment: 'WorldWideWeb' },
  ]);
  expect(await rowsOf(etcProtocols, { root })).toEqual([
    { name: 'ip', number: 0, alias: 'IP', comment: 'internet' },
  ]);
});
