import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RecordingProxy } from '../helpers/recording-proxy.ts';
import type { RunOutcome } from '../../src/swarm/index.ts';
import { pack, utf8 } from '../../src/wire/index.ts';
import { RawMember } from './raw-member.ts';
import {
  answer,
  createSwarm,
  meshed,
  random,
  startNode,
  stopAll,
  until,
  type TestNode,
  type TestSwarm,
} from './swarm-nodes.ts';

let swarm: TestSwarm;
const raws: RawMember[] = [];
const proxies: RecordingProxy[] = [];
beforeAll(async () => {
  swarm = await createSwarm();
});
afterEach(async () => {
  for (const raw of raws.splice(0)) raw.socket.destroy();
  await stopAll();
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
});

async function rawTo(node: TestNode, identity = RawMember.identity()): Promise<RawMember> {
  const raw = await RawMember.connect(node.node.address, swarm.secrets, identity);
  raws.push(raw);
  return raw;
}

/** Two honest members with one link that nothing but trouble would replace. */
async function honest(tuning = {}): Promise<{ a: TestNode; b: TestNode }> {
  const a = await startNode('a', swarm.secrets, { tuning });
  const b = await startNode('b', swarm.secrets, {
    seeds: [a.address],
    advertise: ['127.0.0.1:1'],
    run: async () => answer('x'.repeat(3 * 1024 * 1024)),
  });
  await meshed(a, b);
  return { a, b };
}

async function statesOf(node: TestNode): Promise<Record<string, string>> {
  const spec = { kind: 'query', body: utf8('x'), timeoutMs: 20_000 };
  let states = {};
  for await (const event of node.node.request({ ...spec, targets: { kind: 'all' } })) {
    if (event.kind !== 'account') continue;
    states = Object.fromEntries(event.account.hosts.map((host) => [host.name, host.state]));
  }
  return states;
}

describe('a member that turns hostile', () => {
  test.each([
    ['random bytes', () => random(100)],
    ['no map', () => pack([1, 2, 3])],
    ['a known type without its fields', () => pack({ t: 'request' })],
    ['nothing', () => new Uint8Array()],
    ['deep nesting', () => new Uint8Array(5000).fill(0x91)],
  ])('sends %s: closed, kept out for a while, and nobody else notices', async (_what, message) => {
    const { a, b } = await honest({ banMs: 60_000 });
    const [before] = b.node.links();
    const identity = RawMember.identity();
    const raw = await rawTo(a, identity);
    raw.drain();
    raw.send(message());
    await raw.closed();
    const again = await rawTo(a, identity);
    again.drain();
    await again.closed();
    expect(a.logged.some((line) => line.includes('broke the protocol'))).toBe(true);
    expect(b.node.links()).toMatchObject([{ sinceMs: before!.sinceMs }]);
    expect(await statesOf(b)).toEqual({ a: 'ok', b: 'ok' });
  });

  test('one kept out for a while gets in again', async () => {
    const { a } = await honest({ banMs: 100 });
    const identity = RawMember.identity();
    const raw = await rawTo(a, identity);
    raw.drain();
    raw.send(random(100));
    await raw.closed();
    await until(() => a.node.links().every((link) => link.nodeId !== identity.nodeId));
    for (;;) {
      const next = await rawTo(a, identity);
      next.drain();
      const out = next.closed().then(() => 'out');
      const linked = (): boolean => a.node.links().some((one) => one.nodeId === identity.nodeId);
      let gone = false;
      void out.then(() => (gone = true));
      await until(() => gone || linked());
      if (!gone) break;
    }
  });

  test('speaks a type of the future: ignored, the link stays', async () => {
    const { a } = await honest();
    const identity = RawMember.identity();
    const raw = await rawTo(a, identity);
    raw.drain();
    const link = () => a.node.links().find((one) => one.nodeId === identity.nodeId);
    await until(() => link() !== undefined);
    const { bytesIn } = link()!;
    const junk = new Uint8Array(100_000);
    raw.send(pack({ t: 'from-the-future', junk }));
    raw.send(pack({ t: 'heartbeat' }));
    await until(() => (link()?.bytesIn ?? Infinity) > bytesIn + junk.length);
    expect(link()).toBeDefined();
  });

  test('asks much and never reads: closed at the cap, the others get their answers', async () => {
    const big = answer('x'.repeat(4 * 1024 * 1024 - 64));
    const tuning = { writeBufferMax: 1024 * 1024, writeStallMs: 60_000, linkDeadMs: 60_000 };
    let begun = 0;
    let release = (): void => {};
    const choked = new Promise<void>((resolve) => (release = resolve));
    const run = (): Promise<RunOutcome> => (++begun, choked.then(() => big));
    const a = await startNode('a', swarm.secrets, { tuning, run });
    // b and c cannot dial each other: all that c gets comes through the proxy.
    const nowhere = { advertise: ['127.0.0.1:1'] };
    const b = await startNode('b', swarm.secrets, { seeds: [a.address], ...nowhere });
    await meshed(a, b);
    const proxy = await RecordingProxy.start(a.address);
    proxies.push(proxy);
    const seeds = { seeds: [proxy.address], ...nowhere };
    const c = await startNode('c', swarm.secrets, { ...seeds, tuning: { linkDeadMs: 60_000 } });
    await meshed(a, c);
    const targets = { kind: 'nodes', nodes: [a.identity.nodeId] } as const;
    for (let i = 0; i < 10; i++) {
      c.node.request({ kind: 'query', body: utf8(`${i}`), timeoutMs: 20_000, targets });
    }
    // Not before a has begun all of them: it asks for their bodies along the link that is choked.
    await until(() => begun === 10);
    proxy.choke();
    release();
    await until(() => a.logged.some((line) => line.includes('does not read')));
    expect(await statesOf(b)).toMatchObject({ a: 'ok', b: 'ok' });
  });

  test('floods frames of 256 KiB: the others keep their links and get their answers', async () => {
    const { a, b } = await honest();
    const [before] = b.node.links();
    const raw = await rawTo(a);
    raw.drain();
    const junk = pack({ t: 'from-the-future', junk: new Uint8Array(255 * 1024) });
    let sent = 0;
    const flood = (): void => {
      while (!raw.socket.destroyed && sent < 400 && raw.send(junk)) sent++;
      if (!raw.socket.destroyed && sent++ < 400) raw.socket.once('drain', flood);
    };
    flood();
    for (let i = 0; i < 3; i++) expect(await statesOf(b)).toEqual({ a: 'ok', b: 'ok' });
    expect(b.node.links()).toMatchObject([{ sinceMs: before!.sinceMs }]);
  });
});
