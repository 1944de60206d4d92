import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { Fixture } from './fixture.ts';
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
const members = () => ({ members: [{ host: 'a' }], links: [], alarms: [], agent: {} });
const index = new URL('../../dist/query/index.js', import.meta.url).href;
const tables = new URL('./fixtures/tables.mjs', import.meta.url).href;

/** Runs a module in a process of its own, with `createQueryRunner` and `make` at hand. */
function inProcess(body: string): string {
  const script = `
    import { createQueryRunner } from ${JSON.stringify(index)};
    const facts = () => ({ members: [{ host: 'a' }], links: [], alarms: [], agent: {} });
    const make = (limits) => createQueryRunner({ facts, limits, registry: ${JSON.stringify(tables)} });
    ${body}`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
}

async function pidOf(fixture: Fixture): Promise<number> {
  return Number((await fixture.values('select pid from facts'))[0]);
}

test('an agent that has asked nothing has loaded none of the engines', () => {
  const loaded = inProcess(`
    make({});
    const { createRequire } = await import('node:module');
    const require = createRequire(${JSON.stringify(index)});
    const cached = Object.keys(require.cache).filter((it) => /alasql|systeminformation|sqlite/.test(it));
    console.log(JSON.stringify(cached));`);
  expect(loaded.split('\n')[0]).toMatch(/^\[\]/);
  const source = fileURLToPath(new URL('../../dist/query', import.meta.url));
  expect(reachable(join(source, 'index.js'))).not.toContain('@sqlite.org/sqlite-wasm');
});

/** Everything a compiled module imports, through all modules of this project. */
function reachable(file: string, seen = new Set<string>()): readonly string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  if (!existsSync(file)) return [file];
  const text = readFileSync(file, 'utf8');
  const named = [...text.matchAll(/(?:from|import|require\()\s*['"]([^'"]+)['"]/g)].map(
    (it) => it[1]!,
  );
  for (const name of named) reachable(name.startsWith('.') ? join(file, '..', name) : name, seen);
  return [...seen];
}

test('the agent may end without stopping the runner, and its query process ends with it', () => {
  const pid = inProcess(`
    const runner = make({});
    const { rows } = await runner.run('select pid from facts');
    process.stdout.write(rows[0][0]);`);
  expect(Number(pid)).toBeGreaterThan(1);
  expect(() => waitForEnd(Number(pid))).not.toThrow();
});

test('the query process ends with an agent that is killed', () => {
  const script = `
    import { createQueryRunner } from ${JSON.stringify(index)};
    const facts = () => ({ members: [{ host: 'a' }], links: [], alarms: [], agent: {} });
    const runner = createQueryRunner({ facts, registry: ${JSON.stringify(tables)} });
    const { rows } = await runner.run('select pid from facts');
    process.stdout.write(rows[0][0], () => process.kill(process.pid, 'SIGKILL'));`;
  const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  expect(signal).toBe('SIGKILL');
  expect(() => waitForEnd(Number(stdout.toString()))).not.toThrow();
});

function waitForEnd(pid: number): void {
  const until = Date.now() + 20_000;
  while (existsSync(`/proc/${pid}`) && !isZombie(pid)) {
    if (Date.now() > until) throw new Error(`process ${pid} is still there`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
}

function isZombie(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
}

test('one process serves queries one after the other, and is let go when idle', async () => {
  const fixture = fixtureWith({ idleMs: 100 }, { facts: members });
  const pid = await pidOf(fixture);
  await endsAfter(pid);
  expect(await pidOf(fixture)).not.toBe(pid);
});

async function endsAfter(pid: number): Promise<void> {
  await until(() => !existsSync(`/proc/${pid}`), `process ${pid} ends`);
}

test('a process is used again while it is not idle for long', async () => {
  const fixture = fixtureWith({}, { facts: members });
  expect(await pidOf(fixture)).toBe(await pidOf(fixture));
});

test('a collector blocked in a named pipe: the process is ended, the table named, the next query runs', async () => {
  const fixture = fixtureWith({ timeMs: 300 });
  execFileSync('mkfifo', [join(fixture.root, 'pipe')]);
  expect(await fixture.error('select * from blocked')).toBe(
    'time_limit: the query was ended after its 300 ms in table "blocked", which did not answer ' +
      'in time; narrow the query, or give it more time by limits.time_ms_max in config.yaml of the ' +
      'host and a --timeout as long',
  );
  expect(await fixture.values('select 1')).toEqual([1]);
});

test('a collector that never answers is named at the limit', async () => {
  const fixture = fixtureWith({ timeMs: 300 });
  expect(await fixture.error('select * from slow')).toMatch(/^time_limit: .*table "slow"/);
  expect(await fixture.values('select 1')).toEqual([1]);
});

test('a query may have less time than the limit, not more', async () => {
  const fixture = fixtureWith({ timeMs: 700 });
  expect(await fixture.error(ENDLESS, { timeMs: 200 })).toContain('limit of 200 ms');
  expect(await fixture.error(ENDLESS, { timeMs: 60_000 })).toContain('limit of 700 ms');
});

test('what a table cannot serve is an error that says why', async () => {
  const fixture = fixtureWith();
  expect(await fixture.error('select * from missing')).toBe(
    'table_unavailable: table "missing": systemd is not running on this host',
  );
  expect(await fixture.error('select * from broken')).toMatch(
    /^failed: reading table "broken" failed: ENOENT/,
  );
});

test('a process that dies in the middle fails its query and is replaced', async () => {
  const fixture = fixtureWith();
  expect(await fixture.error('select * from crashing')).toMatch(
    /^failed: the query process ended \(SIGABRT\) while reading table "crashing"/,
  );
  expect(await fixture.values('select 1')).toEqual([1]);
});

test('a collector that takes all memory ends its process and not the agent', async () => {
  const fixture = fixtureWith({ timeMs: 60_000 });
  expect(await fixture.error('select * from greedy')).toMatch(/^memory_limit: /);
  expect(await fixture.values('select 1')).toEqual([1]);
});

test('two run at once, others wait their turn, one too many is refused', async () => {
  const fixture = fixtureWith({ runningMax: 2, queuedMax: 32 });
  const abort = new AbortController();
  const long = [1, 2].map(() => fixture.error(ENDLESS, { signal: abort.signal }));
  const waiting = Array.from({ length: 32 }, (_, n) => fixture.values(`select ${n}`));
  expect(await fixture.error('select 99')).toBe(
    'busy: this host runs 2 queries of the same asker and 32 wait; ask again later',
  );
  abort.abort();
  expect(await Promise.all(long)).toEqual(Array(2).fill('cancelled: the query was cancelled'));
  expect(await Promise.all(waiting)).toEqual(Array.from({ length: 32 }, (_, n) => [n]));
});

test('a waiting query that is cancelled leaves the queue', async () => {
  const fixture = fixtureWith({ runningMax: 1, queuedMax: 1 });
  const [first, second] = [new AbortController(), new AbortController()];
  const running = fixture.error(ENDLESS, { signal: first.signal });
  const waiting = fixture.error('select 1', { signal: second.signal });
  second.abort();
  expect(await waiting).toBe('cancelled: the query was cancelled');
  const next = fixture.values('select 2');
  first.abort();
  expect([await running, await next]).toEqual(['cancelled: the query was cancelled', [2]]);
});

test('stop ends what runs and what waits', async () => {
  const fixture = fixtureWith({ runningMax: 1 });
  const running = fixture.error(ENDLESS);
  const waiting = fixture.error('select 1');
  await fixture.runner.stop();
  expect(await running).toMatch(/^cancelled/);
  expect(await waiting).toMatch(/^cancelled/);
  expect(await fixture.error('select 1')).toMatch(/^cancelled/);
});

test('big integers, bytes and text of every kind come through whole', async () => {
  const fixture = fixtureWith();
  const rows = await fixture.rows(
    "select 9223372036854775807, -9007199254740993, x'00ff', 0.1, '\u{1f980}', null, 9e999, 5.0",
  );
  expect(rows).toEqual([
    [
      9223372036854775807n,
      -9007199254740993n,
      new Uint8Array([0, 255]),
      0.1,
      '\u{1f980}',
      null,
      Infinity,
      5,
    ],
  ]);
});

test('a heavy query does not hold up the agent', async () => {
  const fixture = fixtureWith({ timeMs: 3_000, rowsMax: 100_000 });
  await fixture.values('select 1');
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const heavy = fixture.error(ENDLESS);
  const wide = await fixture.runner.run(
    'select a.n, a.words, b.words from wide a, wide b limit 10000',
  );
  expect(await heavy).toMatch(/^time_limit/);
  delay.disable();
  expect(wide.rows.length).toBeGreaterThan(5_000);
  // The main thread only waits; a busy machine may still take it off the processor for a moment.
  expect(delay.percentile(90) / 1e6).toBeLessThan(50);
});

test('what was prepared is known the second time; what was refused is prepared again', () => {
  const out = inProcess(`
    let jobs = 0;
    const runner = createQueryRunner({
      facts: () => (jobs++, facts()),
      registry: ${JSON.stringify(tables)},
    });
    const [first, second] = [await runner.prepare('select 1 as one'), await runner.prepare('select 1 as one')];
    const refused = () => runner.prepare('select * from no_such_table').catch((error) => error.code);
    console.log(jobs, second.columns.join(), first === second, await refused(), await refused(), jobs);
    await runner.stop();`);
  expect(out.trim()).toBe('1 one true no_such_table no_such_table 3');
});
