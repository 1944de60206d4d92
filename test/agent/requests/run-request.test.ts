/** A host confines what it is asked again, whoever asked: here the asker's own check is left out. */
import { setMaxListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { encodeQueryBody } from '../../../src/agent/answer.ts';
import {
  Agent,
  createLog,
  initSwarm,
  loadConfig,
  prepareJoin,
  StateFolder,
  type HostOutcome,
} from '../../../src/agent/index.ts';
import { pack } from '../../../src/wire/index.ts';
import { eventually } from '../../helpers/swarm.ts';

const log = createLog('error', 'test');
let folder: string;
let asker: Agent;
let host: Agent;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'confine-'));
  const first = StateFolder.open(join(folder, 'asker'));
  const token = await initSwarm(first, { name: 'asker', listen: '127.0.0.1:0' });
  asker = await Agent.start({ state: first, config: loadConfig(first), hub: false, log });
  const seed = `127.0.0.1:${asker.node.address.port}`;
  const second = StateFolder.open(join(folder, 'host'));
  const { joining, config } = await prepareJoin(
    second,
    { name: 'host', listen: '127.0.0.1:0' },
    seed,
    token,
  );
  host = await Agent.start({
    state: second,
    config: { ...config, denyTables: ['etc_hosts'] },
    joining,
    hub: false,
    log,
  });
  await host.node.join(seed);
  await eventually(
    () => asker.members().find((member) => member.nodeId === host.nodeId && member.linked),
    'the asker knows the host',
  );
});
afterAll(async () => {
  await host?.stop();
  await asker?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function sendTo(
  target: Agent,
  kind: string,
  body: Uint8Array,
): Promise<HostOutcome & { bytes: number }> {
  const spec = {
    kind,
    body,
    targets: { kind: 'nodes', nodes: [target.nodeId] },
    timeoutMs: 20_000,
  } as const;
  for await (const event of asker.node.request(spec)) {
    if (event.kind === 'answer') return { ...event.outcome, bytes: event.payload.length };
  }
  throw new Error('no answer');
}

it.each([
  ["delete from users where username = 'root'", 'not_authorized'],
  ["attach '/etc/passwd' as stolen", 'not_authorized'],
  ['pragma database_list', 'not_authorized'],
  ["select load_extension('x')", undefined],
  ['select 1; select 2', undefined],
  ['select * from nonesuch', 'no_such_table'],
  ['selct', 'syntax'],
])('a host refuses %j though the asker sent it', async (sql, code) => {
  const outcome = await sendTo(host, 'query', encodeQueryBody(sql));
  expect(['error', 'refused']).toContain(outcome.state);
  if (code !== undefined) expect(outcome.code).toBe(code);
  expect(outcome).toMatchObject({ rowCount: 0, bytes: 0 });
  expect(outcome.message).not.toBe('');
});

it('a host refuses sensitive tables and those its configuration denies', async () => {
  for (const [sql, code] of [
    ['select * from shadow', 'authority'],
    ['select * from etc_hosts', 'not_authorized'],
  ] as const) {
    const outcome = await sendTo(host, 'query', encodeQueryBody(sql));
    expect(outcome).toMatchObject({
      state: 'refused',
      code,
      rowCount: 0,
      bytes: 0,
    });
  }
  expect(await sendTo(asker, 'query', encodeQueryBody('select * from etc_hosts'))).toMatchObject({
    state: 'ok',
  });
});

it('a host refuses kinds it does not know and bodies that are none, and answers on', async () => {
  expect(await sendTo(host, 'nonesuch', pack({}))).toMatchObject({
    state: 'refused',
    code: 'unknown_kind',
  });
  expect(await sendTo(host, 'action', pack({}))).toMatchObject({
    state: 'refused',
    code: 'bad_command',
  });
  expect(await sendTo(host, 'query', pack({ sql: 5 }))).toMatchObject({ state: 'error' });
  expect(await sendTo(host, 'query', new Uint8Array([0xc1]))).toMatchObject({ state: 'error' });
  expect(await sendTo(host, 'query', encodeQueryBody('select 1 as one'))).toMatchObject({
    state: 'ok',
    rowCount: 1,
  });
});

it('a host takes its askers in turn: one that floods it keeps no other waiting', async () => {
  const endless =
    'with recursive r(x) as (select 1 union all select x + 1 from r) select count(*) from r';
  const flood = new AbortController();
  setMaxListeners(0, flood.signal);
  const ended: string[] = [];
  const runs = vi.spyOn(host.runner, 'run');
  const spec = { targets: { kind: 'nodes', nodes: [host.nodeId] }, timeoutMs: 60_000 } as const;
  const read = async (by: Agent, sql: string, signal?: AbortSignal): Promise<string> => {
    const body = encodeQueryBody(sql);
    for await (const event of by.node.request({ ...spec, kind: 'query', body }, signal)) {
      if (event.kind === 'account') return event.account.hosts[0]!.state;
    }
    return 'none';
  };
  const slow = Array.from({ length: 20 }, () =>
    read(asker, endless, flood.signal).then(
      (state) => ended.push(state),
      () => undefined,
    ),
  );
  await eventually(() => runs.mock.calls.length === 20, 'the flood is there');
  expect(await read(host, 'select 1')).toBe('ok');
  // At most one of each of the two places may have come to its limit meanwhile.
  expect(ended.length).toBeLessThanOrEqual(2);
  flood.abort();
  await Promise.all(slow);
});
