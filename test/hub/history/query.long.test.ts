/** Queries that are tracked, by real agents and a real hub: taken while it is away, refused, changed, ended. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  Agent,
  createLog,
  initSwarm,
  loadConfig,
  prepareJoin,
  StateFolder,
} from '../../../src/agent/index.ts';
import { Hub } from '../../../src/hub/hub.ts';
import { verifyHistory } from '../../../src/hub/history/verify.ts';
import { silentLog } from '../../../src/hub/log.ts';
import { eventually } from '../../helpers/swarm.ts';
import { withPostgres } from '../../helpers/postgres.ts';
import { hubFixture, temporaryFolder, type Fixture } from '../hub-fixture.ts';
import { QUICK } from '../quick.ts';

const SHELLS = 'select shell, count(*) as n from users group by shell';

describe('a tracked query', () => {
  const postgres = withPostgres();

  it('is taken by hosts on their own while the hub is away, and is a typed view with history', async () => {
    const { fixture, startHub, host } = await swarm();
    const hub = await startHub();
    await fixture.query('select swarmplane.track_query($1, $2, $3, $4)', [
      'shells',
      SHELLS,
      '10 seconds',
      ['shell'],
    ]);
    await isThere(fixture, 'shells');
    await fixture.until(`select from inventory.shells where host = 'web1'`);
    const own = await rowsOf(host, SHELLS);
    expect(
      await fixture.query(
        `select shell, n::int from inventory.shells where host = 'web1' order by 1`,
      ),
    ).toEqual(own.map(([shell, n]) => ({ shell, n })));
    const [column] = await fixture.query<{ type: string }>(
      `select format_type(atttypid, null) as type from pg_attribute
        where attrelid = 'inventory.shells'::regclass and attname = 'n'`,
    );
    expect(column!.type).toBe('bigint');
    await hub.stop();
    const { sequence } = trackedAt(host, 'shells')!;
    await eventually(
      () => trackedAt(host, 'shells')!.sequence > sequence || undefined,
      'a taking without a hub',
      30_000,
    );
    await startHub();
    await fixture.until(
      `select from swarmplane.taking t join swarmplane.node n on n.id = t.node_id
        where n.name = 'web1' and t.table_name = 'shells' and t.sequence > $1`,
      [sequence],
    );
    const first = await fixture.query(
      `select distinct change, key ? 'shell' as keyed from inventory.shells_changes where host = 'web1'`,
    );
    expect(first).toEqual([{ change: 'first', keyed: true }]);
    expect(
      await fixture.query(
        `select count(*)::int as n from inventory.shells_as_of(now()) where host = 'web1'`,
      ),
    ).toEqual([{ n: own.length }]);
  });

  it('with another text is another declaration: rows of the former end, and no host has changed', async () => {
    const { fixture, startHub, agent } = await swarm();
    await startHub();
    const track = (sql: string) =>
      fixture.query(`select swarmplane.track_query('first_user', $1, '1 hour', '{x}')`, [sql]);
    await track(`select 'root' as x, uid as y from users where uid = 0`);
    const held = `select x, y::int, since::text from inventory.first_user where host = 'web1'`;
    await isThere(fixture, 'first_user');
    const before = await fixture.until<{ since: string }>(held);
    // The same row by another question.
    await track(`select 'root' as x, gid as y from groups where gid = 0`);
    await fixture.until(
      `select from inventory.first_user_history
        where node_id = (select id from swarmplane.node where name = 'web1')`,
    );
    const [after] = await fixture.query<{ since: string }>(held);
    expect(after).toMatchObject({ x: 'root', y: 0 });
    expect(after!.since > before.since).toBe(true);
    expect(
      await fixture.query(
        `select change, count(*)::int as n from inventory.changes
          where host = 'web1' and "table" = 'first_user' group by 1 order by 1`,
      ),
    ).toEqual([
      { change: 'first', n: 1 },
      { change: 'redefined', n: 1 },
    ]);
    const texts = await fixture.query<{ query: string }>(
      `select s.query from inventory.first_user_history h join swarmplane.table_shape s on s.id = h.shape
        union all
       select s.query from inventory.first_user_current c join swarmplane.table_shape s on s.id = c.shape
        where c.node_id = (select id from swarmplane.node where name = 'web1')`,
    );
    expect(texts.map(({ query }) => /from (\w+)/.exec(query)![1])).toContain('users');
    expect(texts.at(-1)!.query).toContain('from groups');
    expect(await fixture.query('table inventory.overlap')).toEqual([]);
    expect(await findings(fixture, agent)).toEqual(['first_user', 0, 'first_user', 0]);
  });

  it('is refused with the reason where it was written, and by a host as a gap', async () => {
    const { fixture, startHub } = await swarm();
    await startHub();
    await fixture.query(`select swarmplane.track_query('typo', 'select nmae from users')`);
    await fixture.query(`select swarmplane.track_query('no_select', 'delete from users')`);
    await fixture.query(`select swarmplane.track_query('two', 'select 1 as a; select 2 as b')`);
    for (const name of ['typo', 'no_select', 'two'])
      await fixture.until(
        `select from swarmplane.alert where kind = 'query_refused' and key = $1 and resolved_at is null`,
        [name],
      );
    const [typo] = await fixture.query<{ trouble: string }>(
      `select described ->> 'trouble' as trouble from swarmplane.tracked_query where name = 'typo'`,
    );
    expect(typo!.trouble).toContain('nmae');
    // This host denies the table, and the hub does not.
    await fixture.query(
      `select swarmplane.track_query('hosts_file', 'select address from etc_hosts')`,
    );
    const gap = await fixture.until<{ reason: string }>(
      `select reason from swarmplane.gap where host = 'web1' and "table" = 'hosts_file'`,
    );
    expect(gap.reason).toContain('"etc_hosts" is not served by this host');
    await fixture.until(`select from inventory.hosts_file where host = 'hub1'`);
    // Needs a certificate, which this hub does not have.
    await fixture.query(
      `select swarmplane.track_query('hashes', 'select count(*) as n from shadow')`,
    );
    const refused = await fixture.until<{ message: string }>(
      `select message from swarmplane.alert where kind = 'history_refused' and key = 'web1 hashes'`,
    );
    expect(refused.message).toContain('reader-of-sensitive --tables shadow');
    await fixture.query(`select swarmplane.untrack('hosts_file')`);
    await fixture.until(
      `select from swarmplane.handover h join swarmplane.wish_list l on l.version = h.known_version
         join swarmplane.node n on n.id = h.node_id
        where n.name = 'web1' and not l.tables @> '[{"table": "hosts_file"}]'`,
    );
  });

  async function swarm() {
    const fixture = await hubFixture(postgres());
    const folder = mkdtempSync(join(tmpdir(), 'tracked-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const log = createLog('error', 'test');
    const first = StateFolder.open(join(folder, 'hub1'));
    const token = await initSwarm(first, { name: 'hub1', listen: '127.0.0.1:0' });
    const agent = await Agent.start({ state: first, config: loadConfig(first), hub: true, log });
    onTestFinished(() => agent.stop());
    const seed = `127.0.0.1:${agent.node.address.port}`;
    const second = StateFolder.open(join(folder, 'web1'));
    const settings = { name: 'web1', listen: '127.0.0.1:0' };
    const { joining, config } = await prepareJoin(second, settings, seed, token);
    const denying = { ...config, denyTables: ['etc_hosts'] };
    const host = await Agent.start({ state: second, config: denying, joining, hub: false, log });
    onTestFinished(() => host.stop());
    await host.node.join(seed);
    const startHub = async (): Promise<Hub> => {
      const hub = await Hub.start({
        databaseUrl: fixture.database.url,
        asker: agent,
        log: silentLog,
        tuning: QUICK,
        spoolFolder: temporaryFolder(),
      });
      onTestFinished(() => hub.stop());
      return hub;
    };
    return { fixture, startHub, agent, host };
  }
});

/** A hub has looked at it. */
async function isThere(fixture: Fixture, name: string): Promise<void> {
  await fixture.until('select from swarmplane.tracked_query where name = $1 and told is not null', [
    name,
  ]);
}

/** What is not as the hosts said, by the keys that this agent has pinned. */
async function findings(fixture: Fixture, agent: Agent): Promise<readonly unknown[]> {
  const keysOf = (nodeId: string) =>
    Promise.resolve(new Map(agent.keyList(nodeId).map((key) => [key.version, key.signKey])));
  const found: unknown[] = [];
  for await (const { table, ...said } of verifyHistory(fixture.pool, {
    swarmId: agent.swarmId,
    keysOf,
    table: 'first_user',
  }))
    found.push(table, said.unchecked, ...said.findings);
  return found;
}

function trackedAt(host: Agent, name: string) {
  return host.history.status.tables.find(({ table }) => table === name);
}

async function rowsOf(agent: Agent, sql: string) {
  const targets = { kind: 'nodes', nodes: [agent.nodeId] } as const;
  for await (const event of agent.ask({ sql: `${sql} order by 1`, targets, timeoutMs: 10_000 }))
    if (event.kind === 'answer') return event.answer.rows;
  return [];
}
