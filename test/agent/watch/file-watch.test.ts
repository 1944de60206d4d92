/** What happens to files, and what file_events says of it. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../../src/agent/index.ts';
import { EventRing } from '../../../src/agent/watch/event-ring.ts';
import { FileWatch, type FileWatchOptions } from '../../../src/agent/watch/file-watch.ts';
import { fileEvents } from '../../../src/tables/system/file-events.ts';
import { until } from '../../helpers/eventually.ts';
import { isRoot, only } from '../../helpers/needs.ts';
import { fakeRoot, contextFor, rowsOf } from '../../tables/lib/context.ts';
import { expectShape } from '../../tables/lib/shape.ts';

const log = createLog('fatal' as 'error', 'test');

async function watching(
  categories: Record<string, string[]>,
  files: Parameters<typeof fakeRoot>[0],
  more: Partial<FileWatchOptions> = {},
) {
  const root = fakeRoot(files);
  const watch = new FileWatch({
    categories: new Map(Object.entries(categories)),
    root,
    log,
    ...more,
  });
  onTestFinished(() => watch.stop());
  await watch.start();
  const events = async () => {
    await watch.settled();
    const rows = await rowsOf(fileEvents, { facts: { agent: {}, fileEvents: watch.facts()! } });
    expectShape(fileEvents, rows);
    return rows;
  };
  /** Waits for the event that the last step makes; those before it have come then. */
  const told = async (action: string, path: string) => {
    const isIt = (row: { action?: unknown; target_path?: unknown }) =>
      row.action === action && row.target_path === path;
    await until(async () => (await events()).some(isIt), `${action} ${path}`);
    return (await events()).map((row) => `${String(row.action)} ${String(row.target_path)}`);
  };
  return { at: (path: string) => join(root, path), watch, events, told };
}

test('a file is made, written, changed, replaced and removed; its neighbours are nobody’s business', async () => {
  const { at, events, told } = await watching(
    { etc: ['/etc/conf', '/etc/*.d/**'] },
    { 'etc/other': 'x', 'etc/a.d/old': 'x' },
  );
  expect(await events()).toEqual([]);
  writeFileSync(at('etc/conf'), 'one');
  await told('CREATED', '/etc/conf');
  appendFileSync(at('etc/conf'), 'two');
  await told('UPDATED', '/etc/conf');
  chmodSync(at('etc/conf'), 0o600);
  await told('ATTRIBUTES_MODIFIED', '/etc/conf');
  const sum = execFileSync('sha256sum', [at('etc/conf')], { encoding: 'utf8' }).split(' ')[0]!;
  const { ino, uid, size, mtimeMs } = statSync(at('etc/conf'));
  writeFileSync(at('etc/other'), 'whatever');
  writeFileSync(at('etc/conf.new'), 'three');
  renameSync(at('etc/conf.new'), at('etc/conf'));
  await told('MOVED_TO', '/etc/conf');
  rmSync(at('etc/conf'));
  const seen = await told('DELETED', '/etc/conf');
  expect(seen).toEqual([
    'CREATED /etc/conf',
    'UPDATED /etc/conf',
    'ATTRIBUTES_MODIFIED /etc/conf',
    'MOVED_TO /etc/conf',
    'DELETED /etc/conf',
  ]);
  const digests = (await events()).map(({ hashed, sha256 }) => [hashed, sha256]);
  expect([digests[1], digests[2], digests[4]]).toEqual([
    [1, sum],
    [0, undefined],
    [0, undefined],
  ]);
  const changed = (await events())[2]!;
  const whole = { category: 'etc', inode: ino, uid, size, mode: '0600', hashed: 0 };
  expect(changed).toMatchObject({ ...whole, mtime: Math.floor(mtimeMs / 1000) });
  // All of it is still there for the next asker.
  expect(await events()).toHaveLength(5);
});

test('folders that come later are watched, with what was in them already, and end with all of it', async () => {
  const { at, told } = await watching({ web: ['/srv/web/**'] }, { x: '' });
  mkdirSync(at('made/web/deep/er'), { recursive: true });
  writeFileSync(at('made/web/deep/er/file'), 'x');
  renameSync(at('made'), at('srv'));
  await told('CREATED', '/srv/web/deep/er/file');
  writeFileSync(at('srv/web/deep/er/second'), 'x');
  await told('CREATED', '/srv/web/deep/er/second');
  rmSync(at('srv'), { recursive: true });
  const seen = await told('DELETED', '/srv/web/deep/er/second');
  expect(seen).toContain('DELETED /srv/web/deep/er/file');
  mkdirSync(at('srv/web'), { recursive: true });
  writeFileSync(at('srv/web/again'), 'x');
  await told('CREATED', '/srv/web/again');
});

test('links are watched as links, and lead nowhere', async () => {
  const { at, told } = await watching({ a: ['/etc/**'] }, { 'etc/x': '', 'out/secret': 'x' });
  symlinkSync('../out', at('etc/link'));
  await told('CREATED', '/etc/link');
  writeFileSync(at('out/secret'), 'y');
  rmSync(at('etc/x'));
  const seen = await told('DELETED', '/etc/x');
  expect(seen).toEqual(['CREATED /etc/link', 'DELETED /etc/x']);
});

test('more events than are kept: the newest stay, and a first row says how many are lost', async () => {
  const { at, events, told } = await watching({ a: ['/d/*'] }, { 'd/x': '' }, { eventsMax: 3 });
  for (const name of ['1', '2', '3', '4', '5']) {
    writeFileSync(at(`d/${name}`), '');
    await told('CREATED', `/d/${name}`);
  }
  const rows = await events();
  expect(rows.map(({ action, target_path }) => [action, target_path])).toEqual([
    ['OVERFLOW', undefined],
    ['CREATED', '/d/3'],
    ['CREATED', '/d/4'],
    ['CREATED', '/d/5'],
  ]);
  expect(rows[0]).toMatchObject({
    transaction_id: 2,
    hashed: 0,
    time: expect.any(Number) as number,
  });
});

test('what is not watched is told of: too many folders; a host that names none has no such table', async () => {
  const { watch } = await watching({ a: ['/d/**'] }, { 'd/e/f/x': '' }, { foldersMax: 3 });
  const context = contextFor(fileEvents, { facts: { agent: {}, fileEvents: watch.facts()! } });
  if (fileEvents.kind === 'snapshot') await fileEvents.collect(context);
  expect(context.warnings).toEqual([expect.stringContaining('/d/e/f and others are not')]);
  const none = new FileWatch({ categories: new Map(), root: '/', log });
  await none.start();
  expect(none.facts()).toBeUndefined();
  await expect(rowsOf(fileEvents)).rejects.toThrow('file_events: {ssh: [/etc/ssh/**]}');
});

test('a ring keeps the newest in order, whatever comes', () => {
  const ring = new EventRing(3);
  const times = () => ring.rows().map(({ time }) => time);
  for (let time = 1; time <= 8; time++) {
    ring.push({ time });
    const first = Math.max(1, time - 2);
    expect(times()).toEqual(Array.from({ length: time - first + 1 }, (_, at) => first + at));
    expect(ring.lost).toEqual({ count: Math.max(0, time - 3), atS: Math.max(0, time - 3) });
  }
});

test('a folder that another takes the place of within a moment is watched as the other', async () => {
  const { at, events, told } = await watching({ a: ['/d/**'] }, { 'd/e/x': 'x' });
  const before = await events();
  renameSync(at('d/e'), at('gone'));
  mkdirSync(at('d/e'));
  await told('MOVED_TO', '/d/e');
  writeFileSync(at('d/e/new'), 'x');
  await told('CREATED', '/d/e/new');
  writeFileSync(at('gone/x'), 'longer');
  writeFileSync(at('d/e/last'), 'x');
  const seen = await told('CREATED', '/d/e/last');
  expect(before).toEqual([]);
  expect(seen).toEqual([
    'MOVED_TO /d/e',
    'DELETED /d/e/x',
    'CREATED /d/e/new',
    'CREATED /d/e/last',
  ]);
});

test('a name that is not UTF-8 is no event of another file, and told of', async () => {
  const { at, told, watch } = await watching({ a: ['/d/*'] }, { 'd/x': 'x' });
  const odd = Buffer.concat([Buffer.from(at('d/')), Buffer.from([0x61, 0xff])]);
  writeFileSync(odd, 'x');
  rmSync(odd);
  writeFileSync(at('d/last'), 'x');
  expect(await told('CREATED', '/d/last')).toEqual(['CREATED /d/last']);
  expect(watch.facts()!.problems).toEqual([expect.stringContaining('/d/a\ufffd')]);
});

test('a path through a link is told of; links that a wildcard meets are not', async () => {
  const root = { 'usr/bin/x': 'x', 'var/spool/x': '' };
  const { at, told, watch } = await watching({ a: ['/bin/*', '/var/**', '/srv/*/conf'] }, root);
  symlinkSync('usr/bin', at('bin'));
  symlinkSync('spool', at('var/mail'));
  mkdirSync(at('srv'));
  symlinkSync('../usr', at('srv/one'));
  writeFileSync(at('var/last'), 'x');
  await told('CREATED', '/var/last');
  const isTold = () => watch.facts()!.problems.length > 0;
  await until(isTold, 'the problem');
  expect(watch.facts()!.problems).toEqual([
    'nothing behind /bin is watched, as it is a link: name what it leads to under file_events',
  ]);
});

only(isRoot, 'as root')(
  'what may not be looked at any more is told of, and not as gone',
  async () => {
    const root = fakeRoot({ 'd/x': 'x' });
    chmodSync(root, 0o755);
    process.seteuid!(65534);
    try {
      const watch = new FileWatch({ categories: new Map([['a', ['/d/*']]]), root, log });
      onTestFinished(() => watch.stop());
      await watch.start();
      process.seteuid!(0);
      chmodSync(join(root, 'd'), 0o644);
      appendFileSync(join(root, 'd/x'), 'y');
      process.seteuid!(65534);
      const told = (): boolean => watch.facts()!.problems.length + watch.facts()!.events.length > 0;
      await until(told, 'anything');
      expect(watch.facts()).toEqual({
        events: [],
        problems: [expect.stringContaining('/d/x is not watched: EACCES')],
      });
    } finally {
      process.seteuid!(0);
    }
  },
);
