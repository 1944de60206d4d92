/** journal beside journalctl of a real systemd, with odd entries. */
import { expect, test } from 'vitest';

import { grepOf, journal, narrowing, parseEntries } from '../../../src/tables/system/journal.ts';
import type { Constraint } from '../../../src/tables/types.ts';
import { boot, canBoot } from '../../helpers/booted.ts';
import { only } from '../../helpers/needs.ts';
import { eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

const ODD = [
  '100% of it [a-z]+ (b) "c" \\d $x',
  '-n',
  'zwei\nZeilen',
  'grüße',
  'GRÜSSE an ALLE',
  'a_c',
];

only(canBoot(), 'as root where a systemd can be started')(
  'entries are those of journalctl, all of them and those that are asked for',
  async () => {
    const machine = await boot();
    try {
      for (const [at, text] of ODD.entries())
        machine.print('systemd-cat', '-t', 'odd', '-p', String(at), 'printf', '%s', text);
      machine.print(
        'systemd-run',
        '--wait',
        '--unit=spoke',
        'sh',
        '-c',
        'echo from a unit; exit 0',
      );
      machine.print('journalctl', '--sync');
      const cursors = (...args: string[]) =>
        machine
          .print('journalctl', '--quiet', '--output=json', '--output-fields=__CURSOR', ...args)
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => (JSON.parse(line) as { __CURSOR: string }).__CURSOR);
      const of = (rows: readonly Record<string, unknown>[]) =>
        rows.map(({ cursor }) => cursor).sort();
      // What is asked of journalctl is read after the table, so nothing of the table's is missing there.
      const all = machine.rows('journal').rows;
      const theirs = new Set(cursors());
      expect(all.length).toBeGreaterThan(ODD.length);
      expect(all.filter(({ cursor }) => !theirs.has(String(cursor)))).toEqual([]);
      const odd = all.filter(({ identifier }) => identifier === 'odd');
      // A journal takes a text of two lines from a stream as two entries.
      expect(odd.map(({ message }) => message).sort()).toEqual(
        ODD.flatMap((text) => text.split('\n')).sort(),
      );
      const time = Number(odd[0]!.time);
      const [unit, priority, at, later, like, ...exact] = machine
        .scans('journal', [
          [eq('unit', 'spoke.service')],
          [{ column: 'priority', op: 'le', value: 2 }],
          [
            { column: 'time', op: 'ge', value: time },
            { column: 'time', op: 'le', value: time },
          ],
          [{ column: 'time', op: 'gt', value: time + 1000 }],
          [{ column: 'message', op: 'like', value: '%GRÜ%an alle%' }],
          ...odd.map(({ message }) => [eq('message', message as string)]),
        ])
        .map(({ rows }) => rows);
      expectShape(journal, [...all, ...unit!]);
      expect(of(unit!)).toEqual(cursors('-u', 'spoke.service').sort());
      expect(of(priority!)).toEqual(cursors('-p', '2').sort());
      expect(of(at!)).toEqual(expect.arrayContaining(of(odd.filter((row) => row.time === time))));
      expect(later).toEqual([]);
      expect(like!.map(({ message }) => message)).toEqual(['GRÜSSE an ALLE']);
      for (const [number, { cursor }] of odd.entries())
        expect(of(exact[number]!)).toContain(cursor);
    } finally {
      machine.stop();
    }
  },
);

test('what narrows is told to journalctl only where it leaves nothing out', () => {
  const told = (...constraints: Constraint[]) => narrowing({ constraints });
  expect(told()).toEqual([]);
  expect(told(eq('unit', 'a@b\\x2d.service'))).toEqual(['--unit=a@b\\x2d.service']);
  // journalctl would take them for a pattern, an option or a name to be completed.
  for (const unit of ['', 'ssh', '*.service', '-x', 'a b.service'])
    expect(told(eq('unit', unit))).toEqual([]);
  expect(
    told({ column: 'time', op: 'gt', value: 10 }, { column: 'time', op: 'lt', value: 20 }),
  ).toEqual(['--since=@10', '--until=@21']);
  expect(told(eq('priority', 3))).toEqual(['--priority=3..3']);
  expect(told(eq('priority', 9))).toEqual([]);
  const grep = (op: 'eq' | 'like', value: string) =>
    grepOf({ constraints: [{ column: 'message', op, value }] });
  expect(grep('like', '%a.b_long word%')).toEqual(['--grep=long word', '--case-sensitive=no']);
  expect(grep('eq', 'a.b')).toEqual(['--grep=a\\.b', '--case-sensitive=no']);
  expect(grep('like', '%')).toEqual([]);
});

test('messages of bytes, fields given twice, and what is missing', () => {
  const line = (fields: object) => `${JSON.stringify({ __CURSOR: 'c', ...fields })}\n`;
  const rows = parseEntries(
    line({
      __REALTIME_TIMESTAMP: '1795932585848915',
      MESSAGE: [104, 105, 0xff],
      _PID: ['7', '8'],
    }) + line({ MESSAGE: null, _PID: '1', UNIT: 'a.service', _SYSTEMD_UNIT: 'init.scope' }),
  );
  expectShape(journal, rows);
  expect(rows).toMatchObject([
    { time: 1_795_932_585, usec: 1_795_932_585_848_915, message: 'hi\ufffd', pid: 7 },
    { message: null, unit: 'a.service', time: null },
  ]);
});

test('what is no entry is an error that quotes it', () => {
  for (const odd of ['Hint: you are not', 'null', '[1]'])
    expect(() => parseEntries(`${odd}\n`)).toThrow(
      `journalctl printed ${JSON.stringify(odd)}, which is not the JSON that it should be`,
    );
});

test('a host without a journal says so', async () => {
  await expect(rowsOf(journal, { root: fakeRoot({}) })).rejects.toThrow('keeps no journal');
});
