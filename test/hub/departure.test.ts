/** Hosts that go for good, with hubs at work: what the swarm says reaches the database, and the other way round. */
import { expect, it } from 'vitest';
import { depart } from '../../src/hub/departure.ts';
import { eachPostgres } from '../helpers/postgres.ts';
import { eventually } from '../helpers/swarm.ts';
import { hubFixture, type Fixture } from './hub-fixture.ts';
import { idOf, ScriptedAsker } from './scripted-asker.ts';

interface Ended {
  readonly host: string;
  readonly state: string;
  readonly code: string | null;
  readonly error: string | null;
}

function ends(fixture: Fixture, id: number): Promise<Ended[]> {
  return fixture.query<Ended>(
    `select host, state, code, error from swarmplane.request_status where request_id = $1 order by host`,
    [id],
  );
}

/** Waits until the host is in this state in swarmplane.node. */
function is(fixture: Fixture, name: string, state: string): Promise<unknown> {
  return fixture.until(
    `select from swarmplane.node where name = $1 and concat_ws(' ', state, swarm_state) = $2`,
    [name, state],
  );
}

const GONE = { host: 'web1', state: 'unreachable' };

eachPostgres('a host that goes for good', (postgres) => {
  it('is forgotten in the swarm: what waits for it ends, also when no hub was there to hear', async () => {
    const fixture = await hubFixture(postgres());
    const hub = await fixture.startHub();
    fixture.asker.set('web1', 'dead');
    fixture.asker.set('web2', 'dead');
    await is(fixture, 'web2', 'dead');
    const id = await fixture.request('select 1', { expires_in: '1 hour' });
    await fixture.until(`select from swarmplane.request where id = $1 and pending = 2 and ok = 1`, [
      id,
    ]);
    fixture.asker.set('web1', 'forgotten');
    await fixture.until(`select from swarmplane.request where id = $1 and pending = 1`, [id]);
    expect(await ends(fixture, id)).toEqual([
      { host: 'hub1', state: 'ok', code: null, error: null },
      { ...GONE, code: 'forgotten', error: 'the host was forgotten' },
      expect.objectContaining({ host: 'web2', state: 'parked' }),
    ]);
    await hub.stop();
    fixture.asker.set('web2', 'expelled');
    await fixture.startHub();
    expect(await fixture.ended(id)).toEqual({ ok: 1, unreachable: 2 });
    expect((await ends(fixture, id))[2]).toMatchObject({ host: 'web2', code: 'expelled' });
    const [next] = await fixture.query<{ targets: number }>(
      `insert into swarmplane.request (sql) values ('x') returning id, (select count(*)::int from swarmplane.node where out_since is null) as targets`,
    );
    expect(next!.targets).toBe(1);
  });

  it('is retired or forgotten in the database: hubs make the swarm forget it', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    fixture.asker.set('web1', 'dead');
    fixture.asker.set('web2', 'left');
    await is(fixture, 'web1', 'dead');
    await is(fixture, 'web2', 'left');
    const { url } = fixture.database;
    await expect(depart(url, 'retire', 'hub1')).rejects.toMatchObject({
      code: 'refused',
      message: 'hub1 is alive, so it cannot be retired',
      hint: expect.stringContaining('swarmplane leave') as string,
    });
    await expect(depart(url, 'forget', 'nobody')).rejects.toMatchObject({ code: 'refused' });
    const { nodeId, done } = await depart(url, 'retire', 'web1', 'sold');
    expect([nodeId, done]).toEqual([idOf('web1'), true]);
    await depart(url, 'forget', 'web2');
    await is(fixture, 'web1', 'retired forgotten');
    await is(fixture, 'web2', 'forgotten');
    const { asker } = fixture;
    await eventually(() => asker.forgot.length === 2 || undefined, 'the swarm forgets both');
    expect(asker.forgot.sort()).toEqual(['web1', 'web2']);
  });

  it('while it is asked: its answer counts, and its silence ends with the reason', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    const waits: (() => void)[] = [];
    let back = false;
    fixture.asker.behave = async (host) => {
      if (host === 'hub1') return { state: 'ok', columns: ['name'], rows: [[host]] };
      await new Promise<void>((resolve) => waits.push(resolve));
      return back && host === 'web1'
        ? { state: 'ok', columns: ['name'], rows: [[host]] }
        : { state: 'unreachable' };
    };
    const id = await fixture.request('select 1', { expires_in: '1 hour' });
    await fixture.until(`select from swarmplane.request where id = $1 and ok = 1 and running = 2`, [
      id,
    ]);
    fixture.asker.set('web1', 'dead');
    fixture.asker.set('web2', 'dead');
    await is(fixture, 'web1', 'dead');
    await is(fixture, 'web2', 'dead');
    await depart(fixture.database.url, 'retire', 'web1');
    await depart(fixture.database.url, 'retire', 'web2');
    back = true;
    for (const go of waits) go();
    expect(await fixture.ended(id)).toEqual({ ok: 2, unreachable: 1 });
    expect((await ends(fixture, id))[2]).toEqual({
      host: 'web2',
      state: 'unreachable',
      code: 'retired',
      error: 'the host was retired',
    });
    await fixture.until(`select not exists (select from swarmplane.node where ending) as done`);
  });

  it('stays retired when it comes back, is not asked, and is an alert until it is taken back', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    fixture.asker.set('web1', 'dead');
    await is(fixture, 'web1', 'dead');
    await depart(fixture.database.url, 'retire', 'web1');
    await is(fixture, 'web1', 'retired forgotten');
    fixture.asker.set('web1', 'alive');
    const open = `select from swarmplane.alert where kind = 'retired_alive' and key = 'web1' and resolved_at is null`;
    await fixture.until(open);
    const id = await fixture.request('select 2');
    expect(await fixture.ended(id)).toEqual({ ok: 2 });
    const [asked] = fixture.asker.asked.filter(({ sql }) => sql === 'select 2');
    expect(asked!.targets).toMatchObject({ kind: 'nodes' });
    await depart(fixture.database.url, 'unretire', 'web1');
    expect(await fixture.query(open)).toEqual([]);
    expect(await fixture.ended(await fixture.request('select 3'))).toEqual({ ok: 3 });
  });

  it('of two hubs one has heard of it and the other has not: it does not come back', async () => {
    const fixture = await hubFixture(postgres());
    const late = new ScriptedAsker(['hub1', 'web1', 'web2']);
    Object.assign(late, { name: 'hub2', nodeId: 'f'.repeat(64) });
    await fixture.startHub({ nodesMs: 40 });
    await fixture.startHub({ nodesMs: 20 }, late);
    for (const asker of [fixture.asker, late]) asker.set('web1', 'dead');
    await is(fixture, 'web1', 'dead');
    const id = await fixture.request('select 1', { expires_in: '1 hour' });
    await fixture.until(`select from swarmplane.request where id = $1 and pending = 1 and ok = 2`, [
      id,
    ]);
    // Forgotten by both; only one is told by its swarm, the other learns of it in the database.
    const { incarnation } = late.members().find(({ name }) => name === 'web1')!;
    fixture.asker.set('web1', 'forgotten', { incarnation });
    expect(await fixture.ended(id)).toEqual({ ok: 2, unreachable: 1 });
    await eventually(() => late.forgot[0] === 'web1' || undefined, 'the other hub tells its swarm');
    expect(await fixture.query(`select state from swarmplane.node where name = 'web1'`)).toEqual([
      { state: 'forgotten' },
    ]);
    late.set('web1', 'alive');
    await is(fixture, 'web1', 'alive');
  });

  it('that is taken out and comes back at the same moment, again and again, loses no request', async () => {
    const fixture = await hubFixture(postgres());
    const other = new ScriptedAsker(['hub1', 'web1', 'web2']);
    Object.assign(other, { name: 'hub2', nodeId: 'f'.repeat(64) });
    await fixture.startHub({ nodesMs: 30 });
    await fixture.startHub({ nodesMs: 50 }, other);
    const set = (state: 'alive' | 'dead'): void => {
      const known = [...fixture.asker.members(), ...fixture.asker.departed()];
      const incarnation = 1 + known.find(({ name }) => name === 'web1')!.incarnation;
      for (const asker of [fixture.asker, other]) asker.set('web1', state, { incarnation });
    };
    const seen = { refused: 0, taken: 0 };
    const ids: number[] = [];
    for (let round = 0; round < 12; round++) {
      set('dead');
      await fixture.until(
        `select from swarmplane.node where name = 'web1' and 'dead' in (state, swarm_state)`,
      );
      ids.push(await fixture.request(`select ${round}`, { expires_in: '1 hour' }));
      const verb = round % 2 === 0 ? 'retire' : 'forget';
      const taking = fixture.pool.query(`select swarmplane.${verb}('web1')`).then(
        () => seen.taken++,
        (error: Error) => {
          expect(error.message).toMatch(/^web1 is alive, so it cannot be/);
          seen.refused++;
        },
      );
      if (round < 2) await taking;
      else await new Promise((resolve) => setTimeout(resolve, round));
      set('alive');
      await taking;
      // What was wished is taken up, or refused as the host is back.
      await fixture.until(`select not exists (select from swarmplane.node_wish) as taken`);
      await fixture.query(
        `select swarmplane.unretire(identity) from swarmplane.node where state = 'retired'`,
      );
      await is(fixture, 'web1', 'alive');
    }
    for (const id of ids) await fixture.ended(id);
    expect(seen.refused + seen.taken).toBe(12);
    expect(seen.taken).toBeGreaterThan(0);
    expect(await fixture.query('table swarmplane.count_fault')).toEqual([]);
    const why = await fixture.query(
      `select distinct state, code from swarmplane.request_status where state <> 'ok'`,
    );
    for (const one of why)
      expect(['retired', 'forgotten']).toContain((one as { code: string }).code);
  });
});
