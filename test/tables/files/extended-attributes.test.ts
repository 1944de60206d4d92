/** extended_attributes beside Python's os.getxattr, which asks the kernel itself. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import {
  extendedAttributes,
  parseAttributes,
} from '../../../src/tables/files/extended-attributes.ts';
import { has, needs } from '../../helpers/needs.ts';
import { contextFor, eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

const NAMES = ['plain', 'a b', '-n', 'ü', 'line\nend', 'back\\040slash', '# file: x', 'a=0sb'];
const VALUES = ['text', 'ä', '', '\0\u0001', 'a\nb', '0sZg==', '"quoted"'];

needs('getfattr', has('getfattr') && has('python3'))(
  'values are those that the kernel has, of odd names and values, folders and links',
  async () => {
    const root = fakeRoot({
      link: { link: 'plain' },
      ...Object.fromEntries(NAMES.map((name) => [name, ''])),
    });
    execFileSync('mkfifo', [join(root, 'pipe')]);
    execFileSync('python3', ['-c', SET, root, JSON.stringify(VALUES)]);
    const rows = await rowsOf(extendedAttributes, { root, constraints: [eq('directory', '/')] });
    expectShape(extendedAttributes, rows);
    const got = rows.map(({ path, key, value, base64 }) => [
      String(path).slice(1),
      key,
      base64 === 1 ? value : Buffer.from(String(value)).toString('base64'),
    ]);
    const theirs = JSON.parse(
      execFileSync('python3', ['-c', GET, root], { encoding: 'utf8' }),
    ) as string[][];
    expect(got.map(String).sort()).toEqual(theirs.map(String).sort());
    expect(theirs).toHaveLength(NAMES.length * VALUES.length);
    expect(rows.find(({ value }) => value === 'ä')).toMatchObject({ base64: 0, directory: '/' });
    const one = await rowsOf(extendedAttributes, { root, constraints: [eq('path', '/a b')] });
    expect(one).toHaveLength(VALUES.length);
    expect(one[0]).toMatchObject({ path: '/a b', directory: '/' });
  },
);

test('what has no value, and capabilities, as getfattr prints them', () => {
  const printed =
    '# file: /usr/bin/ping\nsecurity.capability=0sAQAAAgAgAAAAAAAAAAAAAAAAAAA=\nuser.none\n\n' +
    '# file: /a\\012b\\134c\nuser.x=0sYQ==\n\n';
  expect([...parseAttributes(printed)]).toEqual([
    {
      file: '/usr/bin/ping',
      key: 'security.capability',
      value: Buffer.from('0100000200200000000000000000000000000000', 'hex'),
    },
    { file: '/usr/bin/ping', key: 'user.none', value: Buffer.alloc(0) },
    { file: '/a\nb\\c', key: 'user.x', value: Buffer.from('a') },
  ]);
});

test('refuses a scan without a path', () => {
  expect(() => [...extendedAttributes.lookup(contextFor(extendedAttributes))]).toThrow(
    'needs a path',
  );
});

const SET = `import os, sys, json
for name in os.listdir(sys.argv[1]):
    path = os.path.join(sys.argv[1], name)
    if os.path.isfile(path) and not os.path.islink(path):
        for number, value in enumerate(json.loads(sys.argv[2])):
            os.setxattr(path, 'user.n%d' % number, value.encode())
`;
const GET = `import os, sys, json, base64
found = []
for name in os.listdir(sys.argv[1]):
    path = os.path.join(sys.argv[1], name)
    for key in os.listxattr(path, follow_symlinks=False):
        value = os.getxattr(path, key, follow_symlinks=False)
        found.append([name, key, base64.b64encode(value).decode()])
print(json.dumps(found))
`;
