/** One swarm to a database, and of its hosts those that are there. */
import { expect, it } from 'vitest';
import { eachPostgres } from '../helpers/postgres.ts';
import { hubFixture } from './hub-fixture.ts';
import { ScriptedAsker } from './scripted-asker.ts';

eachPostgres('the fleet of a database', (postgres) => {
  it('is of one swarm: a hub of another is refused with both ids, and writes nothing', async () => {
    const { pool, query, startHub } = await hubFixture(postgres());
    await startHub();
    const stranger = new ScriptedAsker(['hub8', 'web8']);
    stranger.swarmId.fill(8);
    const ids = ['07'.repeat(32), '08'.repeat(32)];
    await expect(startHub({}, stranger)).rejects.toMatchObject({
      code: 'another_swarm',
      message: `this database is of swarm ${ids[0]}, and this hub of swarm ${ids[1]}`,
      hint: expect.stringContaining(`select swarmplane.adopt_swarm('${ids[1]}')`),
    });
    expect(await query(`select from swarmplane.node where name like '%8'`)).toEqual([]);
    // a hub of the same swarm is welcome, and after the words of the hint so is the other
    await startHub({}, new ScriptedAsker(['hub2', 'hub1', 'web1', 'web2']));
    await pool.query('select swarmplane.adopt_swarm($1)', [ids[1]]);
    await startHub({}, stranger);
    expect(await query(`select from swarmplane.node where name like '%8'`)).toHaveLength(2);
    expect(await query(`select action from swarmplane.audit where action like 'swarm%'`)).toEqual([
      { action: 'swarm.adopt' },
    ]);
  });

  it('ends with those that hubs report, after a backup was restored', async () => {
    const { pool, asker, query, startHub, until } = await hubFixture(postgres());
    // as a backup of last week has them: one that is there, one that nobody knows any more, one retired
    await pool.query(`
      insert into swarmplane.node (identity, name, state, incarnation, seen_at) values
        ('${asker.members()[1]!.nodeId}', 'web1', 'alive', 1, now() - interval '7 days'),
        (repeat('d', 64), 'gone', 'alive', 3, now() - interval '7 days'),
        (repeat('e', 64), 'quiet', 'suspect', 3, now() - interval '7 days');
      insert into swarmplane.node (identity, name, state, incarnation, seen_at, swarm_state, retired_at) values
        (repeat('f', 64), 'sold', 'retired', 3, now() - interval '7 days', 'alive', now() - interval '8 days')`);
    const states = (): Promise<unknown[]> =>
      query(`select name, state, swarm_state from swarmplane.node order by name`);
    await pool.query('select swarmplane.look_after_alerts()');
    expect(await states()).toContainEqual({ name: 'gone', state: 'alive', swarm_state: null });

    await startHub();
    await startHub({}, new ScriptedAsker(['hub2', 'hub1', 'web1', 'web2']));
    await until(`select count(*) = 7 as reported from swarmplane.node`);
    // they have been at work for a while
    await pool.query(`update swarmplane.hub set started_at = now() - interval '1 hour'`);
    await pool.query('select swarmplane.look_after_alerts()');
    expect(await states()).toEqual([
      { name: 'gone', state: 'dead', swarm_state: null },
      { name: 'hub1', state: 'alive', swarm_state: null },
      { name: 'hub2', state: 'alive', swarm_state: null },
      { name: 'quiet', state: 'dead', swarm_state: null },
      { name: 'sold', state: 'retired', swarm_state: 'dead' },
      { name: 'web1', state: 'alive', swarm_state: null },
      { name: 'web2', state: 'alive', swarm_state: null },
    ]);
    await pool.query(`select swarmplane.retire('gone', 'not there any more')`);
    await until(`select state = 'retired' as retired from swarmplane.node where name = 'gone'`);
  });
});
