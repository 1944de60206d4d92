/**
 * A flood of strangers on one host, from 50 networks, and what honest hosts see of it meanwhile:
 * newcomers that join, and members that connect over a way of 240 ms. For the test and the bench.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { encodeFrame } from '../../src/wire/index.ts';
import { DelayProxy } from './delay-proxy.ts';
import { RawMember } from './raw-member.ts';
import { createSwarm, meshed, random, startNode } from './swarm-nodes.ts';
import type { TestNode, TestSwarm } from './swarm-nodes.ts';

export interface FloodFigures {
  readonly opened: number;
  /** Milliseconds of each. */
  readonly joins: readonly number[];
  readonly members: readonly number[];
  readonly failed: readonly string[];
  readonly mostUnproven: number;
  readonly mostQueued: number;
  /** Whether the link that was up before stayed. */
  readonly linkHeld: boolean;
}

export interface FloodOptions {
  readonly seconds: number;
  /** Bogus connections; 0 for a quiet run. */
  readonly perSecond: number;
  /** Handshakes of members, spread over the time. */
  readonly members: number;
}

const DELAY_MS = 240;
const JOINS_EVERY_MS = 1_500;

export async function floodOf(options: FloodOptions): Promise<FloodFigures> {
  const swarm = await createSwarm();
  // A host that has just started challenges everybody: a member is a stranger for three ways longer.
  const target = await startNode('target', swarm.secrets);
  const linked = await startNode('linked', swarm.secrets, {
    seeds: [target.address],
    advertise: ['127.0.0.1:1'],
  });
  await meshed(target, linked);
  const [before] = linked.node.links();
  const proxy = await DelayProxy.start(target.node.address, DELAY_MS);
  const flood = await startFlood(swarm, target.node.address.port, options.perSecond);
  const most = { unproven: 0, queued: 0 };
  const watch = setInterval(() => {
    const { unproven, queued } = target.node.pressure();
    most.unproven = Math.max(most.unproven, unproven);
    most.queued = Math.max(most.queued, queued);
  }, 5);
  const failed: string[] = [];
  const [joins, members] = await Promise.all([
    paced(options.seconds * 1000, JOINS_EVERY_MS, () => joinOnce(swarm, target), failed),
    paced(
      options.seconds * 1000,
      (options.seconds * 1000) / options.members,
      () => connectOnce(swarm, proxy),
      failed,
    ),
  ]);
  clearInterval(watch);
  const opened = await endFlood(flood);
  await proxy.stop();
  const linkHeld = linked.node.links()[0]?.sinceMs === before!.sinceMs;
  const { unproven: mostUnproven, queued: mostQueued } = most;
  return { opened, joins, members, failed, mostUnproven, mostQueued, linkHeld };
}

/** Starts `one` every `everyMs`; milliseconds that each took. */
async function paced(
  forMs: number,
  everyMs: number,
  one: () => Promise<void>,
  failed: string[],
): Promise<number[]> {
  const times: number[] = [];
  const running: Promise<void>[] = [];
  for (let at = 0; at < forMs; at += everyMs) {
    const began = performance.now();
    const ends = one().then(
      () => void times.push(performance.now() - began),
      (error: unknown) => void failed.push(String(error)),
    );
    running.push(ends);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  await Promise.all(running);
  return times;
}

async function joinOnce(swarm: TestSwarm, target: TestNode): Promise<void> {
  const newcomer = await startNode('newcomer', swarm.stranger, { advertise: ['127.0.0.1:1'] });
  try {
    await newcomer.node.join(target.address);
  } finally {
    await newcomer.node.stop();
  }
}

async function connectOnce(swarm: TestSwarm, proxy: DelayProxy): Promise<void> {
  const member = await RawMember.connect(proxy.at, swarm.secrets);
  member.socket.destroy();
}

/** Silent ones, other programs, the 41 bytes with garbage behind, and what was heard on the way. */
async function startFlood(
  swarm: TestSwarm,
  port: number,
  perSecond: number,
): Promise<ChildProcess | undefined> {
  if (perSecond === 0) return undefined;
  const [m1, jp1] = [await firstOf(swarm, 'secrets'), await firstOf(swarm, 'stranger')];
  // Frame header 4, message header 6.
  const named = jp1.subarray(4, 4 + 6 + 41);
  const lured = Buffer.concat([named, random(jp1.length - 4 - named.length)]);
  const firsts = ['', hex('GET / HTTP/1.1\r\n\r\n'), '0000010053', m1, jp1, encodeFrame(lured)];
  const script = fileURLToPath(new URL('flood-client.mjs', import.meta.url));
  const args = firsts.map((one) =>
    typeof one === 'string' ? one : Buffer.from(one).toString('hex'),
  );
  const flood = spawn(process.execPath, [script, String(port), String(perSecond), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(flood.stdout, 'data');
  return flood;
}

async function endFlood(flood: ChildProcess | undefined): Promise<number> {
  if (flood === undefined) return 0;
  flood.stdin!.end();
  const [opened] = (await once(flood.stdout!, 'data')) as [Buffer];
  return Number(opened);
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

/** The first frame of a real host, M1 or JP1, as somebody on the way hears it. */
async function firstOf(swarm: TestSwarm, who: 'secrets' | 'stranger'): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection');
  const node = await startNode('heard', swarm[who]);
  const joining = node.node.join(`127.0.0.1:${port}`).catch(() => undefined);
  const [socket] = (await accepted) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  server.close();
  await joining;
  await node.node.stop();
  return bytes;
}
