import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { encodeFrame, utf8 } from '../../src/wire/index.ts';
import {
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
const sockets: Socket[] = [];
beforeAll(async () => {
  swarm = await createSwarm();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await stopAll();
});

async function rawTo(node: TestNode, localAddress = '127.0.0.1'): Promise<Socket> {
  const { host, port } = node.node.address;
  const socket = connect({ host, port, localAddress });
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.resume();
  await once(socket, 'connect');
  return socket;
}

async function closedBy(socket: Socket): Promise<void> {
  if (!socket.destroyed) await once(socket, 'close');
}

describe('strangers', () => {
  test.each([
    ['an HTTP client', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['a TLS client', Buffer.from('16030100f1010000ed0303', 'hex')],
    ['an empty frame', Buffer.from(encodeFrame(new Uint8Array()))],
    ['random bytes in a frame', Buffer.from(encodeFrame(random(300)))],
    ['a frame of 4 GiB', Buffer.from('ffffffff00', 'hex')],
  ])('%s is closed, and the links that are up stay', async (_who, bytes) => {
    const a = await startNode('a', swarm.secrets);
    // Nobody is where b says that it is, so that no crossed open replaces the link.
    const b = await startNode('b', swarm.secrets, {
      ...{ seeds: [a.address], advertise: ['127.0.0.1:1'] },
    });
    await meshed(a, b);
    const [before] = a.node.links();
    const socket = await rawTo(a);
    socket.write(bytes);
    await closedBy(socket);
    expect(a.node.links()[0]).toMatchObject({ sinceMs: before!.sinceMs });
    expect(a.node.links()).toHaveLength(1);
  });

  test('one that says nothing, or only half a frame, is closed in time', async () => {
    const a = await startNode('a', swarm.secrets, { tuning: { firstMessageMs: 100 } });
    const silent = await rawTo(a);
    const slow = await rawTo(a);
    slow.write(Buffer.of(0, 0, 1));
    await Promise.all([closedBy(silent), closedBy(slow)]);
    await until(() => a.logged.filter((line) => line.includes('no first message')).length === 2);
  });

  test('one that stops in the middle of a handshake is closed in time', async () => {
    const a = await startNode('a', swarm.secrets, { tuning: { handshakeMs: 200 } });
    const first = await firstMessageOf(swarm);
    const socket = await rawTo(a);
    socket.write(first);
    await closedBy(socket);
    await until(() => a.logged.some((line) => line.includes('no handshake within 200 ms')));
  });

  test('of too many without a handshake the oldest goes', async () => {
    const a = await startNode('a', swarm.secrets, {
      tuning: { unauthenticatedMax: 3, firstMessageMs: 30_000, handshakeMs: 30_000 },
    });
    const first = await rawTo(a);
    const others = [await rawTo(a), await rawTo(a)];
    await rawTo(a);
    await closedBy(first);
    expect(others.map((socket) => socket.destroyed)).toEqual([false, false]);
    const b = await startNode('b', swarm.secrets);
    await b.node.join(a.address);
    await meshed(a, b);
  });

  test('joins beyond the budget are refused at once as busy, members pass all the same', async () => {
    const none = { prefixPerSecond: 0.001, prefixBurst: 1, queuePerPrefixMax: 1, queueMax: 2 };
    const a = await startNode('a', swarm.secrets, {
      tuning: { admission: { ...none, totalPerSecond: 4, totalBurst: 5 } },
    });
    const join = async (name: string, tuning = {}): Promise<unknown> =>
      (await startNode(name, swarm.stranger, { tuning })).node.join(a.address);
    await join('b');
    const waiting = join('c', { handshakeMs: 2_000 }).catch((error: unknown) => error);
    await until(() => a.node.pressure().queued === 1);
    await expect(join('d')).rejects.toMatchObject({
      code: 'busy',
      hint: expect.stringContaining('try again') as string,
    });
    const e = await startNode('e', swarm.secrets);
    await e.node.join(a.address);
    expect(await waiting).toMatchObject({ code: 'timeout' });
    await until(() => a.node.pressure().queued === 0);
  });

  test('ten wrong secrets from one network: an alarm, then refused without J-PAKE for a while', async () => {
    const other = await createSwarm();
    const unlimited = { prefixPerSecond: 1000, prefixBurst: 1000, totalPerSecond: 1000 };
    const a = await startNode('a', swarm.secrets, {
      tuning: {
        admission: { ...unlimited, totalBurst: 1000, queueMax: 32, queuePerPrefixMax: 32 },
        failures: {
          ...{ perPrefix: 3, total: 100, windowMs: 3_600_000, prefixesMax: 10 },
          ...{ delayMinMs: 60_000, delayMaxMs: 600_000, totalDelayMaxMs: 10_000 },
        },
      },
    });
    const { joining } = swarm.stranger;
    const wrong = { ...swarm.stranger, joining: { ...joining!, joinKey: other.tokenKeys.joinKey } };
    const guesser = await startNode('guesser', wrong);
    for (let i = 0; i < 3; i++) {
      await expect(guesser.node.join(a.address)).rejects.toMatchObject({ code: 'wrong_secret' });
    }
    await until(() => a.alarms.some((alarm) => alarm.kind === 'join_guessing'));
    await expect(guesser.node.join(a.address)).rejects.toMatchObject({ code: 'busy' });
    expect(a.alarms.filter((alarm) => alarm.kind === 'join_guessing')).toHaveLength(1);
    const member = await startNode('member', swarm.secrets);
    await member.node.join(a.address);
  });

  test('a replayed first message opens nothing', async () => {
    const a = await startNode('a', swarm.secrets);
    const first = await firstMessageOf(swarm);
    const sockets = [await rawTo(a), await rawTo(a)];
    for (const socket of sockets) {
      socket.write(first);
      socket.write(encodeFrame(utf8('not the third message')));
    }
    await Promise.all(sockets.map(closedBy));
    expect(a.node.links()).toEqual([]);
  });
});

/** A valid M1 frame, as it goes over the wire from a real member. */
async function firstMessageOf(of: TestSwarm): Promise<Buffer> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection');
  const node = await startNode('sender', of.secrets, { tuning: { handshakeMs: 30_000 } });
  const joining = node.node.join(`127.0.0.1:${port}`).catch(() => undefined);
  const [socket] = (await accepted) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  server.close();
  await joining;
  return bytes;
}
