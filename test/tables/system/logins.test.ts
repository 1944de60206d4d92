/** Login records, made as utmp(5) says and read back by who and last as well. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { parseUtmp } from '../../../src/tables/lib/utmp.ts';
import { failedLogins } from '../../../src/tables/system/failed-logins.ts';
import { last } from '../../../src/tables/system/last.ts';
import { lastlog2 } from '../../../src/tables/system/lastlog2.ts';
import { loggedInUsers } from '../../../src/tables/system/logged-in-users.ts';
import { wtmpdb } from '../../../src/tables/system/wtmpdb.ts';
import { contextFor, fakeRoot, rowsOf } from '../lib/context.ts';
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

describe('failed_logins', () => {
  const tried = record({
    type: 6,
    pid: 41,
    user: 'hunter2',
    tty: 'ssh:notty',
    host: '10.9.9.9',
    time: 1_700_000_300,
  });
  const older = record({ type: 6, pid: 40, user: 'root', tty: 'tty1', time: 1_600_000_000 });

  needs('lastb')('agrees with lastb on both files', async () => {
    const root = fakeRoot({ 'var/log/btmp': tried, 'var/log/btmp.1': older });
    const rows = await rowsOf(failedLogins, { root });
    expect(rows).toEqual([
      {
        username: 'hunter2',
        tty: 'ssh:notty',
        pid: 41,
        host: '10.9.9.9',
        time: 1_700_000_300,
        path: '/var/log/btmp',
      },
      {
        username: 'root',
        tty: 'tty1',
        pid: 40,
        host: '',
        time: 1_600_000_000,
        path: '/var/log/btmp.1',
      },
    ]);
    for (const { username, tty, time, path } of rows) {
      const [line] = printLines(
        'lastb',
        '-w',
        '--time-format',
        'iso',
        '-f',
        join(root, String(path)),
      );
      expect(line!.split(/\s+/).slice(0, 2)).toEqual([username, tty]);
      expect(line).toContain(new Date(Number(time) * 1000).toISOString().slice(0, 19));
    }
  });

  it('says so where it may not be read, and needs no older file', async () => {
    const nothing = rowsOf(failedLogins, { root: fakeRoot({ x: '' }) });
    await expect(nothing).rejects.toThrow('cannot read /var/log/btmp');
    expect(await rowsOf(failedLogins, { root: fakeRoot({ 'var/log/btmp': tried }) })).toHaveLength(
      1,
    );
  });
});

describe('databases that Debian 13 keeps in place of wtmp and lastlog', () => {
  /** As the programs make them (lib/sqlite.c of wtmpdb, liblastlog2 of util-linux), written by SQLite's own shell. */
  const WTMP =
    'CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, Type INTEGER, User TEXT NOT NULL, Login INTEGER, ' +
    'Logout INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT) STRICT;' +
    "INSERT INTO wtmp VALUES (1,1,'reboot',4102444800000001,NULL,'~','6.12.1',NULL)," +
    "(2,3,'alice',1788249600999999,1788253200000000,'pts/0','10.1.2.3','sshd');";
  const LASTLOG =
    'CREATE TABLE Lastlog2(Name TEXT PRIMARY KEY, Time INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT);' +
    "INSERT INTO Lastlog2 VALUES ('root',4788250000,'tty1',NULL,'login');";
  const folders = { 'var/lib/wtmpdb/x': '', 'var/lib/lastlog/x': '' };

  needs('sqlite3')('wtmpdb and lastlog2 have their rows, with times past 2038', async () => {
    const root = fakeRoot(folders);
    printLines('sqlite3', join(root, 'var/lib/wtmpdb/wtmp.db'), WTMP);
    printLines('sqlite3', join(root, 'var/lib/lastlog/lastlog2.db'), LASTLOG);
    expect(await rowsOf(wtmpdb, { root })).toEqual([
      {
        id: 1,
        type: 1,
        username: 'reboot',
        tty: '~',
        host: '6.12.1',
        service: null,
        login: 4_102_444_800,
        logout: null,
      },
      {
        id: 2,
        type: 3,
        username: 'alice',
        tty: 'pts/0',
        host: '10.1.2.3',
        service: 'sshd',
        login: 1_788_249_600,
        logout: 1_788_253_200,
      },
    ]);
    expect(await rowsOf(lastlog2, { root })).toEqual([
      { username: 'root', time: 4_788_250_000, tty: 'tty1', host: null, service: 'login' },
    ]);
  });

  needs('sqlite3')('what still lies in a write-ahead log is said to be missing', async () => {
    const root = fakeRoot(folders);
    const file = join(root, 'var/lib/wtmpdb/wtmp.db');
    const copied = join(root, 'copy');
    mkdirSync(copied);
    const more = "INSERT INTO wtmp VALUES (3,3,'bob',1,NULL,'pts/1','','sshd');";
    printLines(
      'sqlite3',
      file,
      WTMP,
      'PRAGMA journal_mode = wal;',
      more,
      `.system cp ${file} ${file}-wal ${copied}`,
    );
    for (const name of ['wtmp.db', 'wtmp.db-wal'])
      copyFileSync(join(copied, name), join(root, 'var/lib/wtmpdb', name));
    const context = contextFor(wtmpdb, { root });
    const rows = wtmpdb.kind === 'snapshot' ? await wtmpdb.collect(context) : [];
    expect(rows.map(({ username }) => username)).toEqual(['reboot', 'alice']);
    expect(context.warnings).toEqual([expect.stringContaining('wtmp.db-wal is not read')]);
  });

  it('a host without them, and a file that is none, say so', async () => {
    const root = fakeRoot({ 'var/lib/lastlog/lastlog2.db': 'no database at all, this one' });
    await expect(rowsOf(wtmpdb, { root })).rejects.toThrow('see table last');
    await expect(rowsOf(lastlog2, { root })).rejects.toThrow(
      'cannot read /var/lib/lastlog/lastlog2.db',
    );
    await expect(rowsOf(lastlog2, { root: fakeRoot({}) })).rejects.toThrow('see table last');
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
