import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { DEFAULT_NET_TUNING } from '../../src/net/index.ts';
import { createSwarm, meshed, startNode, stopAll, until, type TestSwarm } from './swarm-nodes.ts';

afterEach(stopAll);

/** 500 bogus connections a second: silent ones, HTTP, garbage, and well-formed JP1 with true proofs. */
const PER_SECOND = 500;
const FLOOD = Number(process.env['FLOOD_CONNECTIONS'] ?? 2_000);
/** A SYN that a busy kernel drops is sent again after 1, 3 and 7 s. */
const PATIENT = { connectMs: 30_000, handshakeMs: 30_000 };
const DEAD_ADDRESS = { advertise: ['127.0.0.1:1'] };

test('under a flood of bogus connections links hold, members still connect, and nothing piles up', async () => {
  const swarm = await createSwarm();
  const a = await startNode('a', swarm.secrets);
  const b = await startNode('b', swarm.secrets, { seeds: [a.address], ...DEAD_ADDRESS });
  await meshed(a, b);
  const quiet = await joinTimes(swarm, a.address, 'quiet');
  const [before] = b.node.links();
  const memory = process.memoryUsage().rss;

  const flood = startFlood(a.node.address.port, await firstJp1(swarm));
  await once(flood.stdout!, 'data');
  let mostUnproven = 0;
  let mostQueued = 0;
  const watch = setInterval(() => {
    const { unproven, queued } = a.node.pressure();
    mostUnproven = Math.max(mostUnproven, unproven);
    mostQueued = Math.max(mostQueued, queued);
  }, 5);
  await until(() => mostQueued > 0);
  const flooded = await joinTimes(swarm, a.address, 'flooded');
  await new Promise((resolve) => setTimeout(resolve, (FLOOD / PER_SECOND) * 1000));
  flood.stdin!.end();
  const [opened] = (await once(flood.stdout!, 'data')) as [Buffer];
  clearInterval(watch);

  console.log(
    `flood: ${String(opened).trim()} connections; member connect ms, quiet ${show(quiet)}, flooded ${show(flooded)};`,
    `most unproven ${mostUnproven}, most queued ${mostQueued}`,
  );
  expect(Number(opened)).toBeGreaterThan(FLOOD / 4);
  expect(b.node.links()).toMatchObject([{ sinceMs: before!.sinceMs }]);
  expect(mostUnproven).toBeLessThanOrEqual(DEFAULT_NET_TUNING.unauthenticatedMax);
  expect(mostQueued).toBeLessThanOrEqual(DEFAULT_NET_TUNING.admission.queueMax);
  expect(process.memoryUsage().rss - memory).toBeLessThan(256 * 1024 * 1024);
  await until(() => a.node.pressure().unproven === 0);
});

/** Milliseconds that a few members needed to connect, one after the other. */
async function joinTimes(swarm: TestSwarm, address: string, name: string): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const node = await startNode(`${name}${i}`, swarm.secrets, {
      ...DEAD_ADDRESS,
      tuning: PATIENT,
    });
    const began = performance.now();
    await node.node.join(address);
    times.push(performance.now() - began);
    await node.node.stop();
  }
  return times;
}

function show(times: readonly number[]): string {
  return [...times]
    .sort((a, b) => a - b)
    .map((ms) => ms.toFixed(1))
    .join('/');
}

function startFlood(port: number, frame: Buffer) {
  const script = fileURLToPath(new URL('flood-client.mjs', import.meta.url));
  const args = [script, String(port), String(PER_SECOND), frame.toString('hex')];
  return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** The first frame of a real host that wants to be admitted: the costliest thing to answer. */
async function firstJp1(swarm: TestSwarm): Promise<Buffer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection');
  const node = await startNode('stranger', swarm.stranger);
  const joining = node.node.join(`127.0.0.1:${port}`).catch(() => undefined);
  const [socket] = (await accepted) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  server.close();
  await joining;
  await node.node.stop();
  return bytes;
}
