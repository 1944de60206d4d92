/** Orders of versions against the programs whose orders they are. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import {
  compareVersions,
  VERSION_ORDERS,
  versionKey,
  type VersionOrder,
} from '../../src/tables/version-order.ts';
import { needs } from '../helpers/needs.ts';

type Pair = readonly [string, string];

const folder = mkdtempSync(join(tmpdir(), 'swarmplane-versions-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasDpkg = spawnSync('dpkg', ['--version']).status === 0;
const hasRpm = rpmVerdicts([['1', '2']])[0] === -1;

/** The first is the lesser, or they are equal. */
const DEBIAN: readonly (readonly [string, '<' | '=', string])[] = [
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

const RPM: readonly (readonly [string, '<' | '=', string])[] = [
  ['1.0', '=', '1.0'],
  ['1.0', '<', '2.0'],
  ['2.0', '<', '2.0.1'],
  ['2.0.1', '<', '2.0.1a'],
  ['5.5p1', '<', '5.5p10'],
  ['10xyz', '<', '10.1xyz'],
  ['xyz', '<', '8'],
  ['2_0', '=', '2.0'],
  ['1.0~rc1', '<', '1.0'],
  ['1.0~rc1~git123', '<', '1.0~rc1'],
  ['1.0', '<', '1.0^git1'],
  ['1.0^git1', '<', '1.0.1'],
  ['1.0^20160101', '<', '1.0^20160101^git1'],
  ['1.0~rc1', '<', '1.0~rc1^git1'],
  ['1.010', '=', '1.10'],
  ['9', '<', '1:1'],
  ['0:1-1', '=', '1-1'],
  ['1.0-9', '<', '1.0-10'],
];

const GENERIC: readonly (readonly [string, '<' | '=', string])[] = [
  ['1.9', '<', '1.10'],
  ['1.0', '<', '1.0.0'],
  ['1.0', '=', '1-0'],
  ['1.01', '=', '1.1'],
  ['6.1.0-9-amd64', '<', '6.1.0-10-amd64'],
  ['1.0', '<', '1.0rc1'],
  ['1.a', '<', '1.0'],
  ['50.4.1b', '<', '50.4.1c'],
  ['99999999999999999998', '<', '99999999999999999999'],
  ['2.0-alpha', '<', '2.0-beta'],
  ['版', '<', '版本'],
  ['', '<', '0'],
];

describe.each([
  ['version', GENERIC],
  ['version_dpkg', DEBIAN],
  ['version_rhel', RPM],
] as const)('%s', (order, cases) => {
  test.each(cases)('%s %s %s', (a, relation, b) => {
    const sign = relation === '=' ? 0 : -1;
    expect(compareVersions(order, a, b)).toBe(sign);
    expect(compareVersions(order, b, a) + sign).toBe(0);
  });
});

test.each(VERSION_ORDERS)('%s is an order, whatever the texts', (order: VersionOrder) => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), pieces(['.', '~', '^', '+']));
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      const [ab, bc, ac] = [
        compareVersions(order, a, b),
        compareVersions(order, b, c),
        compareVersions(order, a, c),
      ];
      expect(compareVersions(order, b, a) + ab).toBe(0);
      if (ab <= 0 && bc <= 0) expect(ac).toBeLessThanOrEqual(0);
      expect(versionKey(order, a) === versionKey(order, b)).toBe(ab === 0);
    }),
    { numRuns: 500 },
  );
});

describe('generated versions', () => {
  needs('dpkg', hasDpkg)(
    'version_dpkg is the verdict of dpkg --compare-versions (needs dpkg)',
    () => {
      const upstream = pieces(['.', '~', '+', '-']).map((it) => `0${it}`);
      const version = fc
        .tuple(
          fc.constantFrom('', '', '0:', '1:', '01:'),
          upstream,
          fc.constantFrom('', '', '-0', '-1'),
        )
        .map((parts) => parts.join(''));
      // dpkg takes no empty revision.
      const pairs = sampled(version).filter((pair) => pair.every((it) => !it.endsWith('-')));
      expectVerdicts('version_dpkg', pairs, dpkgVerdicts);
    },
  );

  needs('rpm', hasRpm)("version_rhel is rpm's verdict", () => {
    const part = pieces(['.', '~', '^', '_', '+']).map((it) => `${it}0`);
    const version = fc
      .tuple(fc.constantFrom('', '', '0:', '1:'), part, fc.constantFrom('', '-1', '-1.el9', '-01'))
      .map((parts) => parts.join(''));
    expectVerdicts('version_rhel', sampled(version), rpmVerdicts);
  });
});

/** Few different pieces, so that versions meet in long beginnings and are often equal. */
function pieces(separators: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.constantFrom(
    ...[
      '0',
      '1',
      '01',
      '9',
      '10',
      '2',
      'a',
      'b',
      'Z',
      'rc',
      '20240101',
      ...separators,
      ...separators,
    ],
  );
  return fc.array(piece, { maxLength: 6 }).map((list) => list.join(''));
}

/** Pairs of any two, and of one with itself or with one piece more. */
function sampled(version: fc.Arbitrary<string>): Pair[] {
  const pair = fc.oneof(
    fc.tuple(version, version),
    fc
      .tuple(version, fc.constantFrom('', '0', '.0', '~', '+1', '.1', 'a'))
      .map(([it, more]): [string, string] => [it, it + more]),
  );
  const seed = Date.now();
  console.log(`seed ${seed}`);
  return fc.sample(pair, { numRuns: 200, seed });
}

function expectVerdicts(
  order: VersionOrder,
  pairs: readonly Pair[],
  judge: (pairs: readonly Pair[]) => readonly number[],
): void {
  const verdicts = judge(pairs);
  expect(verdicts).toHaveLength(pairs.length);
  const wrong = pairs.flatMap(([a, b], at) => {
    const ours = compareVersions(order, a, b);
    return ours === verdicts[at] ? [] : [`${a} ${b}: ${ours}, and not ${verdicts[at]}`];
  });
  expect(wrong).toEqual([]);
  for (const sign of [-1, 0, 1]) expect(verdicts).toContain(sign);
}

function dpkgVerdicts(pairs: readonly Pair[]): number[] {
  const script = `while read -r a b; do
    if dpkg --compare-versions "$a" lt "$b"; then echo -1
    elif dpkg --compare-versions "$a" eq "$b"; then echo 0
    elif dpkg --compare-versions "$a" gt "$b"; then echo 1
    else echo none; fi
  done`;
  const input = pairs.map(([a, b]) => `${a} ${b}\n`).join('');
  const { stdout } = spawnSync('sh', ['-c', script], { input, encoding: 'utf8' });
  return stdout.trim().split('\n').map(Number);
}

function rpmVerdicts(pairs: readonly Pair[]): number[] {
  const file = join(folder, 'pairs');
  writeFileSync(file, pairs.map(([a, b]) => `${a} ${b}\n`).join(''));
  const lua = `for line in io.lines("${file}") do
    local at = line:find(" ", 1, true)
    print(rpm.vercmp(line:sub(1, at - 1), line:sub(at + 1)) .. "\\n")
  end`;
  const { stdout } = spawnSync('rpm', ['--eval', `%{lua:${lua}}`], { encoding: 'utf8' });
  return (stdout ?? '').trim().split('\n').map(Number);
}
