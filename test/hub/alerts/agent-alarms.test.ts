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
} from '../../../src/agent/index.ts';
import { Hub } from '../../../src/hub/hub.ts';
import { silentLog } from '../../../src/hub/log.ts';
import { pack } from '../../../src/wire/index.ts';
import { eachPostgres } from '../../helpers/postgres.ts';
import { deriveTokenKeys, Identity, parseJoinToken } from '../../../src/secure/index.ts';
import { signAdmission } from '../../../src/secure/index.ts';
import type { NetOptions } from '../../../src/net/index.ts';
import { random, startNode, stopAll, until } from '../../net/swarm-nodes.ts';
import { hubFixture, temporaryFolder } from '../hub-fixture.ts';
import { QUICK } from '../quick.ts';

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
    const text = await initSwarm(state, { name: 'a', listen: '127.0.0.1:0' });
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
      databaseUrl: fixture.database.url,
      asker: agent,
      log: silentLog,
      tuning: QUICK,
      spoolFolder: temporaryFolder(),
    });
    onTestFinished(() => hub.stop());
    await fixture.until(`select from swarmplane.alert where kind = 'state'`);

    // The table cannot be kept any more.
    state.remove('members.bin');
    mkdirSync(state.file('members.bin'));
    const { secrets } = agent.node;
    const { secret, swarmId } = parseJoinToken(text);
    const { seed } = await deriveTokenKeys(secret, swarmId);
    const letIn = (options: Partial<NetOptions>) => {
      const identity = Identity.create(random, Math.floor(Date.now() / 1000));
      const admission = signAdmission(seed, swarmId, identity.nodeId);
      return startNode('b', { ...secrets, admission }, { ...options, seeds, identity });
    };
    const b = await letIn({});
    await until(() => agent.members().some((member) => member.name === 'b'));
    await letIn({ advertise: [b.address] });
    await fixture.until(`select from swarmplane.alert where kind = 'persist_failed'`);

    const desk = await OperatorDesk.open(state.file('operator.key'));
    const other = Identity.create(random, Math.floor(Date.now() / 1000)).newest.bytes;
    const { bundle } = await desk.newEpoch({
      parent: secrets.epochId,
      epoch: 2,
      terms: undefined,
      members: [{ entry: other, name: 'somebody' }],
    });
    expect(await agent.node.install(bundle)).toBe(true);
    const { bytes } = desk.revoke([], { expelled: [agent.nodeId] }, 1);
    expect(await agent.node.install({ records: [bytes], parts: [] })).toBe(true);
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
