/** Login records, made as utmp(5) says and read back by who and last as well. */
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { parseUtmp } from '../../../src/tables/lib/utmp.ts';
import { last } from '../../../src/tables/system/last.ts';
import { loggedInUsers } from '../../../src/tables/system/logged-in-users.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { printLines } from '../lib/program.ts';
import { needs } from '../../helpers/needs.ts';

const BOOT = record({ type: 2, user: 'reboot', tty: '~', host: '6.1.0-18', time: 1_700_000_000 });
const ALICE = record({
  type: 7,
  pid: process.pid,
  user: 'alice',
  tty: 'pts/3',
  host: '10.1.2.3',
  time: 1_700_000_100,
});
const GONE = record({ type: 8, pid: 77, tty: 'pts/4', time: 1_700_000_200 });
const FILE = Buffer.concat([BOOT, ALICE, GONE]);

describe('logged_in_users', () => {
  it('has who is there, not the places of who left', async () => {
    const root = fakeRoot({ 'run/utmp': FILE });
    expect(await rowsOf(loggedInUsers, { root })).toEqual([
      {
        type: 'boot_time',
        user: 'reboot',
        tty: '~',
        host: '6.1.0-18',
        time: 1_700_000_000,
        pid: 0,
      },
      {
        type: 'user',
        user: 'alice',
        tty: 'pts/3',
        host: '10.1.2.3',
        time: 1_700_000_100,
        pid: process.pid,
      },
    ]);
  });

  needs('who')('agrees with who on the same file', async () => {
    const root = fakeRoot({ 'run/utmp': FILE });
    const users = (await rowsOf(loggedInUsers, { root })).filter((row) => row.type === 'user');
    const shown = printLines('who', join(root, 'run/utmp'));
    expect(shown.map((line) => line.split(/\s+/).slice(0, 2).join(' '))).toEqual(
      users.map((row) => `${row.user} ${row.tty}`),
    );
  });

  it('asks systemd-logind’s files where there is no utmp', async () => {
    const root = fakeRoot({
      'run/systemd/sessions/3':
        'UID=1000\nUSER=bob\nACTIVE=1\nSTATE=active\nTTY=tty2\nREMOTE=1\nREMOTE_HOST=10.0.0.9\n' +
        'CLASS=user\nLEADER=815\nREALTIME=1700000300123456\n',
      'run/systemd/sessions/c1': 'USER=gdm\nCLASS=greeter\n',
      'run/systemd/sessions/3.ref': '',
    });
    expect(await rowsOf(loggedInUsers, { root })).toEqual([
      { type: 'user', user: 'bob', tty: 'tty2', host: '10.0.0.9', time: 1_700_000_300, pid: 815 },
    ]);
  });

  it('says so where nothing is recorded', async () => {
    const nothing = rowsOf(loggedInUsers, { root: fakeRoot({ x: '' }) });
    await expect(nothing).rejects.toThrow('records no logins');
  });
});

describe('last', () => {
  it('has every record with its type by number and name', async () => {
    const rows = await rowsOf(last, { root: fakeRoot({ 'var/log/wtmp': FILE }) });
    expect(rows.map((row) => `${row.type} ${row.type_name} ${row.username}`)).toEqual([
      '2 BOOT_TIME reboot',
      '7 USER_PROCESS alice',
      '8 DEAD_PROCESS ',
    ]);
  });

  needs('last')('agrees with last on the same file', async () => {
    const root = fakeRoot({ 'var/log/wtmp': FILE });
    const [row] = (await rowsOf(last, { root })).filter((row) => row.username === 'alice');
    const lines = printLines(
      'last',
      '-w',
      '--time-format',
      'iso',
      '-f',
      join(root, 'var/log/wtmp'),
    );
    const [, tty, host, time] = lines.find((line) => line.startsWith('alice'))!.split(/\s+/);
    expect(row).toMatchObject({ tty, host, time: Date.parse(time!) / 1000 });
  });

  it('leaves a torn last record out and survives any bytes', () => {
    expect(parseUtmp(FILE.subarray(0, FILE.length - 1))).toHaveLength(2);
    expect(parseUtmp(Buffer.alloc(384, 0xff))).toHaveLength(1);
    expect(parseUtmp(Buffer.alloc(0))).toEqual([]);
  });

  it('tells the wide records of 64-bit ARM by the length of the file', () => {
    const wide = Buffer.alloc(400);
    ALICE.copy(wide, 0, 0, 332);
    wide.writeUInt32LE(1_700_000_100, 344);
    expect(parseUtmp(wide)).toMatchObject([{ user: 'alice', time: 1_700_000_100 }]);
  });

  it('says so where there is no file', async () => {
    const nothing = rowsOf(last, { root: fakeRoot({ x: '' }) });
    await expect(nothing).rejects.toThrow('cannot read /var/log/wtmp: there is no such file');
  });
});

interface Fields {
  type: number;
  pid?: number;
  user?: string;
  tty?: string;
  host?: string;
  time: number;
}

/** The 384 bytes that x86 writes. */
function record({ type, pid = 0, user = '', tty = '', host = '', time }: Fields): Buffer {
  const bytes = Buffer.alloc(384);
  bytes.writeInt16LE(type, 0);
  bytes.writeInt32LE(pid, 4);
  bytes.write(tty, 8);
  bytes.write('ts/3', 40);
  bytes.write(user, 44);
  bytes.write(host, 76);
  bytes.writeUInt32LE(time, 340);
  return bytes;
}
