import { execFileSync } from 'node:child_process';

import { describe, expect, test } from 'vitest';

import { shadow } from '../../../src/tables/accounts/shadow.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';
import { isRoot, needs, only } from '../../helpers/needs.ts';

const DAYS = ['last_change', 'min', 'max', 'warning', 'inactive', 'expire', 'flag'] as const;

describe('shadow', () => {
  only(isRoot, 'as root')('agrees with getent', async () => {
    const rows = await rowsOf(shadow);
    expectShape(shadow, rows);
    const theirs = execFileSync('getent', ['shadow'], { encoding: 'utf8' }).trimEnd().split('\n');
    expect(rows.map((row) => [row.username, ...DAYS.map((day) => row[day])])).toEqual(
      theirs.map((line) => {
        const [name, , ...days] = line.split(':');
        return [name, ...days.map((day) => (day === '' ? -1 : Number(day)))];
      }),
    );
  });

  test('says how a password stands and never what it is', async () => {
    const root = fakeRoot({
      'etc/shadow':
        'set:$y$j9T$salt$hash:19000:0:99999:7:::\nlocked:!$6$salt$hash:1::::::\nnever:!!:1::::::\nstar:*:1::::::\nempty::1::::::\nbad\n',
    });
    const rows = await rowsOf(shadow, { root });
    expect(rows.map((row) => [row.username, row.password_status, row.hash_alg])).toEqual([
      ['set', 'active', 'y'],
      ['locked', 'locked', '6'],
      ['never', 'not_set', null],
      ['star', 'locked', null],
      ['empty', 'empty', null],
    ]);
    expect(JSON.stringify(rows)).not.toMatch(/salt|hash"/);
  });

  needs('perl')(
    'a hash that crypt makes is active, whatever letter its salt begins with',
    async () => {
      const salts = ['xy', 'x.', '..', 'ab', '$1$xx$', '$6$xx$', '_J9..rasm'];
      const script = 'print crypt("pw", $_), "\\n" for @ARGV';
      const hashes = execFileSync('perl', ['-e', script, ...salts], { encoding: 'utf8' });
      const lines = hashes.trimEnd().split('\n');
      expect(lines).toHaveLength(salts.length);
      const root = fakeRoot({
        'etc/shadow': [...lines, 'x', '!xyabcdefghijk', '*', '*0']
          .map((hash) => `u:${hash}:1::::::\n`)
          .join(''),
      });
      const rows = await rowsOf(shadow, { root });
      expect(rows.map((row) => row.password_status)).toEqual([
        ...salts.map(() => 'active'),
        ...['locked', 'locked', 'locked', 'locked'],
      ]);
    },
  );

  test('is marked as sensitive', () => expect(shadow.sensitive).toBe(true));

  test('where it cannot be read says so', async () => {
    await expect(rowsOf(shadow, { root: fakeRoot({}) })).rejects.toThrow('cannot read /etc/shadow');
  });
});
