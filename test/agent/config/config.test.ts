import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress, parseConfig } from '../../../src/agent/index.ts';
import { renderConfig } from '../../../src/agent/config/config.ts';

const parse = (text: string) => parseConfig(text, '/s/config.yaml');

describe('configuration', () => {
  it('reads back what init writes', () => {
    const text = renderConfig({
      name: 'web1',
      listen: '127.0.0.1:7000',
      seeds: ['10.0.0.5:7411'],
      labels: { role: 'web' },
    });
    expect(parse(text)).toEqual({
      name: 'web1',
      listen: { host: '127.0.0.1', port: 7000 },
      advertise: [],
      seeds: ['10.0.0.5:7411'],
      labels: { role: 'web' },
      denyTables: [],
      allowed: { configLines: [], curlHosts: [] },
      fileEvents: new Map(),
      limits: {},
      history: { bytes: 64 * 2 ** 20, ageMs: 30 * 86_400_000 },
      actions: expect.any(Map) as unknown,
      log: 'info',
    });
  });

  it('takes backups with what is left out', () => {
    const everyMs = 86_400_000;
    expect(parse('backup: {folder: /b}').backup).toEqual({
      folder: '/b',
      everyMs,
      keep: 7,
      verify: true,
    });
    expect(parse('backup: {folder: /b, every: 12h, keep: 2, verify: false}').backup).toEqual({
      folder: '/b',
      everyMs: everyMs / 2,
      keep: 2,
      verify: false,
    });
    expect(parse('').backup).toBe(undefined);
  });

  it('takes limits under their names', () => {
    expect(parse('limits: {time_ms: 100, rows_max: 5}').limits).toEqual({
      timeMs: 100,
      rowsMax: 5,
    });
  });

  it('takes what tables may read and ask beyond the usual, and says what is not a path or host', () => {
    const { allowed } = parse('config_lines: [/etc/ssh/*]\ncurl_hosts: [a.example, "[::1]:8080"]');
    expect(allowed).toEqual({
      configLines: ['/etc/ssh/*'],
      curlHosts: ['a.example', '[::1]:8080'],
    });
    for (const wrong of ['etc/ssh', '/etc/../root/x', '/etc/./x'])
      expect(() => parse(`config_lines: [${wrong}]`), wrong).toThrow(JSON.stringify(wrong));
    for (const wrong of ['http://a.example/', 'a b', '*'])
      expect(() => parse(`curl_hosts: ["${wrong}"]`), wrong).toThrow(JSON.stringify(wrong));
    expect(() => parse('config_lines: /etc')).toThrow('"/etc" is not valid');
  });

  it('takes files to watch by name, and says what is no path', () => {
    const { fileEvents } = parse('file_events: {ssh: [/etc/ssh/**], a: [/etc/passwd, /etc/x*]}');
    expect([...fileEvents]).toEqual([
      ['ssh', ['/etc/ssh/**']],
      ['a', ['/etc/passwd', '/etc/x*']],
    ]);
    expect(() => parse('file_events: {a: [etc/x]}')).toThrow('"etc/x"');
    expect(() => parse('file_events: [/etc/x]')).toThrow('["/etc/x"] is not valid');
  });

  it('takes the bounds of the journal with their units', () => {
    const { history } = parse('history: {journal_bytes: 2GiB, journal_age: 12h}');
    expect(history).toEqual({ bytes: 2 * 2 ** 30, ageMs: 12 * 3_600_000 });
    expect(parse('history: {journal_bytes: 1048576}').history.bytes).toBe(2 ** 20);
  });

  it('takes where metrics are served and who is told of alerts', () => {
    const text = 'metrics: {listen: 127.0.0.1:9464}\nalert_webhook: {url: "https://x/s", token: t}';
    expect(parse(text)).toMatchObject({
      metrics: { listen: { host: '127.0.0.1', port: 9464 } },
      alertWebhook: { url: 'https://x/s', token: 't' },
    });
  });

  it('never lets an answer grow past what the protocol carries', () => {
    expect(parse('limits: {wait_ms: 3000000000, start_ms: 1, time_ms: 86400001}').limits).toEqual({
      waitMs: 86_400_000,
      startMs: 1,
      timeMs: 86_400_000,
    });
    expect(parse('limits: {answer_bytes_max: 99999999}').limits.answerBytesMax).toBe(
      4 * 1024 * 1024,
    );
  });

  it.each([
    ['nam: web1', '"nam"', 'keys are name'],
    ['name: "a b"', '"a b"', 'letters, digits'],
    ['listen: 7411', '7411', 'host:port'],
    ['listen: "host:99999"', 'host:99999', 'host:port'],
    ['seeds: "10.0.0.1:1"', '10.0.0.1:1', 'a list of addresses'],
    ['seeds: [nowhere]', 'nowhere', 'host:port'],
    ['labels: [a]', '["a"]', 'a map of text to text'],
    ['labels: {a: {b: c}}', '{"b":"c"}', 'a map of text to text'],
    ['limits: {rows: 5}', '{"rows":5}', 'rows_max'],
    ['limits: {rows_max: -5}', '-5', 'whole numbers'],
    ['history: {journal_bytes: 64MB}', '64MB', 'e.g. {journal_bytes: 64MiB'],
    ['history: {journal_bytes: 1KiB}', '1KiB', 'from 1MiB'],
    ['history: {journal_age: 30}', '30', 'from 1h'],
    ['history: {bytes: 1}', '{"bytes":1}', 'journal_bytes'],
    ['log: loud', '"loud"', 'debug, info, warn or error'],
    ['database: mysql://x:s3cret@y', 'what stands there', 'a PostgreSQL URL'],
    ['metrics: 9464', '9464', 'a map with the key listen'],
    ['metrics: {listen: 9464}', '{"listen":9464}', 'host:port'],
    ['metrics: {port: 9464}', '{"port":9464}', 'a map with the key listen'],
    ['alert_webhook: "ftp://x/s3cret"', 'what stands there', 'http or https'],
    ['alert_webhook: {url: "ftp://x/s3cret"}', 'what stands there', 'http or https'],
    ['alert_webhook: {url: "https://a:b@x/"}', 'what stands there', 'http or https'],
    ['alert_webhook: {url: "https://x/", token: "a b"}', 'what stands there', 'http or https'],
    ['backup: /backup', '"/backup"', 'an absolute path'],
    ['backup: {folder: backups}', '"backups"', 'an absolute path'],
    ['backup: {folder: /b, every: 1}', '"every":1', '10m to 31d'],
    ['backup: {folder: /b, every: 9m}', '9m', '10m to 31d'],
    ['backup: {folder: /b, keep: 0}', '"keep":0', '1 to 1000'],
    ['backup: {folder: /b, verify: 1}', '"verify":1', 'verify (true)'],
    ['backup: {folder: /b, kept: 1}', '"kept":1', 'e.g. {every: 1d'],
    ['- a', 'must be a map', ''],
    ['name: [', 'config.yaml', ''],
  ])('refuses %j, quoting it', (text, quoted, hint) => {
    const problem = expect.objectContaining({
      code: 'config_invalid',
      message: expect.stringContaining(quoted),
      ...(hint === '' ? {} : { hint: expect.stringContaining(hint) }),
    });
    expect(() => parse(text)).toThrow(problem);
  });

  it.each(['127.0.0.1:7411', '[::1]:7411', 'db.example:1'])('keeps the address %s', (text) => {
    expect(formatAddress(parseAddress(text)!)).toBe(text);
  });
});
