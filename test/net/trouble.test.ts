import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RecordingProxy, type Recorded } from '../helpers/recording-proxy.ts';
import { fromUtf8, utf8 } from '../../src/wire/index.ts';
import {
  createSwarm,
  meshed,
  startNode,
  stopAll,
  until,
  type TestNode,
  type TestSwarm,
} from './swarm-nodes.ts';

let swarm: TestSwarm;
const proxies: RecordingProxy[] = [];
beforeAll(async () => {
  swarm = await createSwarm();
});
afterEach(async () => {
  await stopAll();
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
});

/**
 * Two members whose only way to each other is a proxy: `b` advertises an address where nobody is,
 * so it is always `b` that dials.
 */
async function throughProxy(): Promise<{ a: TestNode; b: TestNode; proxy: RecordingProxy }> {
  const a = await startNode('a', swarm.secrets, { advertise: ['127.0.0.1:1'] });
  const proxy = await RecordingProxy.start(a.address);
  proxies.push(proxy);
  const b = await startNode('b', swarm.secrets, {
    seeds: [proxy.address],
    advertise: ['127.0.0.1:1'],
  });
  await meshed(a, b);
  return { a, b, proxy };
}

describe('a bad line', () => {
  test('a cut link comes back', async () => {
    const { a, b, proxy } = await throughProxy();
    const before = proxy.connections;
    proxy.cut();
    await until(() => proxy.connections > before);
    await meshed(a, b);
  });

  test('a half-open link, silent in both directions, goes down on both sides', async () => {
    const { a, b, proxy } = await throughProxy();
    proxy.freeze();
    await until(() => a.node.links().length === 0 && b.node.links().length === 0);
    proxy.thaw();
    await meshed(a, b);
  });

  test('a flipped bit closes that link only', async () => {
    const { a, b, proxy } = await throughProxy();
    const c = await startNode('c', swarm.secrets, {
      seeds: [a.address],
      advertise: ['127.0.0.1:1'],
    });
    await until(() => a.node.links().length === 2);
    const untouched = a.node.links().find((link) => link.nodeId === c.identity.nodeId)!;
    let flipped = 0;
    proxy.tamper(({ bytes }) => {
      if (flipped++ > 0) return bytes;
      const changed = Buffer.from(bytes);
      changed[changed.length - 1]! ^= 1;
      return changed;
    });
    await until(() => [...a.logged, ...b.logged].some((line) => /session failed/.test(line)));
    await meshed(a, b);
    expect(a.node.links()).toContainEqual(
      expect.objectContaining({ nodeId: c.identity.nodeId, sinceMs: untouched.sinceMs }),
    );
  });

  test('a frame sent twice is refused: the counter does not fit', async () => {
    const { a, b, proxy } = await throughProxy();
    let doubled = 0;
    proxy.tamper((record) => {
      if (record.direction === 'to_client' || doubled++ > 0) return record.bytes;
      return Buffer.concat([record.bytes, record.bytes]);
    });
    await until(() => a.logged.some((line) => /session failed/.test(line)));
    await meshed(a, b);
  });

  test('a length of 4 GiB in the middle of a session is refused before anything is allocated', async () => {
    const { a, b, proxy } = await throughProxy();
    let spoilt = 0;
    proxy.tamper((record) => {
      if (record.direction === 'to_client' || spoilt++ > 0) return record.bytes;
      return Buffer.concat([record.bytes, Buffer.of(0xff, 0xff, 0xff, 0xff)]);
    });
    await until(() => a.logged.some((line) => /frame of 4294967295 bytes/.test(line)));
    await meshed(a, b);
  });

  test('bytes in pieces of any size make the same messages', async () => {
    const { a, proxy } = await throughProxy();
    proxy.delay(1);
    const events = a.node.request({
      kind: 'query',
      body: utf8('x'),
      targets: { kind: 'all' },
      timeoutMs: 20_000,
    });
    const rows: string[] = [];
    for await (const event of events) {
      if (event.kind === 'answer') rows.push(fromUtf8(event.payload));
    }
    expect(rows.sort()).toEqual(['hello from a', 'hello from b']);
  });

  test('cut in the middle of each message of admission, a host still gets in the next time', async () => {
    const a = await startNode('a', swarm.secrets, {
      tuning: { admission: { ...UNLIMITED } },
    });
    const proxy = await RecordingProxy.start(a.address);
    proxies.push(proxy);
    for (let message = 0; message < 6; message++) {
      let seen = 0;
      proxy.tamper((record: Recorded) => {
        if (seen++ < message) return record.bytes;
        setImmediate(() => proxy.cut());
        return record.bytes.subarray(0, record.bytes.length / 2);
      });
      const b = await startNode(`b${message}`, swarm.stranger);
      await expect(b.node.join(proxy.address)).rejects.toMatchObject({
        code: expect.stringMatching(/closed|wrong_secret/) as string,
      });
      expect(b.saved).toEqual([]);
      proxy.tamper(undefined);
      await b.node.join(proxy.address);
      expect(b.saved).toHaveLength(1);
      await b.node.stop();
    }
  });
});

const UNLIMITED = {
  prefixPerSecond: 1000,
  prefixBurst: 1000,
  totalPerSecond: 1000,
  totalBurst: 1000,
  queueMax: 32,
  queuePerPrefixMax: 32,
};
