/** Two agents: one says that it is a hub, the other tracks what it is told and hands it over. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  Agent,
  createLog,
  encodeFetchBody,
  encodeTrackBody,
  initSwarm,
  loadConfig,
  OPERATOR_KEY_FILE,
  OperatorDesk,
  prepareJoin,
  StateFolder,
} from '../../../src/agent/index.ts';
import { pack } from '../../../src/wire/index.ts';
import { eventually } from '../../helpers/swarm.ts';
import { Keeper, request, track } from './client.ts';

const log = createLog('error', 'test');
let folder: string;
let hub: Agent;
let host: Agent;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'history-'));
  const first = StateFolder.open(join(folder, 'hub'));
  const token = await initSwarm(first, { name: 'hub', listen: '127.0.0.1:0' });
  hub = await Agent.start({ state: first, config: loadConfig(first), hub: true, log });
  const seed = `127.0.0.1:${hub.node.address.port}`;
  const second = StateFolder.open(join(folder, 'host'));
  const settings = { name: 'host', listen: '127.0.0.1:0' };
  const { joining, config } = await prepareJoin(second, settings, seed, token);
  const denying = { ...config, denyTables: ['etc_hosts'] };
  host = await Agent.start({ state: second, config: denying, joining, hub: false, log });
  await host.node.join(seed);
  await eventually(
    () => hub.members().find((member) => member.nodeId === host.nodeId && member.linked),
    'the hub knows the host',
  );
});
afterAll(async () => {
  await host?.stop();
  await hub?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('a member that says that it is a hub tracks and fetches nothing without the certificate', async () => {
  const state = StateFolder.open(join(folder, 'pretender'));
  const desk = await OperatorDesk.open(join(folder, 'hub', OPERATOR_KEY_FILE));
  const terms = { uses: 1, hours: 1, note: '', host: '' };
  const token = await desk.newToken(hub.node.secrets.epochId!, terms);
  await hub.node.install({ records: [token.record.bytes], parts: [] });
  const seed = `127.0.0.1:${hub.node.address.port}`;
  const settings = { name: 'pretender', listen: '127.0.0.1:0' };
  const { joining, config } = await prepareJoin(state, settings, seed, token.text);
  const pretender = await Agent.start({ state, config, joining, hub: true, log });
  try {
    await pretender.node.join(seed);
    await eventually(
      () => pretender.members().find((one) => one.nodeId === host.nodeId && one.linked),
      'the pretender knows the host',
    );
    for (const kind of ['track', 'fetch']) {
      const body = pack({ version: 9, tables: [], acks: [] });
      const { outcome } = await request(pretender, host.nodeId, kind, body);
      expect(outcome).toMatchObject({ state: 'refused', code: 'authority' });
      expect(outcome.message).toContain('`swarmplane operator grant pretender --role hub`');
    }
    const { bytes } = desk.grantHub(pretender.nodeId, 1);
    await hub.node.install({ records: [bytes], parts: [] });
    await eventually(() => host.node.isHub(pretender.nodeId) || undefined, 'the host knows');
    expect(await track(pretender, host.nodeId, 1, [])).toMatchObject({ taken: true });
  } finally {
    await pretender.leave();
  }
});

it('a host tracks what it is told, and says what it will not track and why', async () => {
  const answer = await track(hub, host.nodeId, 5, [
    { table: 'users', every: 1 },
    { table: 'processes', every: 1 },
    { table: 'etc_hosts', every: 60 },
    { table: 'file', every: 60 },
    { table: 'shadow', every: 60 },
    { table: 'nonesuch', every: 60 },
    { table: 'x"; drop', every: 60 },
    { table: 'groups', every: 0 },
  ]);
  expect(answer).toMatchObject({ version: 5, taken: true });
  expect(answer.refused.map(({ table, code }) => [table, code])).toEqual([
    ['etc_hosts', 'denied'],
    ['file', 'constraint_required'],
    ['shadow', 'authority'],
    ['nonesuch', 'no_such_table'],
    ['x"; drop', 'no_such_table'],
    ['groups', 'bad_interval'],
  ]);
  expect(await track(hub, host.nodeId, 4, [])).toEqual({ version: 5, taken: false, refused: [] });
  expect(host.history.status.tables.map(({ table }) => table)).toEqual(['users', 'processes']);
});

it('hands over its takings in order, signed, until they are acknowledged', async () => {
  const keeper = new Keeper();
  await eventually(async () => {
    // Another process each time: the next taking has something to say.
    spawn('sleep', ['3']);
    await keeper.fetch(hub, host.nodeId);
    const changes = keeper.ofTable('processes').filter(({ kind }) => kind === 'delta');
    return changes.length >= 2 && keeper.ofTable('users').length >= 2 ? true : undefined;
  }, 'two changes of one table, two takings of the other');
  const [full, ...others] = keeper.ofTable('users');
  expect(full).toMatchObject({ kind: 'full', sequence: 1 });
  expect(new Set(others.map(({ kind }) => kind))).toEqual(new Set(['same']));
  const names = [...keeper.states.get('users')!.values()].map(([, , , , name]) => name);
  const passwd = readFileSync('/etc/passwd', 'utf8').trim().split('\n');
  expect(names).toHaveLength(passwd.length);

  // Another hub, with nothing to go on from, gets the state whole after an honest gap.
  await keeper.fetch(hub, host.nodeId);
  const late = new Keeper();
  await late.fetch(hub, host.nodeId);
  expect(late.states.get('users')).toEqual(keeper.states.get('users'));
});

it('takes up a wish list of sensitive tables only from a hub that may have them', async () => {
  const wishes = [{ table: 'shadow', every: 1 }];
  expect((await track(hub, host.nodeId, 6, wishes)).refused[0]).toMatchObject({
    code: 'authority',
    message: expect.stringContaining('operator grant'),
  });
});

it('takes neither from a member that is no hub, and no body that is none', async () => {
  const bodies = {
    track: encodeTrackBody({ version: 99, tables: [] }),
    fetch: encodeFetchBody({ acks: [] }),
  };
  for (const [kind, body] of Object.entries(bodies)) {
    expect((await request(host, hub.nodeId, kind, body)).outcome).toMatchObject({
      state: 'refused',
      code: 'authority',
      message: expect.stringContaining('is taken from hubs only'),
    });
    const { outcome } = await request(hub, host.nodeId, kind, pack({ acks: 5, version: 'x' }));
    expect(outcome).toMatchObject({ state: 'error' });
  }
});
