/** Limits hold from outside, whoever has come to obey them, and one asker's are not another's. */
import { execFileSync } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { Fixture } from './fixture.ts';
import { isRoot, only } from '../helpers/needs.ts';
import { until } from '../helpers/eventually.ts';

const open: Fixture[] = [];
afterEach(async () => {
  for (const fixture of open.splice(0)) await fixture.close();
});

function fixtureWith(...args: ConstructorParameters<typeof Fixture>): Fixture {
  const fixture = new Fixture(...args);
  open.push(fixture);
  return fixture;
}

const ENDLESS =
  'with recursive r(x) as (select 1 union all select x + 1 from r) select count(*) from r';
/** Look-ahead is what V8's linear-time engine has not: this backtracks for ages in one call. */
const STUCK = `select regex_match('${'a'.repeat(60)}!', '(?=a)(a+)+$', 0)`;

/** A fixture whose processes wait for the named pipe `gate` before they are ready. */
function behindGate(limits: ConstructorParameters<typeof Fixture>[0]) {
  const pipes = fixtureWith();
  const gate = join(pipes.root, 'gate');
  execFileSync('mkfifo', [gate]);
  const registry = new URL(`./fixtures/slow-start.mjs?gate=${gate}`, import.meta.url).href;
  const fixture = fixtureWith(limits, {
    registry,
    facts: () => ({ members: [{ host: 'a' }], agent: {} }),
  });
  return { fixture, gate };
}

/** Opens the other end of a named pipe as often as somebody comes to it, until `then`. */
async function openUntil<T>(pipe: string, then: Promise<T>): Promise<T> {
  let isOver = false;
  const over = then.finally(() => (isOver = true));
  over.catch(() => undefined);
  while (!isOver) {
    // ENXIO while nobody is there.
    await openFile(pipe, constants.O_WRONLY | constants.O_NONBLOCK)
      .then((file) => file.close())
      .catch(() => undefined);
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 20))]);
  }
  return then;
}

describe('the clock of a query', () => {
  test('begins when its process is ready, and holds in the first query as in any other', async () => {
    const fixture = fixtureWith();
    const ended: string[] = [];
    const first = fixture
      .error(STUCK, { asker: 'a', timeMs: 300 })
      .finally(() => ended.push('stuck'));
    const second = fixture
      .error(ENDLESS, { asker: 'b', timeMs: 8_000 })
      .finally(() => ended.push('endless'));
    expect(await first).toMatch(/^time_limit: the query was ended after its 300 ms;/);
    expect(await second).toMatch(/^time_limit: the limit of 8000 ms/);
    expect(ended).toEqual(['stuck', 'endless']);
  });

  test('is what the query asks for, up to the most that the host gives, and what to change is said', async () => {
    const host = fixtureWith({ timeMs: 200, timeMsMax: 600 });
    expect(await host.error(ENDLESS)).toBe(
      'time_limit: the limit of 200 ms was over; narrow the query, or ask with a longer --timeout: ' +
        'this host gives up to 600 ms',
    );
    expect(await host.error(ENDLESS, { timeMs: 60_000 })).toBe(
      'time_limit: the limit of 600 ms was over; narrow the query, or give it more time by ' +
        'limits.time_ms_max in config.yaml of the host and a --timeout as long',
    );
  });

  test('over, the rows that came are given, and it is said that they are not all', async () => {
    const host = fixtureWith({ timeMs: 400, rowsMax: 1_000_000 });
    const { rows, truncated, warnings } = await host.runner.run(
      'with recursive r(x) as (select 1 union all select x + 1 from r) select x from r where x < 3',
    );
    expect(rows).toEqual([[1], [2]]);
    expect(truncated).toBe(true);
    expect(warnings).toEqual([
      `truncated: the limit of 400 ms was over; narrow the query, or give it more time by ` +
        'limits.time_ms_max in config.yaml of the host and a --timeout as long; ' +
        'it had given 2 rows',
    ]);
  });

  test('does not run while its process starts: the first query on a slow machine succeeds', async () => {
    const { fixture, gate } = behindGate({ timeMs: 300 });
    const first = fixture.runner.run('select 1', { asker: 'a' });
    // A clock: when it has waited in vain, the limit of the first is over long since.
    expect(await fixture.error('select 2', { asker: 'b', waitMs: 2_000 })).toBe(
      'busy: waited 2000 ms for a query process to start; ask again later',
    );
    expect((await openUntil(gate, first)).rows).toEqual([[1]]);
  });

  test('a process that starts slowly is not started again for the next query', async () => {
    const { fixture, gate } = behindGate({});
    expect(await fixture.error('select 1', { waitMs: 1_000 })).toMatch(/^busy: waited 1000 ms/);
    const pid = fixture.values('select pid from facts');
    expect(await openUntil(gate, pid)).toEqual(readFileSync(`${gate}.pid`, 'utf8').match(/\d+/g));
  });

  test('a process that never comes to start ends what waits for it, and is ended', async () => {
    const { fixture, gate } = behindGate({ startMs: 1_500 });
    expect(await fixture.error('select 1')).toBe(
      'busy: the query process was not ready within 1500 ms; ask again later, ' +
        'or give it more with limits.start_ms in config.yaml',
    );
    const [pid] = readFileSync(`${gate}.pid`, 'utf8').match(/\d+/g) ?? [];
    await gone(Number(pid));
  });

  test('does not run while a collector loads its library', async () => {
    const fixture = fixtureWith();
    execFileSync('mkfifo', [join(fixture.root, 'library')]);
    const loading = fixture.runner.run('select pid from librarian', { asker: 'a', timeMs: 300 });
    // A clock again.
    expect(await fixture.error('select * from slow', { asker: 'b', timeMs: 2_000 })).toMatch(
      /^time_limit: the limit of 2000 ms/,
    );
    const library = join(fixture.root, 'library');
    expect((await openUntil(library, loading)).rows).toHaveLength(1);
  });
});

describe('an asker', () => {
  test('with many slow queries keeps no other one waiting, nor what the host does itself', async () => {
    const fixture = fixtureWith({ timeMs: 60_000 });
    const [abort, ended] = [new AbortController(), [] as string[]];
    setMaxListeners(0, abort.signal);
    const flood = (asker: string, count: number) =>
      Array.from({ length: count }, () =>
        fixture.error(ENDLESS, { asker, signal: abort.signal }).finally(() => ended.push(asker)),
      );
    const slow = flood('a', 30);
    expect((await fixture.runner.run('select 1', { asker: 'b' })).rows).toEqual([[1]]);
    slow.push(...flood('c', 30));
    expect((await fixture.runner.prepare('select 1 as one')).columns).toEqual(['one']);
    expect((await fixture.runner.explain('select * from people')).tables).toHaveLength(1);
    expect((await fixture.runner.take('people')).rows).toHaveLength(5);
    expect(ended).toEqual([]);
    abort.abort();
    expect(new Set(await Promise.all(slow))).toEqual(
      new Set(['cancelled: the query was cancelled']),
    );
  });

  test('that waits in vain is told for what', async () => {
    const fixture = fixtureWith({ runningMax: 1, timeMs: 60_000 });
    const abort = new AbortController();
    const running = fixture.error(ENDLESS, { asker: 'a', signal: abort.signal });
    expect(await fixture.error('select 1', { asker: 'a', waitMs: 300 })).toBe(
      'busy: waited 300 ms for its turn (running here: 1, of the same asker: 1); ask again later',
    );
    abort.abort();
    expect(await running).toMatch(/^cancelled/);
  });

  test('that has used its time up waits for more of it, and nobody else does', async () => {
    const fixture = fixtureWith();
    const share = { asker: 'a', msPerMinute: 100 };
    expect(await fixture.error(ENDLESS, { ...share, timeMs: 400 })).toMatch(/^time_limit/);
    expect(await fixture.error('select 1', { ...share, waitMs: 200 })).toBe(
      'busy: waited 200 ms for time: the queries of this asker have used theirs up here; ask again later',
    );
    expect((await fixture.runner.run('select 2', { asker: 'b' })).rows).toEqual([[2]]);
    expect((await fixture.runner.take('people')).rows).toHaveLength(5);
    // 300 ms at once, then 100 a minute: a little more than that was used.
    const slow = { asker: 'c', msPerMinute: 60_000 };
    expect(await fixture.error(ENDLESS, { ...slow, timeMs: 300 })).toMatch(/^time_limit/);
    expect((await fixture.runner.run('select 3', slow)).rows).toEqual([[3]]);
  });

  test('whose query is killed takes nobody with it', async () => {
    const fixture = fixtureWith({ runningMax: 1 });
    const others = [
      fixture.runner.run('select count(*) from numbers where n < 300000', { asker: 'b' }),
      fixture.runner.run('select 2', { asker: 'b' }),
      fixture.runner.run('select 3', { asker: 'c' }),
    ];
    const stuck = ['a', 'a', 'a'].map((asker) => fixture.error(STUCK, { asker, timeMs: 300 }));
    for (const error of await Promise.all(stuck)) expect(error).toMatch(/^time_limit/);
    const rows = (await Promise.all(others)).map((it) => it.rows);
    expect(rows).toEqual([[[300_000]], [[2]], [[3]]]);
  });
});

describe('whatever the process does', () => {
  test.each([
    ['regular expression', 300, STUCK],
    [
      'instr',
      300,
      "select instr(printf('%.*c', 8000000, 'a'), printf('%.*c', 4000000, 'a') || 'b')",
    ],
    ['count', 300, ENDLESS],
    [
      'group_concat',
      300,
      `${ENDLESS.replace('count(*)', 'group_concat(x % 2)')} where x % 1000000 = 0`,
    ],
    // It takes some 200 ms, and many times that under load; the process is killed 500 ms after its limit.
    ['preparing', 10, `select ${'('.repeat(300)}1${')'.repeat(300)} from ${cross(30)}`],
  ] as const)('a %s without end ends at its limit of %i ms', async (_, timeMs, sql) => {
    const fixture = fixtureWith();
    const error = await fixture.error(sql, { timeMs });
    expect(error).toMatch(new RegExp(`^time_limit: .*\\b${timeMs} ms`));
    expect(await fixture.values('select 1')).toEqual([1]);
  });

  test('memory outside of V8 and SQLite is bounded as well', async () => {
    const fixture = fixtureWith({ timeMs: 60_000 });
    expect(await fixture.error('select * from hoarding')).toMatch(/^memory_limit: /);
    expect(await fixture.values('select 1')).toEqual([1]);
  });

  test('more rows than the limit are not taken from it', async () => {
    const registry = new URL('./fixtures/boundless.mjs', import.meta.url).href;
    const fixture = fixtureWith({ rowsMax: 2_000 }, { registry });
    expect(await fixture.error('select 1')).toBe(
      'failed: the query process sent more rows than it may',
    );
  });

  test('programs that it started end with it', async () => {
    const fixture = fixtureWith({ timeMs: 1_500 });
    expect(await fixture.error('select * from programs')).toMatch(/^time_limit/);
    await gone(Number(readFileSync(join(fixture.root, 'program.pid'), 'utf8')));
  });

  only(
    existsSync('/sys/fs/cgroup/freezer/cgroup.procs') && isRoot,
    'as root with a freezer cgroup',
  )('a table in which the kernel holds processes is not read until it lets them go', async () => {
    const fixture = fixtureWith({ timeMs: 1_000 });
    const freezer = `/sys/fs/cgroup/freezer/swarmplane-${process.pid}`;
    mkdirSync(freezer);
    onTestFinished(async () => {
      writeFileSync(`${freezer}/freezer.state`, 'THAWED');
      await emptied(freezer);
      rmdirSync(freezer);
    });
    writeFileSync(`${freezer}/freezer.state`, 'FROZEN');
    writeFileSync(join(fixture.root, 'freezer'), freezer);
    for (let tries = 0; tries < 2; tries++) {
      expect(await fixture.error('select * from frozen')).toMatch(/^time_limit: .*"frozen"/);
    }
    expect(await fixture.error('select * from frozen')).toMatch(
      /^table_unavailable: table "frozen": processes that read it were ended and are still held/,
    );
    expect(await fixture.values('select 1')).toEqual([1]);
    writeFileSync(`${freezer}/freezer.state`, 'THAWED');
    await emptied(freezer);
    let error = '';
    do error = await fixture.error('select * from frozen');
    while (error.startsWith('table_unavailable'));
    expect(error).toMatch(/^time_limit: .*"frozen"/);
    await fixture.close();
  });
});

function cross(count: number): string {
  return Array.from({ length: count }, (_, n) => `people p${n}`).join();
}

/** Resolves when no process is left in the control group. */
async function emptied(folder: string): Promise<void> {
  await until(() => readFileSync(`${folder}/cgroup.procs`, 'utf8') === '', `${folder} is empty`);
}

/** Resolves when the process has ended, reaped or not. */
async function gone(pid: number): Promise<void> {
  expect(pid).toBeGreaterThan(1);
  const hasEnded = (): boolean => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    } catch {
      return true;
    }
  };
  await until(hasEnded, `process ${pid} ends`);
}
