import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { compareDebVersions } from '../../../src/tables/packages/deb-version.ts';

/** The first is the lesser, or they are equal. */
const CASES: readonly (readonly [string, '<' | '=', string])[] = [
  ['1.0', '<', '1.1'],
  ['1.9', '<', '1.10'],
  ['1.0~rc1', '<', '1.0'],
  ['1.0~~', '<', '1.0~'],
  ['1.0~~a', '<', '1.0~'],
  ['1.0~', '<', '1.0'],
  ['1.0', '<', '1.0a'],
  ['1.0a', '<', '1.0+'],
  ['1.0+b1', '<', '1.0.1'],
  ['1.0-1', '<', '1.0-1+b1'],
  ['1.0-1', '<', '1.0-1.1'],
  ['1.0-1~bpo12+1', '<', '1.0-1'],
  ['1.0', '=', '1.0-0'],
  ['1.0', '<', '1.0-1'],
  ['1.2-3', '<', '1.2-10'],
  ['1.2-3-4', '<', '1.2-3-5'],
  ['1-2-3', '<', '1.1-1'],
  ['9', '<', '1:1'],
  ['0:9', '=', '9'],
  ['1:9', '<', '2:0'],
  ['1:2:3', '<', '1:2:4'],
  ['001', '=', '1'],
  ['1.01', '=', '1.1'],
  ['1.001-0', '=', '1.1'],
  ['1.0.0', '<', '1.0.01'],
  ['2.7.9', '<', '2.7.10'],
  ['a', '<', 'b'],
  ['1a', '<', '1b'],
  ['1Z', '<', '1a'],
  ['1a', '<', '1aa'],
  ['1.a', '<', '1..'],
  ['1', '<', '1.0'],
  ['1.0', '<', '1.0.0'],
  ['99999999999999999998', '<', '99999999999999999999'],
  ['5.15.0-100.110', '<', '5.15.0-101.111'],
  ['7.88.1-10+deb12u5', '<', '7.88.1-10+deb12u12'],
  ['3.0.11-1~deb12u2', '<', '3.0.15-1~deb12u1'],
  ['252.19-1~deb12u1', '<', '252.19-1'],
  ['1.21.22', '=', '1.21.22'],
];

describe('versions sort as deb-version(7) says', () => {
  test.each(CASES)('%s %s %s', (a, relation, b) => {
    const sign = relation === '=' ? 0 : -1;
    expect(Math.sign(compareDebVersions(a, b))).toBe(sign);
    expect(Math.sign(compareDebVersions(b, a)) + sign).toBe(0);
  });

  test.runIf(existsSync('/usr/bin/dpkg'))('and as dpkg --compare-versions does', () => {
    for (const [a, relation, b] of CASES) {
      const operator = relation === '=' ? 'eq' : 'lt';
      const { status } = spawnSync('dpkg', ['--compare-versions', a, operator, b]);
      expect(status, `${a} ${operator} ${b}`).toBe(0);
    }
  });
});
