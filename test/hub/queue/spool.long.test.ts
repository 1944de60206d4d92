/** Outcomes that wait on disk while PostgreSQL is away: bounded, in order, once. */
import { readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/hub/log.ts';
import { plainOutcome, type Outcome } from '../../../src/hub/queue/outcome.ts';
import { Queue } from '../../../src/hub/queue/queue.ts';
import { Recorder } from '../../../src/hub/queue/recorder.ts';
import { Spool } from '../../../src/hub/queue/spool.ts';
import { withPostgres } from '../../helpers/postgres.ts';
import { hubFixture, temporaryFolder, type Fixture } from '../hub-fixture.ts';
import { hubProcess, type HubProcess } from '../hub-processes.ts';
import { until } from '../../helpers/eventually.ts';

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const TOKEN = uuid(100);
const OTHER = uuid(200);

const outcome = (n: number, bytes = 10): Outcome =>
  plainOutcome(uuid(n), 'failed', { code: 'x', message: 'm'.repeat(bytes) });

const open = (folder: string, bytesMax = 1e9): Spool =>
  new Spool({ folder, bytesMax, log: silentLog });

async function numbersOf(spool: Spool, token: string): Promise<number[]> {
  return (await spool.head(token, 1e9)).map(({ id }) => Number(id.slice(-12)));
}

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

async function allOf(folder: string): Promise<readonly Outcome[]> {
  const spool = open(folder);
  const heads = await Promise.all(spool.tokens.map((token) => spool.head(token, 1e9)));
  return heads.flat();
}

describe('the spool', () => {
  it('gives outcomes back in order, in pieces, also to the next process', async () => {
    const folder = temporaryFolder();
    const first = open(folder);
    await first.append(OTHER, [outcome(9)]);
    await first.append(TOKEN, [outcome(1), outcome(2)]);
    await first.append(TOKEN, [outcome(3)]);
    const spool = open(folder);
    expect(spool.tokens).toEqual([OTHER, TOKEN]);
    expect(spool.bytes).toBe(first.bytes);
    expect(await spool.head(TOKEN, 1)).toEqual([outcome(1)]);
    expect(await spool.head(TOKEN, 1)).toEqual([outcome(1)]);
    await spool.dropHead(TOKEN);
    expect(await numbersOf(spool, TOKEN)).toEqual([2, 3]);
    await spool.dropHead(TOKEN);
    expect(spool.tokens).toEqual([OTHER]);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('torn at any byte: the whole outcomes before are there, the torn one is not', async () => {
    const folder = temporaryFolder();
    const writing = open(folder);
    await writing.append(TOKEN, [outcome(1)]);
    const one = writing.bytes;
    await writing.append(TOKEN, [outcome(2)]);
    const path = join(folder, readdirSync(folder)[0]!);
    for (let size = statSync(path).size - 1; size >= 0; size--) {
      truncateSync(path, size);
      const spool = open(folder);
      expect(await numbersOf(spool, TOKEN)).toEqual(size >= one ? [1] : []);
      if (size !== 0) continue;
      await spool.dropHead(TOKEN);
      expect(spool).toMatchObject({ tokens: [], bytes: 0 });
    }
  });

  it('takes no more than its bound, and nothing when the disk says no', async () => {
    const folder = temporaryFolder();
    const spool = open(folder, 1000);
    expect(await spool.append(TOKEN, [outcome(1, 500)])).toBe(true);
    expect(await spool.append(TOKEN, [outcome(2, 500)])).toBe(false);
    expect(await numbersOf(spool, TOKEN)).toEqual([1]);
    await spool.dropHead(TOKEN);
    rmSync(folder, { recursive: true });
    expect(await spool.append(TOKEN, [outcome(3)])).toBe(false);
    expect(spool).toMatchObject({ tokens: [], bytes: 0 });
  });
});

describe('while PostgreSQL is away', () => {
  const postgres = withPostgres();

  /** Its backends too are gone then: one that lives on for a moment would take an answer. */
  async function killWholly(pool: pg.Pool): Promise<void> {
    const { rows } = await pool.query<{ pid: number }>('select pid from pg_stat_activity');
    process.kill(await postgres().pid(), 'SIGKILL');
    await until(() => !rows.some(({ pid }) => isRunning(pid)));
  }

  /** A hub that claimed and was answered while PostgreSQL was dead: three outcomes on its disk. */
  async function answeredInVain(): Promise<{
    fixture: Fixture;
    folder: string;
    id: number;
    hub: HubProcess;
  }> {
    const fixture = await hubFixture(postgres());
    const folder = temporaryFolder();
    const hub = await hubProcess(fixture.database.url, 'hub1', 'late', folder);
    const asked = hub.said('asked');
    const id = await fixture.request('select 1');
    await asked;
    const admin = fixture.database.pool(fixture.database.superUrl);
    // A claim does not wait for the disk, and one that the crash loses would be made anew.
    await admin.query('checkpoint');
    await killWholly(admin);
    hub.child.kill('SIGUSR2');
    await until(async () => (await allOf(folder)).length >= 3);
    return { fixture, folder, id, hub };
  }

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    '%s of a hub with answers: the next start writes them, no host is asked again',
    async (signal) => {
      const { fixture, folder, id, hub } = await answeredInVain();
      await hub.end(signal);
      await postgres().restart();
      await hubProcess(fixture.database.url, 'hub1', 'hang', folder);
      expect(await fixture.ended(id)).toEqual({ ok: 3 });
      expect(
        await fixture.query(
          `select distinct attempt, (select count(*)::int from swarmplane.result) as rows
             from swarmplane.request_status where request_id = $1`,
          [id],
        ),
      ).toEqual([{ attempt: 1, rows: 3 }]);
      expect(open(folder).tokens).toEqual([]);
    },
  );

  it('answers that another hub was asked for anew meanwhile are thrown away', async () => {
    const { fixture, folder, id, hub } = await answeredInVain();
    await hub.end('SIGKILL');
    await postgres().restart();
    await fixture.query(
      `update swarmplane.delivery set token = gen_random_uuid(), attempt = attempt + 1`,
    );
    await hubProcess(fixture.database.url, 'hub1', 'ok', folder);
    expect(await fixture.query('select from swarmplane.result')).toEqual([]);
    expect(open(folder).tokens).toEqual([]);
    expect(
      await fixture.query(`select running, ok from swarmplane.request where id = $1`, [id]),
    ).toEqual([{ running: 3, ok: 0 }]);
  });

  it('more than fits into memory goes to disk; what has no room there waits in memory', async () => {
    const fixture = await hubFixture(postgres());
    const queue = new Queue(fixture.pool);
    const folder = temporaryFolder();
    const spool = open(folder, 45e6);
    await killWholly(fixture.pool);
    const recorder = new Recorder({
      queue,
      spool,
      token: TOKEN,
      log: silentLog,
      signal: new AbortController().signal,
    });
    for (let i = 0; i < 70; i++) await recorder.add(outcome(i, 1e6));
    expect(spool.bytes).toBeGreaterThan(38e6);
    expect(spool.bytes).toBeLessThan(45e6);
    await postgres().restart();
    await recorder.flush();
    expect(spool.bytes).toBe(0);
    expect(recorder.gaveUp).toBe(false);
  });
});
