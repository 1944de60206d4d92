import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { file } from '../../../src/tables/files/file.ts';
import { Walk } from '../../../src/tables/files/walk.ts';
import {
  TableError,
  type Constraint,
  type LookupTable,
  type Row,
} from '../../../src/tables/types.ts';
import { contextFor, eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';
import { isRoot, only } from '../../helpers/needs.ts';

const like = (column: string, value: string): Constraint => ({ column, op: 'like', value });
const glob = (column: string, value: string): Constraint => ({ column, op: 'glob', value });

function pathsOf(root: string, ...constraints: Constraint[]): unknown[] {
  const context = contextFor(file, { root, constraints, columns: new Set(['path']) });
  return [...file.lookup(context)].map((row) => row.path).sort();
}

describe('file agrees with stat(1)', () => {
  const STAT = '%n|%i|%u|%g|%04a|%s|%o|%Y|%Z|%h';
  const ours = (row: Row): string =>
    [
      row.path,
      row.inode,
      row.uid,
      row.gid,
      row.mode,
      row.size,
      row.block_size,
      row.mtime,
      row.ctime,
      row.hard_links,
    ].join('|');

  test('for every entry of a folder', async () => {
    const rows = (await rowsOf(file, { constraints: [eq('directory', '/etc')] }))
      // A link into /proc, where every look makes a new inode.
      .filter((row) => row.filename !== 'mtab');
    expectShape(file, rows);
    const names = fs
      .readdirSync('/etc')
      .filter((name) => name !== 'mtab')
      .map((name) => `/etc/${name}`);
    expect(rows.map((row) => row.path).sort()).toEqual(names.sort());
    const theirs = execFileSync('stat', ['-L', '-c', STAT, ...names], { encoding: 'utf8' });
    expect(rows.map(ours).sort()).toEqual(theirs.trimEnd().split('\n').sort());
  });

  test('for files of every type', async () => {
    const root = fakeRoot({ regular: 'abc', 'folder/x': '', link: { link: 'regular' } });
    fs.symlinkSync('nowhere', join(root, 'broken'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const server = createServer().listen(join(root, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      const rows = await rowsOf(file, { root, constraints: [eq('directory', '/')] });
      expect(
        Object.fromEntries(rows.map((row) => [row.filename, [row.type, row.symlink, row.size]])),
      ).toMatchObject({
        regular: ['regular', 0, 3],
        folder: ['directory', 0, expect.any(Number)],
        link: ['regular', 1, 3],
        broken: ['symlink', 1, 7],
        pipe: ['fifo', 0, 0],
        socket: ['socket', 0, 0],
      });
    } finally {
      server.close();
    }
    expect(await rowsOf(file, { constraints: [eq('path', '/dev/null')] })).toMatchObject([
      { type: 'character', device: fs.statSync('/dev/null').rdev, mode: '0666' },
    ]);
  });

  test('for times before 1970 and after 2038', async () => {
    const root = fakeRoot({ old: '', late: '' });
    // Node takes times before 1970 for now.
    execFileSync('touch', ['-d', '1969-12-31 23:59:57.5 UTC', join(root, 'old')]);
    fs.utimesSync(join(root, 'late'), 5_000_000_000, 6_000_000_000);
    const rows = await rowsOf(file, { root, constraints: [eq('directory', '/')] });
    expect(Object.fromEntries(rows.map((r) => [r.filename, [r.atime, r.mtime]]))).toEqual({
      old: [-3, -3],
      late: [5_000_000_000, 6_000_000_000],
    });
  });

  test('birth times too, where the file system keeps them', async () => {
    const [row] = await rowsOf(file, { constraints: [eq('path', '/etc/passwd')] });
    const theirs = execFileSync('stat', ['-c', '%W', '/etc/passwd'], { encoding: 'utf8' });
    expect(String(row!.btime)).toBe(theirs.trim());
  });
});

describe('file finds', () => {
  const tree = {
    'etc/a.conf': '',
    'etc/.hidden': '',
    'etc/d/b.conf': '',
    'etc/d/e/c.conf': '',
    'home/ann/.bashrc': '',
    'home/bob/.bashrc': '',
    'opt/logger1/x': '',
    'opt/other/x': '',
  };

  test('one level with %, any number with %%, as LIKE on the path reads', () => {
    const root = fakeRoot(tree);
    expect(pathsOf(root, like('path', '/etc/%'))).toEqual([
      '/etc/.hidden',
      '/etc/a.conf',
      '/etc/d',
    ]);
    expect(pathsOf(root, like('path', '/etc/%.conf'))).toEqual(['/etc/a.conf']);
    expect(pathsOf(root, like('path', '/etc/%%'))).toEqual([
      '/etc/.hidden',
      '/etc/a.conf',
      '/etc/d',
      '/etc/d/b.conf',
      '/etc/d/e',
      '/etc/d/e/c.conf',
    ]);
    expect(pathsOf(root, like('path', '/etc/%%.conf'))).toEqual([
      '/etc/a.conf',
      '/etc/d/b.conf',
      '/etc/d/e/c.conf',
    ]);
    expect(pathsOf(root, like('path', '/home/%/.bashrc'))).toEqual([
      '/home/ann/.bashrc',
      '/home/bob/.bashrc',
    ]);
    expect(pathsOf(root, like('path', '/home/%%/.%'))).toEqual([
      '/home/ann/.bashrc',
      '/home/bob/.bashrc',
    ]);
    expect(pathsOf(root, like('path', '/opt/logger%%'))).toEqual([
      '/opt/logger1',
      '/opt/logger1/x',
    ]);
    expect(pathsOf(root, like('path', '/etc/a.conf'))).toEqual(['/etc/a.conf']);
    expect(pathsOf(root, like('path', '/etc/d/_.conf'))).toEqual(['/etc/d/b.conf']);
    expect(pathsOf(root, glob('path', '/etc/[ab].c*'))).toEqual(['/etc/a.conf']);
  });

  test('what find(1) finds', () => {
    const theirs = execFileSync('find', ['/usr/share/doc', '-mindepth', '1'], { encoding: 'utf8' });
    expect(pathsOf('/', like('path', '/usr/share/doc/%%'))).toEqual(
      theirs.trimEnd().split('\n').sort(),
    );
  });

  test('folders by pattern, and their entries', () => {
    const root = fakeRoot(tree);
    expect(pathsOf(root, like('directory', '/home/%'))).toEqual([
      '/home/ann/.bashrc',
      '/home/bob/.bashrc',
    ]);
    expect(pathsOf(root, like('directory', '/etc/d/'))).toEqual(['/etc/d/b.conf', '/etc/d/e']);
  });

  test('paths as they were written, so that SQL finds them equal', async () => {
    const root = fakeRoot(tree);
    const rows = await rowsOf(file, { root, constraints: [eq('path', '/etc/d/')] });
    expect(rows).toMatchObject([{ path: '/etc/d/', directory: '/etc', filename: 'd' }]);
    const listed = await rowsOf(file, { root, constraints: [eq('directory', '/etc/d/')] });
    expect(listed.map((row) => row.directory)).toEqual(['/etc/d/', '/etc/d/']);
    expect(pathsOf(root, like('path', '/home/%/'))).toEqual(['/home/ann/', '/home/bob/']);
    expect(pathsOf(root, like('path', '/etc/%%/'))).toEqual(['/etc/d/', '/etc/d/e/']);
  });

  test('by the path alone when both are constrained', () => {
    const root = fakeRoot(tree);
    expect(pathsOf(root, eq('directory', '/etc'), eq('path', '/etc/d/b.conf'))).toEqual([
      '/etc/d/b.conf',
    ]);
  });

  test('nothing for what cannot be a path', () => {
    const root = fakeRoot(tree);
    for (const path of ['etc/a.conf', '', 'C:\\Windows', '/etc/a.conf\0', `/${'x'.repeat(5000)}`]) {
      expect(pathsOf(root, eq('path', path))).toEqual([]);
      expect(pathsOf(root, like('path', path))).toEqual([]);
    }
  });

  test('targets of links, made absolute', async () => {
    const root = fakeRoot({
      'a/b/up': { link: '../c' },
      'a/b/abs': { link: '/x/../y' },
      'a/b/here': { link: './z' },
    });
    const rows = await rowsOf(file, { root, constraints: [eq('directory', '/a/b')] });
    expect(Object.fromEntries(rows.map((r) => [r.filename, r.symlink_target_path]))).toEqual({
      up: '/a/c',
      abs: '/x/../y',
      here: '/a/b/z',
    });
  });
});

describe('file refuses', () => {
  test.each([[[]], [[{ column: 'path', op: 'ne', value: '/' }]], [[like('filename', 'x%')]]])(
    'a scan without path or directory (%j)',
    (constraints) => {
      const context = contextFor(file, { constraints: constraints as Constraint[] });
      expect(() => [...file.lookup(context)]).toThrow(TableError);
    },
  );
});

describe('file on a hostile host', () => {
  test('names with line ends and quotes are themselves', () => {
    const root = fakeRoot({ 'd/a\nb': '', "d/'; drop": '' });
    expect(pathsOf(root, like('path', '/d/%'))).toEqual(["/d/'; drop", '/d/a\nb']);
    expect(pathsOf(root, eq('path', '/d/a\nb'))).toEqual(['/d/a\nb']);
  });

  test('names that are no UTF-8 are shown with U+FFFD, and found again by that', async () => {
    const root = fakeRoot({ 'd/x': '' });
    const folder = Buffer.concat([Buffer.from(`${root}/d/`), Buffer.of(0xff, 0xfe)]);
    fs.mkdirSync(folder);
    fs.writeFileSync(Buffer.concat([folder, Buffer.from('/f'), Buffer.of(0xe9)]), 'four');
    const shown = ['/d/x', '/d/\ufffd\ufffd', '/d/\ufffd\ufffd/f\ufffd'];
    expect(pathsOf(root, like('path', '/d/%%'))).toEqual(shown);
    expect(await rowsOf(file, { root, constraints: [eq('path', shown[2]!)] })).toMatchObject([
      { path: shown[2], size: 4, type: 'regular' },
    ]);
    expect(pathsOf(root, eq('path', '/d/\ufffd'))).toEqual([]);
  });

  test('loops of links end: %% does not follow them, a path through them is ELOOP', async () => {
    const root = fakeRoot({
      'd/self': { link: '.' },
      'd/loop': { link: 'loop' },
      'd/e/up': { link: '..' },
    });
    expect(pathsOf(root, like('path', '/d/%%'))).toEqual(['/d/e', '/d/e/up', '/d/loop', '/d/self']);
    const rows = await rowsOf(file, { root, constraints: [eq('path', '/d/loop')] });
    expect(rows).toMatchObject([{ type: 'symlink', symlink: 1 }]);
    expect(await rowsOf(file, { root, constraints: [eq('path', '/d/loop/x')] })).toEqual([]);
  });

  test('a tree deeper than paths may be long is walked as far as it goes, and said', () => {
    const root = fakeRoot({});
    // No call takes so long a path, so that one half is made and moved to the end of the other.
    const half = `/${'d'.repeat(20)}`.repeat(150);
    fs.mkdirSync(root + half, { recursive: true });
    fs.mkdirSync(join(root, 'other', half), { recursive: true });
    fs.renameSync(join(root, 'other'), `${root}${half}/other`);
    const context = contextFor(file, {
      root,
      constraints: [like('path', '/%%')],
      columns: new Set(['path']),
    });
    const rows = [...file.lookup(context)];
    expect(rows.length).toBeGreaterThan(150);
    expect(context.warnings.join()).toMatch(/not entered/);
    // Node's own rm does not go past PATH_MAX.
    execFileSync('rm', ['-rf', join(root, 'd'.repeat(20))]);
  });

  test('remote file systems are not entered unasked', () => {
    const root = fakeRoot({
      'proc/self/mountinfo':
        '36 25 0:32 / /mnt/dead rw shared:1 - nfs4 server:/x rw\n' +
        '37 25 0:33 / /mnt/with\\040blank rw - fuse.sshfs x rw\n' +
        '38 25 8:1 / /mnt/disk rw - ext4 /dev/sda1 rw\n',
      'mnt/dead/x': '',
      'mnt/with blank/x': '',
      'mnt/disk/x': '',
    });
    const context = contextFor(file, { root, constraints: [like('path', '/mnt/%%')] });
    expect([...file.lookup(context)].map((row) => row.path)).toEqual(['/mnt/disk', '/mnt/disk/x']);
    expect(context.warnings.join('\n')).toContain(
      '/mnt/dead: not entered: a remote file system (nfs4)',
    );
    expect(pathsOf(root, like('path', '/mnt/dead/%'))).toEqual(['/mnt/dead/x']);
  });

  only(isRoot, 'as root')('an unreadable folder costs its rows only, and is named', () => {
    const root = fakeRoot({ 'd/closed/x': '', 'd/open/y': '' });
    fs.chmodSync(join(root, 'd/closed'), 0o700);
    fs.chmodSync(root, 0o755);
    process.seteuid!(65534);
    try {
      const context = contextFor(file, { root, constraints: [like('path', '/d/%%')] });
      const paths = [...file.lookup(context)].map((row) => row.path).sort();
      expect(paths).toEqual(['/d/closed', '/d/open', '/d/open/y']);
      expect(context.warnings.join()).toContain('/d/closed: not entered: permission denied');
    } finally {
      process.seteuid!(0);
    }
  });

  test('rows come before the folder has been read to its end, and leaving early closes it', () => {
    const root = fakeRoot({});
    for (let i = 0; i < 1000; i++) fs.writeFileSync(join(root, `f${i}`), '');
    const open = (): number => fs.readdirSync('/proc/self/fd').length;
    const before = open();
    const table: LookupTable = file;
    const rows = table.lookup(contextFor(file, { root, constraints: [eq('directory', '/')] }));
    const iterator = rows[Symbol.iterator]();
    expect(iterator.next().value).toMatchObject({ directory: '/' });
    expect(open()).toBe(before + 1);
    iterator.return?.();
    expect(open()).toBe(before);
  });

  test('a walk gives up after its limit of entries, and says so', () => {
    const root = fakeRoot({});
    for (let i = 0; i < 40; i++) fs.writeFileSync(join(root, `f${i}`), '');
    const context = contextFor(file, { root });
    const walk = new Walk(context, { entriesMax: 25, depthMax: 5 });
    expect([...walk.paths('/%', 'like')]).toHaveLength(25);
    expect(context.warnings.join()).toContain('stopped after 25 folder entries');
  });

  test('an aborted query ends the walk', () => {
    const root = fakeRoot({});
    for (let i = 0; i < 600; i++) fs.writeFileSync(join(root, `f${i}`), '');
    const context = contextFor(file, {
      root,
      signal: AbortSignal.abort(),
      constraints: [like('path', '/%.none')],
    });
    expect(() => [...file.lookup(context)]).toThrow(/aborted/i);
  });
});
