import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { digestFile } from '../../../src/tables/files/digest.ts';
import { hash } from '../../../src/tables/files/hash.ts';
import { toHostPath } from '../../../src/tables/files/host-path.ts';
import { TableError, type Constraint } from '../../../src/tables/types.ts';
import { contextFor, eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';
import { isRoot, only } from '../../helpers/needs.ts';

/** An ordinary user runs these tests, too. */
function isReadable(path: string): boolean {
  try {
    fs.accessSync(path, fs.constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

const like = (column: string, value: string): Constraint => ({ column, op: 'like', value });

describe('hash', () => {
  test.each(['md5', 'sha1', 'sha256'])(
    '%s agrees with the program of coreutils for every file of a folder',
    async (name) => {
      const rows = await rowsOf(hash, {
        constraints: [eq('directory', '/etc')],
        columns: new Set(['path', name]),
      });
      expectShape(hash, rows);
      const files = fs
        .readdirSync('/etc')
        .map((entry) => `/etc/${entry}`)
        .filter((path) => fs.existsSync(path) && fs.statSync(path).isFile() && isReadable(path))
        .filter((path) => path !== '/etc/mtab');
      const ours = rows.filter(({ path }) => files.includes(String(path)));
      const theirs = execFileSync(`${name}sum`, files, { encoding: 'utf8', maxBuffer: 1 << 24 });
      expect(ours.map((row) => `${String(row[name])}  ${String(row.path)}`).sort()).toEqual(
        theirs.trimEnd().split('\n').sort(),
      );
    },
  );

  test('only the digests that are asked for are computed', async () => {
    const [row] = await rowsOf(hash, {
      constraints: [eq('path', '/etc/passwd')],
      columns: new Set(['path', 'sha1']),
    });
    expect(Object.keys(row!).sort()).toEqual(['directory', 'path', 'sha1']);
  });

  test('content longer than one chunk is read whole', async () => {
    const content = Buffer.alloc(1_000_000, 'abcdefg');
    const root = fakeRoot({ big: content });
    const [row] = await rowsOf(hash, { root, constraints: [eq('path', '/big')] });
    expect(row!.sha256).toBe(createHash('sha256').update(content).digest('hex'));
  });

  test('files in /proc, whose size is said to be 0, are read', async () => {
    const [row] = await rowsOf(hash, { constraints: [eq('path', '/proc/version')] });
    expect(row!.md5).toBe(createHash('md5').update(fs.readFileSync('/proc/version')).digest('hex'));
  });

  test('a scan without path or directory is refused', () => {
    expect(() => [...hash.lookup(contextFor(hash))]).toThrow(TableError);
  });
});

describe('hash on a hostile host', () => {
  test('pipes, sockets, devices and folders are passed over without opening them', async () => {
    const root = fakeRoot({ 'd/file': 'x', 'd/sub/y': '' });
    execFileSync('mkfifo', [join(root, 'd/pipe')]);
    const rows = await rowsOf(hash, { root, constraints: [like('path', '/d/%')] });
    expect(rows.map((row) => row.path)).toEqual(['/d/file']);
    expect(await rowsOf(hash, { root, constraints: [eq('path', '/d/pipe')] })).toEqual([]);
    expect(await rowsOf(hash, { constraints: [eq('path', '/dev/zero')] })).toEqual([]);
  });

  test('a pipe that took the place of a file is seen once it is open', () => {
    const root = fakeRoot({});
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const path = toHostPath({ root }, '/pipe')!;
    expect(digestFile(path, ['md5'], new AbortController().signal)).toEqual({
      ok: false,
      code: 'ENOTREG',
    });
  });

  test('a file over the cap is not read, also when it hides its size', () => {
    const root = fakeRoot({ big: '0123456789' });
    const signal = new AbortController().signal;
    expect(digestFile(toHostPath({ root }, '/big')!, ['md5'], signal, 9)).toMatchObject({
      code: 'EFBIG',
    });
    const sized = toHostPath({ root: '/' }, '/proc/self/status')!;
    expect(digestFile(sized, ['md5'], signal, 9)).toMatchObject({ code: 'EFBIG' });
  });

  test('a sparse file of a terabyte gives NULL at once, and is named', async () => {
    const root = fakeRoot({ sparse: '' });
    fs.truncateSync(join(root, 'sparse'), 2 ** 40);
    const context = contextFor(hash, { root, constraints: [eq('path', '/sparse')] });
    expect([...hash.lookup(context)]).toEqual([{ path: '/sparse', directory: '/' }]);
    expect(context.warnings).toEqual(['/sparse: not hashed: it is over 1 GiB']);
  });

  test('an aborted query ends the reading', () => {
    const root = fakeRoot({ file: 'x' });
    const context = contextFor(hash, {
      root,
      signal: AbortSignal.abort(),
      constraints: [eq('path', '/file')],
    });
    expect(() => [...hash.lookup(context)]).toThrow(/aborted/i);
  });

  only(isRoot, 'as root')('an unreadable file has no digest, and is named', () => {
    const root = fakeRoot({ open: 'x', closed: 'y' });
    fs.chmodSync(join(root, 'closed'), 0o600);
    fs.chmodSync(root, 0o755);
    process.seteuid!(65534);
    try {
      const context = contextFor(hash, { root, constraints: [eq('directory', '/')] });
      const rows = [...hash.lookup(context)];
      expect(rows.find((row) => row.path === '/closed')?.md5).toBeUndefined();
      expect(rows.find((row) => row.path === '/open')?.md5).toMatch(/^[0-9a-f]{32}$/);
      expect(context.warnings.join()).toContain('/closed: not hashed: permission denied');
    } finally {
      process.seteuid!(0);
    }
  });
});
