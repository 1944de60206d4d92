/**
 * A real agent, killed while it takes and while it hands over, at writes of its journal and at
 * any other moment. What its status ever counted must reach the hub once, in order.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  Agent,
  CONTROL_SOCKET,
  controlOnce,
  createLog,
  initSwarm,
  loadConfig,
  StateFolder,
  type HistoryStatus,
} from '../../../src/agent/index.ts';
import { eventually, freeAddress, TestHost } from '../../helpers/swarm.ts';
import { Keeper, track } from './client.ts';

const KILLER = fileURLToPath(new URL('../../helpers/kill-at-history-write.mjs', import.meta.url));
const log = createLog('error', 'test');
const keeper = new Keeper();
/** Time of each taking that was shown by the host's status, by table and sequence. */
const counted = new Map<string, number>();

let folder: string;
let hub: Agent;
let host: TestHost;
let nodeId: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'history-kill-'));
  const state = StateFolder.open(join(folder, 'hub'));
  const text = await initSwarm(state, { name: 'hub', listen: '127.0.0.1:0' });
  const tokenFile = join(folder, 'join.token');
  writeFileSync(tokenFile, text);
  hub = await Agent.start({ state, config: loadConfig(state), hub: true, log });
  const [address, seed] = [await freeAddress(), `127.0.0.1:${hub.node.address.port}`];
  const place = ['--name', 'host', '--listen', address];
  const token = ['--join', seed, '--token-file', tokenFile];
  host = new TestHost('host', folder, address, ['up', ...place, ...token]);
  mkdirSync(host.state, { mode: 0o700 });
  host.start();
  nodeId = (await host.until(({ alive }) => alive === 2, 'sees the hub')).nodeId;
  // Each keeps the other's seat on its own disk first.
  const known = () => hub.members().some((one) => one.nodeId === nodeId) || undefined;
  await eventually(known, 'the hub sees the host');
  await track(hub, nodeId, 1, [
    // The time differs at every taking, the users do not.
    { table: 'time', every: 1 },
    { table: 'users', every: 1 },
  ]);
});
afterAll(async () => {
  await host?.end('SIGKILL');
  await hub?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Fetches until `done`; the host may die at any moment of it. */
async function fetchUntil(done: () => boolean): Promise<void> {
  await eventually(
    async () => {
      await noteStatus().catch(() => undefined);
      if (done()) return true;
      await keeper.fetch(hub, nodeId, { bytes: 2_000, timeoutMs: 1_000 });
      return done() ? true : undefined;
    },
    `${keeper.taken.length} takings\n${host.log().slice(-2000)}`,
  );
}

async function noteStatus(): Promise<void> {
  const socket = join(host.state, CONTROL_SOCKET);
  const { history } = (await controlOnce(socket, { op: 'status' })) as unknown as {
    history: HistoryStatus;
  };
  for (const { table, sequence, at } of history.tables) {
    if (at !== null) counted.set(`${table} ${sequence}`, at);
  }
}

it('loses and doubles nothing, wherever it is killed', async () => {
  await fetchUntil(() => keeper.taken.length >= 4);
  for (const at of [2, 8, 15]) {
    await host.end('SIGKILL');
    host.start({ NODE_OPTIONS: `--import=${KILLER}`, KILL_AT: String(at) });
    await fetchUntil(() => !host.running);
  }
  host.start();
  await host.until(() => true, 'is up');
  await noteStatus();
  const before = keeper.taken.length;
  await fetchUntil(() => keeper.taken.length >= before + 4);
  await host.end();
  // What the last status counted may still be with the host.
  const last = new Map(['time', 'users'].map((table) => [table, keeper.ofTable(table).length]));
  for (const [key, at] of counted) {
    const [table, sequence] = key.split(' ') as [string, string];
    if (Number(sequence) <= last.get(table)!) expect([key, at]).toEqual([key, timeOf(key)]);
  }
  expect(counted.size).toBeGreaterThan(6);
  const { taken } = keeper;
  // One line each, from 1, without a gap: the keeper refuses repeats and leaps.
  expect(taken.filter(({ kind }) => kind === 'gap')).toEqual([]);
  for (const table of ['time', 'users']) {
    const sequences = keeper.ofTable(table).map(({ sequence }) => sequence);
    expect(sequences).toEqual(Array.from(sequences, (_, at) => at + 1));
  }
}, 120_000);

function timeOf(key: string): number | undefined {
  return keeper.taken.find((it) => `${it.table} ${it.sequence}` === key)?.at;
}
