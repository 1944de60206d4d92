/** Reading what hostile or broken hosts hold. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import {
  exists,
  hostPath,
  listDir,
  readAttribute,
  readBytes,
  readText,
  requireText,
  tryRead,
} from '../../../src/tables/lib/files.ts';
import { TableError } from '../../../src/tables/types.ts';
import { fromHomes } from '../../../src/tables/accounts/homes.ts';
import { users } from '../../../src/tables/accounts/users.ts';
import { hash } from '../../../src/tables/files/hash.ts';
import { contextFor, eq, fakeRoot } from './context.ts';

describe('reading a file of the host', () => {
  it('leaves its time of last access, as do hashes and files of homes', () => {
    const root = fakeRoot({ 'etc/passwd': 'ann:x:0:0::/home/ann:/bin/sh\n', 'home/ann/f': 'x' });
    const paths = ['/etc/passwd', '/home/ann/f'].map((path) => join(root, path));
    const long = new Date('2001-02-03T04:05:06Z');
    for (const path of paths) utimesSync(path, long, new Date());
    expect(readText({ root }, '/etc/passwd')).toContain('ann');
    const read = fromHomes(contextFor(users, { root }), (_, files) => [files.text('f')]);
    expect(read).toEqual(['x']);
    const [hashed] = hash.lookup(
      contextFor(hash, { root, constraints: [eq('path', '/home/ann/f')] }),
    );
    expect(hashed!.md5).toBe('9dd4e461268c8034f5c8564e155c67a6');
    for (const path of paths) expect(statSync(path).atime).toEqual(long);
  });

  it('does not wait for a named pipe, nor read a folder or device', () => {
    const root = fakeRoot({ x: '' });
    expect(spawnSync('mkfifo', [join(root, 'pipe')]).status).toBe(0);
    mkdirSync(join(root, 'folder'));
    expect(tryRead({ root }, '/pipe')).toEqual({ ok: false, code: 'ENOTREG' });
    expect(tryRead({ root }, '/folder')).toEqual({ ok: false, code: 'ENOTREG' });
    expect(tryRead({ root: '/' }, '/dev/zero')).toEqual({ ok: false, code: 'ENOTREG' });
    expect(tryRead({ root }, '/gone')).toEqual({ ok: false, code: 'ENOENT' });
  });

  it('takes a socket for what it is', async () => {
    const root = fakeRoot({ x: '' });
    const server = createServer().listen(join(root, 'socket'));
    await once(server, 'listening');
    expect(tryRead({ root }, '/socket')).toEqual({ ok: false, code: 'ENOTREG' });
    server.close();
  });

  it('stops at the limit and says so, but not for a file of just that size', () => {
    const root = fakeRoot({ big: 'x'.repeat(200_000) });
    const read = (bytesMax: number) => tryRead({ root }, '/big', { bytesMax });
    expect(read(200_000)).toMatchObject({ ok: true, truncated: false });
    const cut = read(199_999);
    expect(cut).toMatchObject({ ok: true, truncated: true });
    expect(cut.ok && cut.bytes.length).toBe(199_999);
    const ends = fakeRoot({ log: `${'x'.repeat(100_000)}the end` });
    expect(tryRead({ root: ends }, '/log', { bytesMax: 7, last: true })).toEqual({
      ok: true,
      bytes: Buffer.from('the end'),
      truncated: true,
    });
    const whole = tryRead({ root: ends }, '/log', { last: true });
    expect(whole).toMatchObject({ ok: true, truncated: false });
  });

  it('gives independent bytes to each reader', () => {
    const root = fakeRoot({ a: 'first', b: 'other' });
    const first = readBytes({ root }, '/a')!;
    readBytes({ root }, '/b');
    expect(first.toString()).toBe('first');
  });

  it('reads files of /proc and /sys, whose sizes lie', () => {
    expect(readText({ root: '/' }, '/proc/self/stat')).toMatch(/^\d+ \(/);
    expect(readAttribute({ root: '/' }, '/proc/sys/kernel/ostype')).toBe('Linux');
  });

  it('turns invalid UTF-8 into U+FFFD', () => {
    const root = fakeRoot({ x: Buffer.from([0x61, 0xff, 0x62]) });
    expect(readText({ root }, '/x')).toBe('a\ufffdb');
  });

  it('refuses a symbolic link where an ordinary user could have put it', () => {
    const root = fakeRoot({ secret: 's' });
    symlinkSync(join(root, 'secret'), join(root, 'link'));
    expect(readText({ root }, '/link')).toBe('s');
    expect(tryRead({ root }, '/link', { noFollow: true })).toEqual({ ok: false, code: 'ELOOP' });
  });

  it('says what could not be read and why, where a table cannot do without', () => {
    const root = fakeRoot({ shut: 'x' });
    expect(() => requireText({ root }, '/gone')).toThrow(TableError);
    expect(() => requireText({ root }, '/gone')).toThrow(
      'cannot read /gone: there is no such file',
    );
    chmodSync(join(root, 'shut'), 0);
    if (process.getuid!() !== 0) {
      expect(() => requireText({ root }, '/shut')).toThrow('permission denied');
    }
  });

  it('takes all paths below the root', () => {
    const root = fakeRoot({ 'etc/hosts': 'x' });
    expect(hostPath({ root }, '/etc/hosts')).toBe(join(root, 'etc/hosts'));
    expect(hostPath({ root: '/' }, '/etc/hosts')).toBe('/etc/hosts');
    expect(exists({ root }, '/etc/passwd')).toBe(false);
    expect(listDir({ root }, '/etc')).toEqual(['hosts']);
    expect(listDir({ root }, '/none')).toEqual([]);
  });

  it('lists names with newlines', () => {
    const root = fakeRoot({ x: '' });
    writeFileSync(join(root, 'a\nb'), '');
    expect(listDir({ root }, '/')).toEqual(['a\nb', 'x']);
  });
});
