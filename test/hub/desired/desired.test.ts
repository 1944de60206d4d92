/** Desired state by a hub: rows are brought about on scripted hosts whose truth a test sets. */
import { describe, expect, it } from 'vitest';
import { withPostgres } from '../../helpers/postgres.ts';
import { hubFixture, type Fixture } from '../hub-fixture.ts';
import type { Scripted } from '../scripted-asker.ts';

const HOSTS = ['hub1', 'web1', 'web2', 'web3', 'web4'];
const OK_ACTION: Scripted = {
  state: 'ok',
  columns: ['ended', 'exit_code'],
  rows: [['exit', 0]],
};
const HOLDS: Scripted = { state: 'ok', columns: ['missing'], rows: [] };

/** Hosts that lack a file until an action brings it; what was run where, in order. */
class Site {
  readonly lacking = new Set(HOSTS);
  readonly runs: string[] = [];
  /** What the action does at a host. */
  act: (host: string) => Scripted = (host) => {
    this.lacking.delete(host);
    return OK_ACTION;
  };
  check: (host: string) => Scripted | 'hang' = (host) =>
    this.lacking.has(host) ? { state: 'ok', columns: ['missing'], rows: [['/etc/motd']] } : HOLDS;

  constructor(fixture: Fixture) {
    fixture.asker.allowed = ['*'];
    fixture.asker.behave = (host, what) => {
      if (what.startsWith('select')) return this.check(host);
      this.runs.push(host);
      return this.act(host);
    };
  }
}

const MOTD = `insert into swarmplane.desired (name, sql, action, args, hosts, dry_run)
  values ('motd', 'select missing', 'write-file', '{"file": "{missing}"}', '{web1,web2,web3,web4}', false)`;

const states = `select jsonb_object_agg(host, state) as states
  from swarmplane.desired_host_status where name = 'motd'`;
const allOk = `select state = 'ok' and ok = hosts and hosts > 0 as done from swarmplane.desired_status where name = 'motd'`;

describe('desired state', () => {
  const postgres = withPostgres();

  it('is brought about, one host first, each with one action, and kept', async () => {
    const fixture = await hubFixture(postgres(), HOSTS);
    const site = new Site(fixture);
    await fixture.startHub();
    await fixture.query(MOTD);
    await fixture.until(allOk);
    expect([...site.runs].sort()).toEqual(['web1', 'web2', 'web3', 'web4']);
    const requests = await fixture.query<{ hosts: string[]; args: unknown; by: string }>(
      `select hosts, args, asked_by as by from swarmplane.request where action is not null order by id`,
    );
    // one place at first, then twice as many
    expect(requests.map(({ hosts }) => hosts.length)).toEqual([1, 2, 1]);
    expect(requests[0]!.args).toEqual({ file: '/etc/motd' });
    // a host that loses it is brought back to it
    site.lacking.add('web3');
    await fixture.query(`select swarmplane.recheck('motd')`);
    await fixture.until(
      `select count(*) = 5 as done from swarmplane.desired_event where became = 'acting'`,
    );
    await fixture.until(allOk);
    expect(site.runs.filter((host) => host === 'web3')).toHaveLength(2);
  });

  it('starts nothing in a dry run, and says what it would do', async () => {
    const fixture = await hubFixture(postgres(), HOSTS);
    const site = new Site(fixture);
    await fixture.startHub();
    await fixture.query(MOTD.replace('false)', 'null)'));
    await fixture.until(
      `select state = 'dry run' and wrong = 4 as seen from swarmplane.desired_status where name = 'motd'`,
    );
    expect(site.runs).toEqual([]);
    await fixture.query(`update swarmplane.desired set dry_run = false where name = 'motd'`);
    await fixture.until(allOk);
    expect(site.runs).toHaveLength(4);
  });

  it('takes no exit code for a proof: after so many tries a host is stuck, and says so', async () => {
    const fixture = await hubFixture(postgres(), HOSTS);
    const site = new Site(fixture);
    site.act = () => OK_ACTION;
    await fixture.startHub();
    await fixture.query(MOTD.replace('{web1,web2,web3,web4}', '{web1}'));
    await fixture.until(`select state = 'stuck' or state = 'stopped' as seen
      from swarmplane.desired_status where name = 'motd'`);
    expect(site.runs).toEqual(['web1', 'web1', 'web1']);
    await fixture.until(
      `select count(*) = 1 as told from swarmplane.alert where kind = 'desired_stuck' and resolved_at is null`,
    );
  });

  it('stops where too many hosts are stuck, and goes on when it is resumed', async () => {
    const fixture = await hubFixture(postgres(), HOSTS);
    const site = new Site(fixture);
    site.act = () => ({
      state: 'ok',
      columns: ['ended', 'exit_code'],
      rows: [['exit', 3]],
    });
    await fixture.startHub();
    await fixture.query(
      MOTD.replace('dry_run)', 'dry_run, stop_after, tries)').replace('false)', 'false, 1, 1)'),
    );
    await fixture.until(
      `select state = 'stopped' as seen from swarmplane.desired_status where name = 'motd'`,
    );
    // the one that was tried first; nobody else was touched
    expect(site.runs).toHaveLength(1);
    const alerts = await fixture.query<{ severity: string }>(
      `select severity from swarmplane.alert where kind = 'desired_stopped' and resolved_at is null`,
    );
    expect(alerts).toEqual([{ severity: 'critical' }]);
    site.act = (host) => {
      site.lacking.delete(host);
      return OK_ACTION;
    };
    await fixture.query(`select swarmplane.resume('motd')`);
    await fixture.until(allOk);
    expect(
      await fixture.query(
        `select kind from swarmplane.alert where kind like 'desired%' and resolved_at is null`,
      ),
    ).toEqual([]);
  });

  it('passes over a host that is away, which holds no place, and mends it when it is back', async () => {
    const fixture = await hubFixture(postgres(), HOSTS);
    const site = new Site(fixture);
    fixture.asker.set('web1', 'dead');
    await fixture.startHub();
    await fixture.query(MOTD);
    await fixture.until(
      `select ok = 3 and away = 1 as seen from swarmplane.desired_status where name = 'motd'`,
    );
    fixture.asker.set('web1', 'alive');
    await fixture.until(allOk);
    expect([...site.runs].sort()).toEqual(['web1', 'web2', 'web3', 'web4']);
  });

  it('does nothing while a freeze stands', async () => {
    const fixture = await hubFixture(postgres(), HOSTS);
    const site = new Site(fixture);
    await fixture.startHub();
    await fixture.query(`insert into swarmplane.freeze (reason) values ('christmas')`);
    await fixture.query(MOTD);
    await fixture.until(`select wrong = 4 as seen from swarmplane.desired_status`);
    await fixture.query(`select swarmplane.recheck('motd')`);
    expect(site.runs).toEqual([]);
    await fixture.query(`delete from swarmplane.freeze`);
    await fixture.until(allOk);
  });

  it('judges by a view over tables of one’s own, and fills args from its row', async () => {
    const fixture = await hubFixture(postgres(), HOSTS);
    const site = new Site(fixture);
    await fixture.query(`create schema my;
      create table my.motd (host text, wanted boolean, file text);
      insert into my.motd values ('web1', true, '/a'), ('web2', false, '/b'), ('web3', true, '/c');
      create view my.lacking as select host, file from my.motd where wanted;
      grant usage on schema my to swarmplane_checker;
      grant select on my.lacking to swarmplane_checker`);
    site.act = () => OK_ACTION;
    await fixture.startHub();
    await fixture.query(`insert into swarmplane.desired (name, view, action, args, hosts, dry_run)
      values ('motd', 'my.lacking', 'write-file', '{"file": "{file}"}', '{web1,web2,web3}', true)`);
    await fixture.until(
      `select ok = 1 and wrong = 2 as seen from swarmplane.desired_status where name = 'motd'`,
    );
    const [row] = await fixture.query<{ states: unknown }>(states);
    expect(row!.states).toEqual({ web1: 'wrong', web2: 'ok', web3: 'wrong' });
    await fixture.query(`update swarmplane.desired set dry_run = false`);
    await fixture.until(`select count(*) >= 2 as acted from swarmplane.desired_try`);
    await fixture.query(`update my.motd set wanted = false`);
    await fixture.query(`select swarmplane.recheck('motd')`);
    await fixture.until(allOk);
    const args = await fixture.query<{ args: unknown }>(
      `select distinct args from swarmplane.request where action is not null order by 1`,
    );
    expect(args.map((one) => one.args)).toEqual([{ file: '/a' }, { file: '/c' }]);
  });

  it('a view that fails puts off its own row only', async () => {
    const fixture = await hubFixture(postgres(), HOSTS);
    const site = new Site(fixture);
    await fixture.query(`create schema my;
      create view my.broken as select 'web1' as host, 1 / (random() * 0)::integer as x;
      grant usage on schema my to swarmplane_checker;
      grant select on my.broken to swarmplane_checker`);
    await fixture.startHub();
    await fixture.query(`insert into swarmplane.desired (name, view, action, hosts, dry_run)
      values ('broken', 'my.broken', 'write-file', '{web1}', false)`);
    await fixture.query(MOTD);
    await fixture.until(allOk);
    const [row] = await fixture.query<{ error: string }>(
      `select last_error as error from swarmplane.desired where name = 'broken'`,
    );
    expect(row!.error).toBe('division by zero');
    expect(site.runs).toHaveLength(4);
    await fixture.until(
      `select count(*) = 1 as told from swarmplane.alert where kind = 'desired_check_failed' and key = 'broken'`,
    );
  });

  it('withdraws what no host has taken when the row is changed, and begins anew', async () => {
    const fixture = await hubFixture(postgres(), HOSTS);
    const site = new Site(fixture);
    fixture.asker.allowed = [];
    await fixture.startHub();
    await fixture.query(MOTD);
    await fixture.until(
      `select count(*) = 1 as acting from swarmplane.desired_host where state = 'acting'`,
    );
    await fixture.query(`update swarmplane.desired set args = '{"file": "/other"}'`);
    await fixture.until(
      `select bool_and(state = 'done') as ended from swarmplane.request where args = '{"file": "/etc/motd"}'`,
    );
    fixture.asker.allowed = ['*'];
    await fixture.until(allOk);
    expect([...site.runs].sort()).toEqual(['web1', 'web2', 'web3', 'web4']);
    const args = await fixture.query<{ args: unknown }>(
      `select distinct args from swarmplane.request where ok > 0 and action is not null`,
    );
    expect(args).toEqual([{ args: { file: '/other' } }]);
  });

  it('a rollout does each host once, and waits for a second person where it shall', async () => {
    const fixture = await hubFixture(postgres(), HOSTS);
    const site = new Site(fixture);
    await fixture.startHub();
    await fixture.query(`insert into swarmplane.desired (name, action, hosts, dry_run, hold_after)
      values ('motd', 'upgrade', '{web1,web2,web3,web4}', false, 1)`);
    await fixture.until(
      `select state = 'waits for approval' as held from swarmplane.desired_status where name = 'motd'`,
    );
    expect(site.runs).toHaveLength(1);
    await expect(fixture.query(`select swarmplane.approve('motd')`)).rejects.toThrow(
      /wrote "motd" last: somebody else has to approve it/,
    );
    const url = await fixture.database.urlAs('second', ['swarmplane_operator']);
    await fixture.database.pool(url).query(`select swarmplane.approve('motd')`);
    await fixture.until(allOk);
    await fixture.query(`select swarmplane.recheck('motd')`);
    expect([...site.runs].sort()).toEqual(['web1', 'web2', 'web3', 'web4']);
  });
});
