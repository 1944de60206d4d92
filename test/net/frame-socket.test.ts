import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { FrameSocket } from '../../src/net/frame-socket.ts';
import { Listener } from '../../src/net/listener.ts';
import { dial } from '../../src/net/dialer.ts';
import { NetError } from '../../src/net/errors.ts';
import { DEFAULT_NET_TUNING } from '../../src/net/tuning.ts';
import { encodeFrame, utf8 } from '../../src/wire/index.ts';
import { until } from '../helpers/eventually.ts';

const mono = (): number => performance.now();
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A raw client socket and the FrameSocket that the accepting side made of it. */
async function pair(
  limits = {},
  clock = mono,
): Promise<{ raw: Socket; frames: FrameSocket; closed: Promise<NetError> }> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection');
  const raw = connect(port, '127.0.0.1');
  raw.on('error', () => undefined);
  const [socket] = (await accepted) as [Socket];
  const frames = new FrameSocket(socket, { ...DEFAULT_NET_TUNING, ...limits }, clock);
  const closed = new Promise<NetError>((resolve) => (frames.onClose = resolve));
  cleanups.push(() => {
    raw.destroy();
    frames.close(new NetError('stopped', 'test over'));
    server.close();
  });
  return { raw, frames, closed };
}

describe('frames over a socket', () => {
  test('cut into single bytes they arrive whole, one for each read', async () => {
    const { raw, frames } = await pair();
    const bytes = Buffer.concat([encodeFrame(utf8('one')), encodeFrame(utf8('two'))]);
    for (const byte of bytes) raw.write(Buffer.of(byte));
    expect(Buffer.from(await frames.read()).toString()).toBe('one');
    expect(Buffer.from(await frames.read()).toString()).toBe('two');
  });

  test('a hold in the middle of what has arrived keeps the rest back until its time', async () => {
    let now = 0;
    const { raw, frames } = await pair({}, () => now);
    const got: string[] = [];
    const held = new Promise<void>((resolve) => {
      frames.stream((frame) => {
        got.push(Buffer.from(frame).toString());
        if (got.length > 1) return resolve();
        frames.hold(50);
        // The timer comes and finds that by the clock it is not time yet.
        setTimeout(() => {
          expect(got).toEqual(['one']);
          now = 50;
        }, 200);
      });
    });
    raw.write(Buffer.concat([encodeFrame(utf8('one')), encodeFrame(utf8('two'))]));
    await held;
    expect([got, now]).toEqual([['one', 'two'], 50]);
  });

  test('what nobody reads during the handshake stays in the kernel, not in memory', async () => {
    const { raw, frames } = await pair();
    raw.write(encodeFrame(utf8('first')));
    await frames.read();
    const frame = encodeFrame(new Uint8Array(4096));
    let blocked = false;
    for (let i = 0; i < 20_000 && !blocked; i++) {
      blocked =
        !raw.write(frame) && (await Promise.race([once(raw, 'drain'), stuck(raw)])) === 'stuck';
    }
    expect(blocked).toBe(true);
    expect(frames.bytesIn).toBeLessThan(256 * 1024);
  });

  test('frames of one turn leave in order, and before a close in the same turn', async () => {
    const { raw, frames } = await pair();
    const bodies = [1, 40_000, 3, 4, 60_000, 6].map((size, at) => new Uint8Array(size).fill(at));
    for (const body of bodies) frames.send(body);
    frames.close(new NetError('stopped', 'the last word was said'));
    const chunks: Buffer[] = [];
    for await (const chunk of raw) chunks.push(chunk as Buffer);
    const wanted = Buffer.concat(bodies.map(encodeFrame));
    const got = Buffer.concat(chunks);
    // What the kernel took at once is what the stream took without asking to wait.
    expect(got.length).toBeGreaterThan(40_000);
    expect(Buffer.compare(got, wanted.subarray(0, got.length))).toBe(0);
  });

  test('4 KiB pass before authentication, one byte more closes', async () => {
    const { raw, frames, closed } = await pair();
    raw.write(encodeFrame(new Uint8Array(4096)));
    expect((await frames.read()).length).toBe(4096);
    raw.write(encodeFrame(new Uint8Array(4097)));
    await expect(frames.read()).rejects.toMatchObject({ code: 'not_swarmplane' });
    expect((await closed).message).toContain('4097');
  });

  test('256 KiB pass afterwards, one byte more closes', async () => {
    const { raw, frames, closed } = await pair();
    const sizes: number[] = [];
    frames.stream((frame) => sizes.push(frame.length));
    raw.write(encodeFrame(new Uint8Array(256 * 1024)));
    raw.write(Buffer.from([0, 4, 0, 1]));
    expect((await closed).code).toBe('not_swarmplane');
    expect(sizes).toEqual([256 * 1024]);
  });

  test('an HTTP client is closed at its first bytes', async () => {
    const { raw, frames } = await pair();
    raw.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect(frames.read()).rejects.toMatchObject({ code: 'not_swarmplane' });
  });

  test('a peer that does not read is closed at the cap, and memory is given back', async () => {
    const { raw, frames, closed } = await pair({ writeBufferMax: 1024 * 1024 });
    raw.pause();
    for (let i = 0; i < 200 && !frames.closed; i++) frames.send(new Uint8Array(64 * 1024));
    expect((await closed).message).toContain('does not read');
    expect(frames.bytesWaiting).toBeLessThan(256 * 1024);
  });

  test('a peer that takes no byte shows as stalled, and not after it read', async () => {
    let now = 0;
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const accepted = once(server, 'connection');
    const raw = connect(port, '127.0.0.1');
    raw.pause();
    const [socket] = (await accepted) as [Socket];
    const frames = new FrameSocket(socket, DEFAULT_NET_TUNING, () => now);
    cleanups.push(() => void (raw.destroy(), socket.destroy(), server.close()));
    for (let i = 0; i < 150; i++) frames.send(new Uint8Array(64 * 1024));
    now = 20_000;
    frames.send(new Uint8Array(1));
    expect(frames.stalledMs()).toBeGreaterThanOrEqual(20_000);
    raw.resume();
    while (frames.bytesWaiting > 0) await once(raw, 'data');
    expect(frames.stalledMs()).toBe(0);
  });

  test('a peer over its byte rate is left unread for a while, and loses nothing', async () => {
    let now = 0;
    const rate = 512 * 1024;
    const { raw, frames } = await pair({ linkBytesPerSecond: rate }, () => now);
    const count = 6 * (rate / 16_384);
    let seen = 0;
    frames.stream(() => seen++);
    for (let i = 0; i < count; i++) raw.write(encodeFrame(new Uint8Array(16_384)));
    await until(() => frames.bytesIn >= rate);
    await turns(200);
    expect(frames.bytesIn).toBeLessThan(2 * rate);
    await until(() => {
      now += 10;
      return seen === count;
    });
    expect(frames.bytesIn).toBe(count * (16_384 + 4));
  });

  test('a last word arrives before the end', async () => {
    const { raw, frames } = await pair();
    const got: Buffer[] = [];
    raw.on('data', (bytes) => got.push(bytes));
    const ended = once(raw, 'end');
    frames.send(utf8('refused'));
    await Promise.all([frames.end(new NetError('busy', 'no room')), ended]);
    expect(Buffer.concat(got).subarray(4).toString()).toBe('refused');
    await expect(frames.read()).rejects.toMatchObject({ code: 'busy' });
  });

  test('a reset in the middle of a frame ends the read with a reason', async () => {
    const { raw, frames } = await pair();
    raw.write(Buffer.from([0, 0, 0, 9, 1]));
    const reading = frames.read();
    raw.resetAndDestroy();
    await expect(reading).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('listening and dialling', () => {
  test('a port in use is told with what to do', async () => {
    const first = await Listener.open({ host: '127.0.0.1', port: 0 });
    cleanups.push(() => void first.close());
    await expect(Listener.open(first.address)).rejects.toMatchObject({
      code: 'port_in_use',
      message: expect.stringContaining(`127.0.0.1:${first.address.port}`) as string,
      hint: expect.stringContaining('another port') as string,
    });
  });

  test('an address this host does not have is told with what to do', async () => {
    await expect(Listener.open({ host: '192.0.2.1', port: 0 })).rejects.toMatchObject({
      code: 'address_unavailable',
      hint: expect.stringContaining('0.0.0.0') as string,
    });
  });

  test('nobody there, no such name and an abort are told apart', async () => {
    const listener = await Listener.open({ host: '127.0.0.1', port: 0 });
    await listener.close();
    const address = `127.0.0.1:${listener.address.port}`;
    await expect(dial(address, { connectMs: 5000 })).rejects.toMatchObject({
      code: 'unreachable',
      hint: expect.stringContaining('nothing listens') as string,
    });
    await expect(dial('no such host', { connectMs: 5000 })).rejects.toMatchObject({
      code: 'bad_address',
    });
    const signal = AbortSignal.abort();
    await expect(dial(address, { connectMs: 5000, signal })).rejects.toMatchObject({
      code: 'aborted',
    });
  });
});

/** No drain although the event loop went round often: the other side does not read. */
async function stuck(raw: Socket): Promise<'stuck' | undefined> {
  await turns(200);
  return raw.writableNeedDrain ? 'stuck' : undefined;
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
