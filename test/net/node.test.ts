import { createServer } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SwarmNode } from '../../src/net/index.ts';
import { RecordingProxy } from '../helpers/recording-proxy.ts';
import type { RequestEvent } from '../../src/net/request-stream.ts';
import { fromUtf8, utf8 } from '../../src/wire/index.ts';
import {
  answer,
  createSwarm,
  member,
  meshed,
  recordsOf,
  startNode,
  stopAll,
  until,
  type TestNode,
  type TestSwarm,
} from './swarm-nodes.ts';

let swarm: TestSwarm;
beforeAll(async () => {
  swarm = await createSwarm();
});
afterEach(stopAll);

/** Whether a frame of that direction and length, header included, has passed. */
function sent(proxy: RecordingProxy): (what: string) => boolean {
  return (what) => {
    const [direction, length] = what.split(' ');
    const pieces = proxy.records.filter((record) => record.direction === direction);
    const bytes = Buffer.concat(pieces.map((record) => record.bytes));
    for (let at = 0; at + 4 <= bytes.length;) {
      const frame = bytes.readUInt32BE(at) + 4;
      if (frame === Number(length)) return true;
      at += frame;
    }
    return false;
  };
}

const QUERY = { kind: 'query', targets: { kind: 'all' }, timeoutMs: 20_000 } as const;

async function ask(of: TestNode, text = 'select 1', signal?: AbortSignal): Promise<RequestEvent[]> {
  const events: RequestEvent[] = [];
  for await (const event of of.node.request({ ...QUERY, body: utf8(text) }, signal)) {
    events.push(event);
  }
  return events;
}

function states(events: readonly RequestEvent[]): Record<string, string> {
  const last = events.at(-1);
  if (last?.kind !== 'account') throw new Error('no account at the end');
  return Object.fromEntries(last.account.hosts.map((host) => [host.name, host.state]));
}

describe('joining', () => {
  test('a host with the join token is let in, keeps the secrets first, and the connection becomes a link', async () => {
    const first = await startNode('first', swarm.secrets);
    const order: string[] = [];
    const second = await startNode('second', swarm.stranger, {
      saveSecrets: async (secrets) => {
        order.push(second.node.secrets.epochKey === undefined ? 'saved before use' : 'used early');
        expect(secrets.epochKey).toEqual(swarm.secrets.epochKey);
        expect(secrets.operatorKey).toEqual(swarm.secrets.operatorKey);
      },
    });
    const peer = await second.node.join(first.address);
    expect(peer.nodeId).toBe(first.identity.nodeId);
    expect(order).toEqual(['saved before use']);
    await meshed(first, second);
    expect(second.node.links()).toMatchObject([
      { nodeId: first.identity.nodeId, name: 'first', address: first.address, initiator: true },
    ]);
    expect(states(await ask(first))).toEqual({ first: 'ok', second: 'ok' });
  });

  test('three hosts join at once through one member', async () => {
    const first = await startNode('first', swarm.secrets);
    const others = await Promise.all(
      ['b', 'c', 'd'].map((name) => startNode(name, swarm.stranger)),
    );
    await Promise.all(others.map((other) => other.node.join(first.address)));
    await meshed(first, ...others);
    const events = await ask(others[2]!);
    expect(states(events)).toEqual({ first: 'ok', b: 'ok', c: 'ok', d: 'ok' });
    const rows = events.flatMap((one) => (one.kind === 'answer' ? [fromUtf8(one.payload)] : []));
    expect(rows.sort()).toEqual(['b', 'c', 'd', 'first'].map((name) => `hello from ${name}`));
  });

  test('a wrong join secret is refused on both sides, with an alarm at the member and no secrets', async () => {
    const other = await createSwarm();
    const first = await startNode('first', swarm.secrets);
    const { joining } = swarm.stranger;
    const wrong = { ...swarm.stranger, joining: { ...joining!, joinKey: other.tokenKeys.joinKey } };
    const second = await startNode('second', wrong);
    await expect(second.node.join(first.address)).rejects.toMatchObject({
      code: 'wrong_secret',
      message: expect.stringContaining(first.address) as string,
      hint: expect.stringContaining('join token') as string,
    });
    await until(() => first.alarms.length > 0);
    expect(first.alarms).toMatchObject([
      { kind: 'wrong_secret', message: expect.stringContaining('wrong join secret') as string },
    ]);
    expect(second.saved).toEqual([]);
    expect(first.node.links()).toEqual([]);
    expect(second.node.links()).toEqual([]);
    expect(first.node.members()).toHaveLength(1);
  });

  test('the token of another swarm is refused before any guess is made of it', async () => {
    const other = await createSwarm();
    const first = await startNode('first', swarm.secrets);
    const second = await startNode('second', other.stranger);
    await expect(second.node.join(first.address)).rejects.toMatchObject({ code: 'wrong_swarm' });
    expect(first.alarms).toEqual([]);
  });

  test('a member of another swarm is refused', async () => {
    const other = await createSwarm();
    const first = await startNode('first', swarm.secrets);
    const second = await startNode('second', other.secrets);
    await expect(second.node.join(first.address)).rejects.toMatchObject({ code: 'wrong_epoch' });
    expect(first.node.links()).toEqual([]);
  });

  test('a member that does not know the join token admits nobody by it and says so', async () => {
    const kept = new Map([['records', recordsOf(swarm.head, [])]]);
    const first = await startNode('first', swarm.secrets, { kept });
    const second = await startNode('second', swarm.stranger);
    await expect(second.node.join(first.address)).rejects.toMatchObject({
      code: 'unknown_token',
      hint: expect.stringContaining('has not heard of it') as string,
    });
    expect(second.saved).toEqual([]);
  });

  test('secrets that cannot be kept are not used', async () => {
    const first = await startNode('first', swarm.secrets);
    const second = await startNode('second', swarm.stranger, {
      saveSecrets: () => Promise.reject(new Error('disk full')),
    });
    await expect(second.node.join(first.address)).rejects.toMatchObject({
      code: 'handshake_failed',
      hint: expect.stringContaining('writable') as string,
      cause: expect.objectContaining({ message: 'disk full' }) as Error,
    });
    expect(second.node.secrets.epochKey).toBeUndefined();
    expect(second.node.links()).toEqual([]);
  });

  test('the own address is recognised', async () => {
    const first = await startNode('first', swarm.secrets);
    await expect(first.node.join(first.address)).rejects.toMatchObject({ code: 'self' });
    expect(first.alarms).toEqual([]);
  });

  test('a copied state folder raises an alarm when it meets the original', async () => {
    const first = await startNode('first', swarm.secrets);
    const copy = await startNode('first', swarm.secrets, { identity: first.identity });
    await expect(copy.node.join(first.address)).rejects.toMatchObject({ code: 'clone' });
    expect(copy.alarms).toMatchObject([{ kind: 'clone', key: first.identity.nodeId }]);
  });
});

describe('a peer that is not one', () => {
  test('a web server is told apart', async () => {
    const server = createServer((socket) => {
      socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const first = await startNode('first', swarm.stranger);
    await expect(first.node.join(`127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'not_swarmplane',
      hint: expect.stringContaining('port') as string,
    });
    server.close();
  });

  test('one that accepts and never speaks ends in a timeout', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const first = await startNode('first', swarm.secrets, { tuning: { handshakeMs: 100 } });
    await expect(first.node.join(`127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'timeout' });
    server.close();
  });

  test('joining can be given up', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const first = await startNode('first', swarm.secrets);
    const giveUp = new AbortController();
    const joining = first.node.join(`127.0.0.1:${port}`, giveUp.signal);
    giveUp.abort();
    await expect(joining).rejects.toMatchObject({ code: 'aborted' });
    server.close();
  });
});

describe('members', () => {
  test('a second start on the same port says which port is in use', async () => {
    const first = await startNode('first', swarm.secrets);
    await expect(
      startNode('second', swarm.secrets, { listen: first.node.address }),
    ).rejects.toMatchObject({ code: 'port_in_use' });
  });

  test('a member finds the swarm by its seeds, without J-PAKE', async () => {
    const first = await startNode('first', swarm.secrets);
    const second = await startNode('second', swarm.secrets, { seeds: [first.address] });
    await meshed(first, second);
  });

  test('two that dial each other at once end with one link', async () => {
    const [a, b] = await Promise.all([
      startNode('a', swarm.secrets),
      startNode('b', swarm.secrets),
    ]);
    await Promise.all([a.node.join(b.address), b.node.join(a.address)]);
    await until(() => a.node.links().length === 1 && b.node.links().length === 1);
    await meshed(a, b);
    const [smaller] = [a, b].sort((x, y) => (x.identity.nodeId < y.identity.nodeId ? -1 : 1));
    expect(smaller!.node.links()).toMatchObject([{ initiator: true }]);
  });

  test('one that leaves is seen as left, one that is stopped is not', async () => {
    const a = await startNode('a', swarm.secrets);
    const b = await startNode('b', swarm.secrets, { seeds: [a.address] });
    const c = await startNode('c', swarm.secrets, { seeds: [a.address] });
    await meshed(a, b, c);
    await b.node.leave();
    await until(() => member(a, 'b')?.state === 'left' && member(c, 'b')?.state === 'left');
    await c.node.stop();
    await until(() => a.node.links().length === 0);
    expect(member(a, 'c')?.state).not.toBe('left');
    expect(states(await ask(a))).toEqual({ a: 'ok', c: 'unreachable' });
  });

  test('one that comes back with what it kept is alive again under the same id', async () => {
    const a = await startNode('a', swarm.secrets);
    const b = await startNode('b', swarm.secrets, { seeds: [a.address] });
    await meshed(a, b);
    const { incarnation } = member(a, 'b')!;
    await until(() => b.store.has('members') && b.store.has('incarnation'));
    await b.node.stop();
    const again = await startNode('b', swarm.secrets, { identity: b.identity, kept: b.store });
    await meshed(a, again);
    expect(member(a, 'b')!.incarnation).toBeGreaterThan(incarnation);
    expect(a.alarms).toEqual([]);
  });

  test('a suspended host closes its links and makes them anew', async () => {
    let suspendedMs = 0;
    const clock = {
      now: () => ({ mono: performance.now(), wall: Date.now() + suspendedMs }),
    };
    const a = await startNode('a', swarm.secrets, { clock });
    const b = await startNode('b', swarm.secrets, { seeds: [a.address] });
    await meshed(a, b);
    suspendedMs = 10_500;
    await until(() => a.logged.some((line) => line.includes('was suspended')));
    await meshed(a, b);
  });

  test('a session changes its keys after two minutes, and goes on', async () => {
    let later = 0;
    const clock = {
      now: () => ({ mono: performance.now() + later, wall: Date.now() + later }),
    };
    const tuning = { linkDeadMs: 600_000, writeStallMs: 600_000 };
    const nowhere = { advertise: ['127.0.0.1:1'], tuning };
    const a = await startNode('a', swarm.secrets, nowhere);
    const proxy = await RecordingProxy.start(a.address);
    try {
      const seeds = { seeds: [proxy.address] };
      const b = await startNode('b', swarm.secrets, { ...nowhere, ...seeds, clock });
      await meshed(a, b);
      const [before] = b.node.links();
      later = 120_000;
      // REKEY, its reply and the switch: type and key, or type alone, sealed and framed.
      await until(() => ['to_target 53', 'to_client 53', 'to_target 21'].every(sent(proxy)));
      expect(states(await ask(b))).toEqual({ a: 'ok', b: 'ok' });
      expect(states(await ask(a))).toEqual({ a: 'ok', b: 'ok' });
      expect(b.node.links()).toMatchObject([{ sinceMs: before!.sinceMs }]);
    } finally {
      await proxy.stop();
    }
  });

  test('a listener that throws disturbs nobody', async () => {
    const a = await startNode('a', swarm.secrets);
    a.node.onMember(() => {
      throw new Error('listener bug');
    });
    const seen: string[] = [];
    const off = a.node.onMember((one) => seen.push(one.name));
    const b = await startNode('b', swarm.secrets, { seeds: [a.address] });
    await meshed(a, b);
    expect(seen).toContain('b');
    off();
    expect(a.logged.some((line) => line.includes('listener bug'))).toBe(true);
  });
});

describe('requests', () => {
  test('a host whose run fails answers with an error; the others with rows', async () => {
    const a = await startNode('a', swarm.secrets);
    const b = await startNode('b', swarm.secrets, {
      seeds: [a.address],
      run: () => Promise.reject(new Error('collector broke')),
    });
    await meshed(a, b);
    const events = await ask(a);
    expect(states(events)).toEqual({ a: 'ok', b: 'error' });
    const failed = events.find((one) => one.kind === 'answer' && one.outcome.name === 'b');
    expect(failed).toMatchObject({ outcome: { code: 'failed', message: 'collector broke' } });
  });

  test('an answer of 4 MiB arrives whole', async () => {
    const big = 'x'.repeat(4 * 1024 * 1024 - 64);
    const a = await startNode('a', swarm.secrets);
    const b = await startNode('b', swarm.secrets, {
      seeds: [a.address],
      run: async () => answer(big),
    });
    await meshed(a, b);
    const events = await ask(a);
    expect(states(events)).toEqual({ a: 'ok', b: 'ok' });
    const got = events.find((one) => one.kind === 'answer' && one.outcome.name === 'b');
    expect(got?.kind === 'answer' && got.payload.length).toBe(big.length);
  });

  test.each(['signal', 'leaving the loop'])('withdrawing by %s reaches the hosts', async (how) => {
    let begun = (): void => undefined;
    const running = new Promise<void>((resolve) => (begun = resolve));
    let aborted = (): void => undefined;
    const withdrawn = new Promise<void>((resolve) => (aborted = resolve));
    const a = await startNode('a', swarm.secrets);
    const b = await startNode('b', swarm.secrets, {
      seeds: [a.address],
      run: (_request, signal) =>
        new Promise((resolve) => {
          begun();
          signal.addEventListener('abort', () => {
            aborted();
            resolve(answer('late'));
          });
        }),
    });
    await meshed(a, b);
    const abort = new AbortController();
    const stream = a.node.request({ ...QUERY, body: utf8('x') }, abort.signal);
    const reading = (async () => {
      const events: RequestEvent[] = [];
      for await (const event of stream) {
        events.push(event);
        if (how === 'signal') continue;
        await running;
        break;
      }
      return events;
    })();
    await running;
    if (how === 'signal') abort.abort();
    await withdrawn;
    const events = await reading;
    if (how === 'signal') expect(events.at(-1)?.kind).toBe('account');
  });

  test('stopping ends a request that is waited for', async () => {
    const a = await startNode('a', swarm.secrets, { run: () => new Promise(() => undefined) });
    const reading = ask(a);
    await a.node.stop();
    await expect(reading).rejects.toMatchObject({ code: 'stopped' });
    expect(() => a.node.request({ ...QUERY, body: utf8('x') })).toThrow('stopping');
    await expect(a.node.join('127.0.0.1:9')).rejects.toMatchObject({ code: 'stopped' });
    expect(a.node).toBeInstanceOf(SwarmNode);
  });
});
