/**
 * The agent's main thread keeps heartbeats: no turn of its event loop may take over 50 ms while
 * it answers and asks the largest query there is. Measured as time on the CPU of this thread
 * (/proc/thread-self/schedstat), so that a busy machine does not count against it.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  Agent,
  createLog,
  initSwarm,
  loadConfig,
  prepareJoin,
  StateFolder,
  type AskEvent,
} from '../../src/agent/index.ts';

const TURN_MS_MAX = 50;
const log = createLog('error', 'test');

let folder: string;
let agent: Agent;
let other: Agent;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'loop-'));
  const state = StateFolder.open(join(folder, 'asker'));
  const token = await initSwarm(state, { name: 'asker', listen: '127.0.0.1:0' });
  agent = await start(state);
  const { host, port } = agent.node.address;
  const joiner = StateFolder.open(join(folder, 'other'));
  const settings = { name: 'other', listen: '127.0.0.1:0' };
  const { joining, config } = await prepareJoin(joiner, settings, `${host}:${port}`, token);
  other = await Agent.start({ state: joiner, config, joining, hub: false, log });
  await other.node.join(`${host}:${port}`);
});
afterAll(async () => {
  await other?.stop();
  await agent?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('is never held up by a query, not even by its 4 MiB of rows', async () => {
  await answers("select 'warm' as state");
  const turns = new Turns();
  const events = await answers(
    "with recursive c(n) as (select 1 union all select n + 1 from c where n < 10000) select n, printf('%0390d', n) as wide from c",
  );
  const longest = turns.stop();
  const ended = events.flatMap((event) => (event.kind === 'answer' ? [event.answer.outcome] : []));
  expect(ended.map(({ name, state }) => [name, state]).sort()).toEqual([
    ['asker', 'ok'],
    ['other', 'ok'],
  ]);
  for (const { rowCount } of ended) expect(rowCount).toBeGreaterThan(9_000);
  expect(longest).toBeGreaterThan(0);
  expect(longest).toBeLessThan(TURN_MS_MAX);
});

it('is never held up by a query that burns its whole time limit', async () => {
  const turns = new Turns();
  const [answer] = await answers(
    'with recursive c(n) as (select 1 union all select n + 1 from c) select count(*) as n from c',
  );
  expect(turns.stop()).toBeLessThan(TURN_MS_MAX);
  expect(answer).toMatchObject({ answer: { outcome: { state: 'error', code: 'time_limit' } } });
});

function start(state: StateFolder): Promise<Agent> {
  return Agent.start({ state, config: loadConfig(state), hub: false, log });
}

async function answers(sql: string): Promise<AskEvent[]> {
  const events: AskEvent[] = [];
  for await (const event of agent.ask({ sql, targets: { kind: 'all' }, timeoutMs: 30_000 }))
    events.push(event);
  return events;
}

/** Milliseconds of CPU between two turns of the event loop, the longest of them. */
class Turns {
  #last = onCpuMs();
  #longest = 0;
  readonly #timer = setInterval(() => {
    const now = onCpuMs();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }, 1);

  stop(): number {
    clearInterval(this.#timer);
    return Math.max(this.#longest, onCpuMs() - this.#last);
  }
}

function onCpuMs(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6;
}
