/**
 * process_events and socket_events of a log that auditd 3.0.9 wrote (log_format ENRICHED) as a shell and
 * Python did what stands below, beside what `ausearch -i` read from the same log.
 */
import { appendFileSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { processEvents } from '../../../src/tables/system/process-events.ts';
import { socketEvents } from '../../../src/tables/system/socket-events.ts';
import type { HostTable, Row } from '../../../src/tables/types.ts';
import { contextFor, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

const LOG = readFileSync(join(import.meta.dirname, 'audit-log.txt'), 'utf8');
const host = (files: Record<string, string>) => ({ root: fakeRoot(files) });

test('programs that were started: /bin/echo twice, env and what it starts, python3; none that failed', async () => {
  const rows = await rowsOf(
    processEvents,
    host({ 'var/log/audit/audit.log': LOG, 'proc/stat': 'btime 1795933600\n' }),
  );
  expectShape(processEvents, rows);
  expect(rows.map(({ path, cmdline, pid, parent }) => [path, cmdline, pid, parent])).toEqual([
    ['/usr/bin/echo', '/bin/echo plain', 17284, 17283],
    ['/usr/bin/echo', '/bin/echo a b q"uo ü ', 17285, 17283],
    ['/usr/bin/env', '/usr/bin/env -i X=1 /bin/true', 17287, 17283],
    ['/usr/bin/true', '/bin/true', 17287, 17283],
    ['/usr/bin/python3.11', 'python3 -', 17288, 17283],
  ]);
  expect(rows[0]).toMatchObject({
    mode: '0100755',
    cwd: '/usr',
    auid: 4_294_967_295,
    uid: 4242,
    egid: 4243,
    owner_uid: 0,
    time: 1_795_933_668,
    uptime: 68,
    eid: '1795933668.659:16',
    syscall: 'execve',
  });
});

test('sockets: addresses of three families, on the side that they are, and how it ended', async () => {
  const rows = await rowsOf(socketEvents, host({ 'var/log/audit/audit.log': LOG }));
  expectShape(socketEvents, rows);
  const side = (row: Row) => [
    row.action,
    row.family,
    [row.local_address, row.local_port],
    [row.remote_address, row.remote_port],
    row.socket,
    row.status,
  ];
  expect(rows.map(side)).toEqual([
    ['connect', 2, ['', 0], ['127.0.0.1', 9], '', 'failed'],
    ['bind', 10, ['::1', 0], ['', 0], '', 'succeeded'],
    ['connect', 10, ['', 0], ['::1', 48567], '', 'succeeded'],
    ['accept', 10, ['', 0], ['::1', 56754], '', 'succeeded'],
    ['connect', 1, ['', 0], ['', 0], '/tmp/nope sock', 'failed'],
    ['bind', 1, ['', 0], ['', 0], '@abstract', 'succeeded'],
  ]);
  expect(rows[3]).toMatchObject({ fd: '4', pid: 17288, path: '/usr/bin/python3.11', uptime: null });
});

test('rotated files come first, and records of an event that others part belong together', async () => {
  const lines = LOG.split('\n').filter((line) => line !== '');
  const half = lines.findIndex((line) => line.includes(':19)'));
  const parts = {
    'var/log/audit/audit.log.1': `${lines.slice(0, half).join('\n')}\n`,
    'var/log/audit/audit.log': `${lines.slice(half).join('\n')}\n`,
  };
  const whole = await rowsOf(processEvents, host({ 'var/log/audit/audit.log': LOG }));
  expect(await rowsOf(processEvents, host(parts))).toEqual(whole);
  const system = lines.filter((line) => line.startsWith('type=SYSCALL'));
  const others = lines.filter((line) => !line.startsWith('type=SYSCALL'));
  const mixed = `node=a ${[...system, ...others].join('\nnode=a ')}\ntorn li`;
  expect(await rowsOf(processEvents, host({ 'var/log/audit/audit.log': mixed }))).toEqual(whole);
});

test('an argument in parts and over records', async () => {
  const id = 'audit(1700000000.001:7):';
  const log =
    `type=SYSCALL msg=${id} arch=c00000b7 syscall=221 success=yes exit=0 ppid=1 pid=2 exe="/bin/x"\n` +
    `type=EXECVE msg=${id} argc=3 a0="x" a1_len=4 a1[0]=6162\n` +
    `type=EXECVE msg=${id} a1[1]=6364 a2=(null)\n`;
  const [row] = await rowsOf(processEvents, host({ 'var/log/audit/audit.log': log }));
  expect(row).toMatchObject({ cmdline: 'x abcd ', cmdline_size: 7, cwd: null, mode: null });
});

test('the newest 10,000 are shown after a row that counts the others; none and no log say how there would be some', async () => {
  const many = Array.from(
    { length: 10_050 },
    (_, at) =>
      `type=SYSCALL msg=audit(1700000000.001:${at}): arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=${at} exe="/bin/x"`,
  );
  const warned = async (table: HostTable, log: string) => {
    const context = contextFor(table, host({ 'var/log/audit/audit.log': log }));
    const rows = table.kind === 'snapshot' ? await table.collect(context) : [];
    return { rows, warnings: context.warnings };
  };
  const { rows, warnings } = await warned(processEvents, many.join('\n'));
  expect([rows.length, rows[1]!.pid]).toEqual([10_001, 50]);
  expect(rows[0]).toEqual({ syscall: 'overflow', overflows: '50', time: 1_700_000_000 });
  expect(warnings).toEqual([expect.stringContaining('newest 10000 events: 50 older ones')]);
  const files = { 'var/log/audit/audit.log': many.slice(6_000).join('\n') };
  const rotated = { ...files, 'var/log/audit/audit.log.1': many.slice(0, 6_000).join('\n') };
  expect(await rowsOf(processEvents, host(rotated))).toEqual(rows);
  const connects = many.map((line) =>
    line
      .replace('syscall=59', 'syscall=42')
      .concat('\n', line.replace(/SYSCALL (msg=\S+) .*/, 'SOCKADDR $1 saddr=0200000901020304')),
  );
  const sockets = await warned(socketEvents, connects.join('\n'));
  expect(sockets.rows[0]).toEqual({ action: 'overflow', status: '50 lost', time: 1_700_000_000 });
  expect(sockets.rows).toHaveLength(10_001);
  const none = await warned(socketEvents, many[0]!);
  expect(none).toEqual({ rows: [], warnings: [expect.stringContaining('-S bind,connect')] });
  await expect(rowsOf(processEvents, host({}))).rejects.toThrow(
    /no such file; this table is auditd’s log: install package auditd .* -S execve,execveat$/,
  );
});

test('of a log longer than is read the newest events are shown', async () => {
  const files = host({ 'var/log/audit/audit.log': LOG });
  const whole = await rowsOf(processEvents, files);
  const path = join(files.root, 'var/log/audit/audit.log');
  truncateSync(path, 80 * 1024 * 1024);
  appendFileSync(path, `\n${LOG}`);
  const context = contextFor(processEvents, files);
  expect(processEvents.kind === 'snapshot' && (await processEvents.collect(context))).toEqual(
    whole,
  );
  expect(context.warnings).toEqual([expect.stringContaining('only the last 67108864 bytes')]);
});
