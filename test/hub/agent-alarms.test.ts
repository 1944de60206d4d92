/** What goes wrong at a real agent, in its table swarm_alarms and as rows of swarmplane.alert. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import {
  Agent,
  createLog,
  initSwarm,
  loadConfig,
  OperatorDesk,
  StateFolder,
} from '../../src/agent/index.ts';
import { Hub } from '../../src/hub/hub.ts';
import { silentLog } from '../../src/hub/log.ts';
import { pack } from '../../src/wire/index.ts';
import { eachPostgres } from '../helpers/postgres.ts';
import { startNode, stopAll, until } from '../net/swarm-nodes.ts';
import { hubFixture, temporaryFolder } from './hub-fixture.ts';
import { QUICK } from './quick.ts';

async function alarmsOf(agent: Agent): Promise<string[]> {
  const spec = {
    sql: 'select kind from swarm_alarms order by kind',
    targets: { kind: 'nodes', nodes: [agent.nodeId] } as const,
    timeoutMs: 10_000,
  };
  for await (const event of agent.ask(spec)) {
    if (event.kind === 'answer') return event.answer.rows.map(([kind]) => String(kind));
  }
  return [];
}

eachPostgres('an agent with a hub', (postgres) => {
  it('tells of all that goes wrong in both tables, also of what did before the hub came', async () => {
    const fixture = await hubFixture(postgres());
    const folder = mkdtempSync(join(tmpdir(), 'alarms-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const state = StateFolder.open(join(folder, 'state'));
    await initSwarm(state, { name: 'a', listen: '127.0.0.1:0' });
    // A record of the last run that nobody can read: found before anybody listens.
    state.writeSync('members.bin', pack([new Uint8Array(40)]));
    const log = createLog('error', 'a');
    const agent = await Agent.start({
      state,
      config: loadConfig(state),
      hub: true,
      log,
    });
    onTestFinished(() => agent.stop());
    onTestFinished(stopAll);
    const { host, port } = agent.node.address;
    const seeds = [`${host}:${port}`];
    const hub = await Hub.start({
      ...{ databaseUrl: fixture.database.url, asker: agent, log: silentLog, tuning: QUICK },
      spoolFolder: temporaryFolder(),
    });
    onTestFinished(() => hub.stop());
    await fixture.until(`select from swarmplane.alert where kind = 'state'`);

    // The table can not be kept any more.
    state.remove('members.bin');
    mkdirSync(state.file('members.bin'));
    const { secrets } = agent.node;
    const b = await startNode('b', secrets, { seeds });
    await until(() => agent.members().some((member) => member.name === 'b'));
    await startNode('b', secrets, { seeds, advertise: [b.address] });
    await fixture.until(`select from swarmplane.alert where kind = 'persist_failed'`);

    const desk = await OperatorDesk.open(state.file('operator.key'));
    const { record } = await desk.rotateSecret(2, []);
    expect(agent.node.publish(record)).toBe(true);
    const { bytes } = desk.revoke(undefined, { expelled: [agent.nodeId] });
    expect(agent.node.publish(bytes)).toBe(true);
    const kinds = ['address_reused', 'epoch_closed', 'expelled', 'name_reused', 'persist_failed'];
    const all = [...kinds, 'state'];
    await fixture.until(
      `select count(distinct kind) >= ${all.length} as all from swarmplane.alert where kind = any ($1)`,
      [all],
    );
    // Probes come at random times: one may meet the two hosts that share a name and an address.
    const told = await alarmsOf(agent);
    expect(told.filter((kind) => kind !== 'probe_conflict')).toEqual(all);
  });
});
