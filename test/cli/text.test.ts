import { describe, expect, it } from 'vitest';
import { accountLine, isComplete, problemLines } from '../../src/cli/account.ts';
import { parseDuration, parseList } from '../../src/cli/options.ts';
import { RowPrinter } from '../../src/cli/row-printer.ts';
import { cell, csvLine, json, table } from '../../src/cli/text.ts';
import type { Account, HostOutcome } from '../../src/agent/index.ts';

const host = (
  name: string,
  state: HostOutcome['state'],
  more: Partial<HostOutcome> = {},
): HostOutcome => ({
  nodeId: name.repeat(8),
  name,
  state,
  rowCount: 1,
  truncated: false,
  ...more,
});
const account = (hosts: HostOutcome[], unexpected: HostOutcome[] = []): Account => ({
  requestId: '00',
  hosts,
  unexpected,
});

describe('text', () => {
  it('prints a table as wide as its values', () => {
    expect(
      table(
        ['host', 'n'],
        [
          ['a', 1],
          ['long name', null],
        ],
      ),
    ).toBe(' host      | n\n-----------+---\n a         | 1\n long name |\n');
  });

  it('shows control characters of other hosts instead of obeying them', () => {
    expect(cell('a\u001b[31mb\nc\u202e')).toBe('a\\u001b[31mb\\nc\\u202e');
    expect(cell(new Uint8Array([0, 255]))).toBe('\\x00ff');
  });

  it('writes JSON that says the same and holds nothing raw', () => {
    const rows = [{ '\u009b1m': '\u001b[2J\u202e\u0085' }];
    expect(json(rows)).toBe('[{"\\u009b1m":"\\u001b[2J\\u202e\\u0085"}]');
    expect(JSON.parse(json(rows))).toEqual(rows);
  });

  it('quotes CSV as RFC 4180 says', () => {
    expect(csvLine(['a,b', 'say "x"', null, 'two\nlines', 5])).toBe(
      '"a,b","say ""x""",,"two\nlines",5\n',
    );
  });

  it('keeps 64-bit integers whole in JSON', () => {
    expect(json({ n: 9007199254740993n, b: new Uint8Array([1]), u: undefined })).toBe(
      '{"n":9007199254740993,"b":"\\\\x01"}',
    );
  });
});

describe('rows as they come', () => {
  const print = (format: 'table' | 'csv' | 'json', use: (printer: RowPrinter) => void): string => {
    let out = '';
    const printer = new RowPrinter(format, (text) => void (out += text));
    use(printer);
    printer.end();
    return out;
  };

  it('sorts by host what came together, and counts', () => {
    const out = print('table', (p) => {
      p.add(['host', 'v'], [['b', 1]]);
      p.add(['host', 'v'], [['a', 2]]);
    });
    expect(out).toBe(' host | v\n------+---\n a    | 2\n b    | 1\n(2 rows)\n');
  });

  it('matches columns of hosts of another version by name', () => {
    const out = print('csv', (p) => {
      p.add(['host', 'v', 'w'], [['a', 1, 2]]);
      p.add(['host', 'w'], [['b', 3]]);
    });
    expect(out).toBe('host,v,w\na,1,2\nb,,3\n');
  });

  it('is valid JSON with rows and without', () => {
    expect(
      JSON.parse(
        print('json', (p) =>
          p.add(
            ['host', 'v'],
            [
              ['a', 1],
              ['a', null],
            ],
          ),
        ),
      ),
    ).toEqual([
      { host: 'a', v: 1 },
      { host: 'a', v: null },
    ]);
    expect(JSON.parse(print('json', () => {}))).toEqual([]);
  });
});

describe('account', () => {
  it('counts hosts by their end and names those without rows', () => {
    const all = account([
      host('demo1', 'ok'),
      host('demo2', 'ok'),
      host('demo4', 'ok'),
      host('demo3', 'unreachable'),
    ]);
    expect(accountLine(all)).toBe('4 hosts: 3 ok, 1 unreachable (demo3)');
    expect(isComplete(all)).toBe(false);
  });

  it('is not complete when rows were left out, and says whose', () => {
    const all = account([host('a', 'ok', { truncated: true })], [host('x', 'ok')]);
    expect(accountLine(all)).toBe('1 host: 1 ok, 1 truncated (a), 1 unexpected (x)');
    expect(isComplete(all)).toBe(false);
    expect(isComplete(account([host('a', 'ok')]))).toBe(true);
    expect(isComplete(account([]))).toBe(false);
  });

  it('names at most eight hosts', () => {
    const many = account(Array.from({ length: 12 }, (_, i) => host(`h${i}`, 'timeout')));
    expect(accountLine(many)).toBe(
      '12 hosts: 12 timeout (h0, h1, h2, h3, h4, h5, h6, h7 and 4 more)',
    );
  });

  it('gives the reason of each host that has one', () => {
    const all = account([
      host('a', 'error', { code: 'table_unavailable', message: 'systemd\nis not running' }),
    ]);
    expect(problemLines(all)).toEqual(['a: error: systemd\\nis not running']);
  });

  it('tells what several hosts said once, with how many they are', () => {
    const refused = (name: string) => host(name, 'refused', { message: 'it is sensitive' });
    const all = account([
      refused('a'),
      host('x', 'error', { message: 'it is sensitive' }),
      refused('b'),
      host('y', 'ok'),
    ]);
    expect(problemLines(all)).toEqual([
      '2 hosts (a, b): refused: it is sensitive',
      'x: error: it is sensitive',
    ]);
    const many = account(Array.from({ length: 200 }, (_, i) => refused(`h${i}`)));
    expect(problemLines(many)).toEqual(['200 hosts: refused: it is sensitive']);
  });
});

describe('options', () => {
  it.each([
    ['500ms', 500],
    ['2', 2_000],
    ['1.5s', 1_500],
    ['2m', 120_000],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', 'soon', '0s', '-1s', '1e3'])('refuses the duration %j, quoting it', (text) => {
    expect(() => parseDuration(text)).toThrow(JSON.stringify(text));
  });

  it('never takes an empty name for all', () => {
    expect(parseList('a, b', 'host name')).toEqual(['a', 'b']);
    for (const text of ['', 'a,,b', ','])
      expect(() => parseList(text, 'host name')).toThrow('empty host name');
  });
});
