import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { toHex, utf8 } from '../../src/wire/index.ts';
import {
  QUICK,
  createSwarm,
  member,
  startNode,
  stopAll,
  until,
  type TestSwarm,
} from './swarm-nodes.ts';

let swarm: TestSwarm;
const children: ChildProcess[] = [];
beforeAll(async () => {
  swarm = await createSwarm();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await stopAll();
});

/** A node in a process of its own that dials `seed`. */
async function startChild(name: string, seed: string): Promise<ChildProcess> {
  const { swarmId, operatorKey, epoch, epochId, epochKey, head } = swarm.secrets;
  const secrets = {
    swarmId: toHex(swarmId),
    operatorKey: toHex(operatorKey!),
    epoch,
    epochId,
    epochKey: toHex(epochKey!),
    head: toHex(head!),
  };
  const [seedOfToken, records] = [toHex(swarm.tokenKeys.seed), toHex(swarm.records)];
  const known = { seedOfToken, records };
  const given = JSON.stringify({ name, seeds: [seed], secrets, ...known, tuning: QUICK });
  const script = fileURLToPath(new URL('node-child.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, given], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout!, 'data');
  return child;
}

test('a stopped process (SIGSTOP) loses its link and is accounted for; continued, it is back', async () => {
  const a = await startNode('a', swarm.secrets);
  const child = await startChild('b', a.address);
  await until(() => member(a, 'b')?.linked === true);
  child.kill('SIGSTOP');
  await until(() => a.node.links().length === 0);
  const spec = { kind: 'query', body: utf8('x'), timeoutMs: 20_000 };
  for await (const event of a.node.request({ ...spec, targets: { kind: 'all' } })) {
    if (event.kind !== 'account') continue;
    const states = Object.fromEntries(event.account.hosts.map((host) => [host.name, host.state]));
    expect(states).toEqual({ a: 'ok', b: 'unreachable' });
  }
  child.kill('SIGCONT');
  await until(() => member(a, 'b')?.state === 'alive' && member(a, 'b')?.linked === true);
});

test('a killed process (SIGKILL) is gone from the links at once; a new one is taken up', async () => {
  const a = await startNode('a', swarm.secrets);
  const child = await startChild('b', a.address);
  await until(() => member(a, 'b')?.linked === true);
  child.kill('SIGKILL');
  await until(() => a.node.links().length === 0);
  await startChild('c', a.address);
  await until(() => member(a, 'c')?.linked === true);
});
