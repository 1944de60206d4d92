import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_NET_TUNING, type NetError } from '../../src/net/index.ts';
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
      seeds: [a.address],
      advertise: ['127.0.0.1:1'],
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

  test('of too many without a handshake one of the loudest network goes', async () => {
    const a = await startNode('a', swarm.secrets, {
      tuning: { unauthenticatedMax: 3, firstMessageMs: 30_000, handshakeMs: 30_000 },
    });
    const quiet = await rawTo(a, '127.5.5.5');
    for (const host of ['127.6.6.6', '127.6.6.7', '127.6.6.8']) await rawTo(a, host);
    await until(() => a.logged.some((line) => line.includes('too many connections')));
    expect(quiet.destroyed).toBe(false);
    const b = await startNode('b', swarm.secrets);
    await b.node.join(a.address);
    await meshed(a, b);
    expect(quiet.destroyed).toBe(false);
  });

  test('joins beyond the budget are refused at once as busy, members pass all the same', async () => {
    const none = { prefixPerSecond: 0.001, prefixBurst: 1, queuePerPrefixMax: 1, queueMax: 2 };
    const a = await startNode('a', swarm.secrets, {
      tuning: { admission: { ...none, totalPerSecond: 4, totalBurst: 5 } },
    });
    const join = async (name: string, tuning = {}): Promise<unknown> =>
      (await startNode(name, swarm.stranger, { tuning })).node.join(a.address);
    await join('b');
    const outcome = (name: string): Promise<NetError> =>
      join(name, { handshakeMs: 2_000 }).then(
        () => expect.unreachable(),
        (error: unknown) => error as NetError,
      );
    const first = outcome('c');
    await until(() => a.node.pressure().queued === 1);
    const both = Promise.all([first, outcome('d')]);
    const e = await startNode('e', swarm.secrets);
    await e.node.join(a.address);
    // There is room for one of the two, by lot.
    const [busy, waited] = (await both).toSorted((x, y) => x.code.localeCompare(y.code));
    expect(busy).toMatchObject({ code: 'busy' });
    expect(busy!.hint).toContain('try again');
    expect(waited).toMatchObject({ code: 'timeout' });
    await until(() => a.node.pressure().queued === 0);
  });

  test('wrong secrets cost a hash each, raise an alarm, and shut the door for nobody', async () => {
    const other = await createSwarm();
    const failures = { ...DEFAULT_NET_TUNING.failures, perPrefix: 3 };
    const a = await startNode('a', swarm.secrets, { tuning: { failures } });
    const { joining } = swarm.stranger;
    const wrong = { ...swarm.stranger, joining: { ...joining!, joinKey: other.tokenKeys.joinKey } };
    const guesser = await startNode('guesser', wrong);
    for (let i = 0; i < 12; i++) {
      await expect(guesser.node.join(a.address)).rejects.toMatchObject({ code: 'wrong_secret' });
    }
    expect(a.alarms.filter((alarm) => alarm.kind === 'join_guessing')).toHaveLength(1);
    // The first, and the third with what it means; the others tell nothing new.
    expect(a.alarms.filter((alarm) => alarm.kind === 'wrong_secret')).toHaveLength(2);
    expect(a.node.pressure().refused).toBe(0);
    const newcomer = await startNode('newcomer', swarm.stranger);
    await newcomer.node.join(a.address);
    const member = await startNode('member', swarm.secrets);
    await member.node.join(a.address);
  });

  test('a first message that was heard on the way is challenged, and keeps no place', async () => {
    const a = await startNode('a', swarm.secrets, { tuning: { challengeMs: 100 } });
    const sockets: Socket[] = [];
    for (const first of [await firstMessageOf(swarm), await firstMessageOf(swarm, 'stranger')]) {
      const socket = await rawTo(a);
      socket.write(first);
      sockets.push(socket);
    }
    await Promise.all(sockets.map(closedBy));
    const late = (line: string): boolean => line.includes('no answer to the challenge');
    await until(() => a.logged.filter(late).length === 2);
    expect(a.node.pressure()).toEqual({ unproven: 0, queued: 0, refused: 0 });
  });

  test('a member whose clock is wrong connects, and a newcomer joins', async () => {
    const wrong = { now: () => ({ mono: performance.now(), wall: 1_000_000 }) };
    const a = await startNode('a', swarm.secrets);
    const b = await startNode('b', swarm.secrets, { clock: wrong });
    await b.node.join(a.address);
    const c = await startNode('c', swarm.stranger, { clock: wrong });
    await c.node.join(a.address);
    await until(() => a.node.links().length === 2);
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

/** A valid M1 or JP1 frame, as it goes over the wire from a real host. */
async function firstMessageOf(
  of: TestSwarm,
  who: 'secrets' | 'stranger' = 'secrets',
): Promise<Buffer> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection');
  const node = await startNode('sender', of[who], { tuning: { handshakeMs: 30_000 } });
  const joining = node.node.join(`127.0.0.1:${port}`).catch(() => undefined);
  const [socket] = (await accepted) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  server.close();
  await joining;
  return bytes;
}
