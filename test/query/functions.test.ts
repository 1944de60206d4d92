import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(() => {
  fixture = new Fixture();
  mkdirSync(join(fixture.root, 'opt/my app'), { recursive: true });
  mkdirSync(join(fixture.root, 'opt/folder'));
  for (const name of ['my', 'my app/run']) writeFileSync(join(fixture.root, 'opt', name), '');
});
afterAll(() => fixture.close());

test.each([
  ["regex_match('10.0.0.1:80', '(\\d+)\\.(\\d+)', 2)", '0'],
  ["regex_match('abc', 'x', 0)", null],
  ["regex_match(null, 'x', 0)", null],
  ["regex_split('a1b22c', '([0-9])+', 2)", 'c'],
  ["split('a,b;;c', ',;', 2)", 'c'],
  ["split('/usr/bin/', '/', 5)", null],
  ["to_base64('héllo')", 'aMOpbGxv'],
  ["from_base64('aMOpbGxv')", 'héllo'],
  ["from_base64('?')", null],
  ["conditional_to_base64('plain')", 'plain'],
  ["md5('')", 'd41d8cd98f00b204e9800998ecf8427e'],
  ["sha1('abc')", 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ["substr(sha256('abc'), 1, 8)", 'ba7816bf'],
  ["inet_aton('127.0.0.1')", 2130706433],
  ["in_cidr_block('10.0.0.0/9', '10.127.255.255')", 1],
  ["in_cidr_block('10.0.0.0/9', '10.128.0.0')", 0],
  ["in_cidr_block('2001:db8::/33', '2001:db8:7fff::1')", 1],
  ["in_cidr_block('10.0.0.0/33', '10.0.0.0')", null],
  // From the specification's own baseline.
  [
    "community_id_v1('128.232.110.120', '66.35.250.204', 34855, 80, 6)",
    '1:LQU9qZlK+B5F3KDmev6m5PMibrg=',
  ],
  [
    "community_id_v1('66.35.250.204', '128.232.110.120', 80, 34855, 6)",
    '1:LQU9qZlK+B5F3KDmev6m5PMibrg=',
  ],
  ["version_compare('1.10', '1.9')", 1],
  ["version_compare('1.0~rc1', '1.0', 'DPKG')", -1],
  ["version_compare('1:0.1', '9.9', 'DPKG')", 1],
  ["version_compare('1.0^git1', '1.0', 'RHEL')", 1],
  ["'1.10' > '1.9' collate version", 1],
  // The order that vercmp(8) prints, and its rule that a release is compared where both have one.
  ["version_compare('1.0rc', '1.0', 'ARCH')", -1],
  ["version_compare('1.0a', '1.0b', 'arch')", -1],
  ["version_compare('1.0', '1.0.a', 'ARCH')", -1],
  ["version_compare('1.0.a', '1.0.1', 'ARCH')", -1],
  ["version_compare('1', '1.0', 'ARCH')", -1],
  ["version_compare('1.5-1', '1.5', 'ARCH')", 0],
  ["version_compare('1.5-1', '1.5-2', 'ARCH')", -1],
  ["version_compare('1:1.0-1', '3.6-2', 'ARCH')", 1],
  ["version_compare('0:1.0', '1.0', 'ARCH')", 0],
  ['round(log(exp(2)), 9)', 2],
  ['log(0)', null],
  ['round(log(2, 8), 9)', 3],
  ['round(cot(1.5707963267948966 / 2), 9)', 1],
  ['cot(0)', null],
  ["regex_match('ab12', '[[:digit:]]+', 0)", '12'],
  ["regex_match('ab_12-', '[^[:alpha:]0-9]', 0)", '_'],
  ["regex_match('x]:[:digit:]', '\\[:digit:\\]', 0)", '[:digit:]'],
  ["regex_match('a/b', '[[:punct:][:space:]]', 0)", '/'],
  ["regex_split('a 1 b', '[[:space:]]', 1)", '1'],
  [
    "community_id_v1_strict('128.232.110.120', '66.35.250.204', 34855, 80, 6)",
    '1:LQU9qZlK+B5F3KDmev6m5PMibrg=',
  ],
  ["parent_directory('/usr/bin/env')", '/usr/bin'],
  ["parent_directory('/usr/bin/')", '/usr/bin'],
  ["parent_directory('/vmlinuz')", ''],
  ["parent_directory('env')", null],
  ['parent_directory(null)', null],
  ["find_file_path_in_cmd('/opt/my app/run --now')", '/opt/my'],
  ["find_file_path_in_cmd('  /opt/my\\ app/run --now')", '/opt/my app/run'],
  ["find_file_path_in_cmd('/opt/my^ app/run --now', 0, '^')", '/opt/my app/run'],
  ['find_file_path_in_cmd(\'"/opt/my app/run" --now\', 1)', '/opt/my app/run'],
  ["find_file_path_in_cmd('/opt/none --now')", ''],
  ["find_file_path_in_cmd('opt/my')", ''],
  ["find_file_path_in_cmd('/opt/folder')", ''],
  ["is_path_deterministic('/opt/my app/run --now')", 0],
  ['is_path_deterministic(\'"/opt/my app/run" --now\', 1)', 1],
  ["is_path_deterministic('/opt/none --now')", 1],
  ["'1:1.0-1' > '3.6-2' collate version_arch", 1],
  ["'1.0rc' < '1.0' collate version_arch", 1],
  ["concat('a', null, 1)", 'a1'],
])('%s', async (expression, expected) => {
  expect(await fixture.values(`select ${expression}`)).toEqual([expected]);
});

test('an argument that means nothing is an error', async () => {
  for (const [call, message] of [
    ["regex_match('a', '[[:digits:]]', 0)", 'there is no class [:digits:]'],
    ["community_id_v1_strict('x', '66.35.250.204', 1, 2, 6)", 'is none'],
    ["version_compare('1', '2', 'PACMAN')", 'no order of versions'],
    ['parent_directory(1)', 'a path is a text, and "1" is none'],
    ["find_file_path_in_cmd('/opt/my', 2)", 'not "2"'],
    ["is_path_deterministic('/opt/my', 0, 'ab')", 'not "ab"'],
  ])
    expect(await fixture.error(`select ${call}`)).toContain(message);
  expect(await fixture.values("select community_id_v1('x', '66.35.250.204', 1, 2, 6)")).toEqual([
    null,
  ]);
});

test('a malformed expression is an error that names the function', async () => {
  expect(await fixture.error("select regex_match('a', '(', 0)")).toMatch(
    /regex_match\(\): Invalid/,
  );
});
