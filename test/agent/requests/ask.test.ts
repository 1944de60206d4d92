/** The asker's own prepare: its time, its place before everybody's queries, its errors. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setMaxListeners } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../../../src/agent/requests/ask.ts';
import { Agent, createLog, initSwarm, loadConfig, StateFolder } from '../../../src/agent/index.ts';
import { createQueryRunner } from '../../../src/query/index.ts';
import type { AskEvent } from '../../../src/agent/types.ts';

let folder: string;
let agent: Agent;
const ENDLESS =
  'with recursive r(x) as (select 1 union all select x + 1 from r) select count(*) from r';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ask-'));
  const state = StateFolder.open(join(folder, 'state'));
  await initSwarm(state, { name: 'asker', listen: '127.0.0.1:0' });
  const config = { ...loadConfig(state), limits: { timeMs: 60_000 } };
  agent = await Agent.start({ state, config, hub: false, log: createLog('error', 'test') });
});
afterAll(async () => {
  await agent?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function all(events: AsyncIterable<AskEvent>): Promise<AskEvent[]> {
  const list: AskEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
}

it('asks the swarm while members flood this host with slow queries', async () => {
  const flood = new AbortController();
  setMaxListeners(0, flood.signal);
  const slow = ['a', 'a', 'a', 'b', 'b', 'b'].map((asker) =>
    agent.runner.run(ENDLESS, { asker, signal: flood.signal }).catch(({ code }) => code as string),
  );
  const gone = new AbortController();
  const asked = new Promise<readonly string[]>((onAsked) => {
    const spec = { sql: 'select 1 as one', targets: { kind: 'all' }, timeoutMs: 60_000 } as const;
    void all(agent.ask({ ...spec, signal: gone.signal, onAsked })).catch(() => undefined);
  });
  expect(await asked).toHaveLength(1);
  gone.abort();
  flood.abort();
  expect(new Set(await Promise.all(slow))).toEqual(new Set(['cancelled']));
});

it('says that no host was asked when preparing takes all the time there is', async () => {
  // A process that is not ready in a moment: none is.
  const runner = createQueryRunner({ facts: () => ({ agent: {} }) });
  const spec = { sql: 'select 1', targets: { kind: 'all' }, timeoutMs: 20 } as const;
  try {
    await expect(all(ask(runner, agent.node, agent.certificates, spec))).rejects.toMatchObject({
      code: 'busy',
      message: 'no host was asked: waited 20 ms for a query process to start; ask again later',
    });
  } finally {
    await runner.stop();
  }
});

it('is withdrawn with its asker, and leaves nothing waiting', async () => {
  const runner = createQueryRunner({ facts: () => ({ agent: {} }) });
  const gone = new AbortController();
  const spec = { sql: 'select 1', targets: { kind: 'all' }, timeoutMs: 60_000 } as const;
  const events = all(ask(runner, agent.node, agent.certificates, { ...spec, signal: gone.signal }));
  gone.abort();
  await expect(events).rejects.toMatchObject({ code: 'cancelled' });
  expect((await runner.run('select 2')).rows).toEqual([[2]]);
  await runner.stop();
});
