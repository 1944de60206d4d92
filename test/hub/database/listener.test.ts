import { once } from 'node:events';
import { createServer, connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  createListener,
  type Listener,
  type ListenerOptions,
  type WakeReason,
} from '../../../src/hub/database/listener.ts';
import { eachPostgres, withPostgres, type TestDatabase } from '../../helpers/postgres.ts';
import { until } from '../../helpers/eventually.ts';

const running: Listener[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((listener) => listener.stop()));
});

/** The polls are an hour apart unless the test is about them: a wake then is what it says. */
async function listen(url: string, options: Partial<ListenerOptions> = {}): Promise<Wakes> {
  const listener = createListener({ url, channel: 'work', pollMs: 3_600_000, ...options });
  running.push(listener);
  const wakes = new Wakes();
  listener.onWake((reason) => wakes.add(reason));
  await listener.start();
  return wakes;
}

/** What woke us, in order; `next` waits for one. */
class Wakes {
  readonly #seen: WakeReason[] = [];
  readonly #waiting: { reason: WakeReason; resolve: () => void }[] = [];

  add(reason: WakeReason): void {
    const at = this.#waiting.findIndex((each) => each.reason === reason);
    if (at < 0) this.#seen.push(reason);
    else this.#waiting.splice(at, 1)[0]!.resolve();
  }

  next(reason: WakeReason): Promise<void> {
    const at = this.#seen.indexOf(reason);
    if (at >= 0) {
      this.#seen.splice(at, 1);
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push({ reason, resolve }));
  }
}

async function terminate(database: TestDatabase): Promise<number> {
  const { rowCount } = await database
    .pool(database.superUrl)
    .query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'swarmplane listener'`,
    );
  return rowCount!;
}

eachPostgres('the listener', (postgres) => {
  it('wakes when it has connected, and at a NOTIFY', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const wakes = await listen(database.url);
    await wakes.next('connect');
    await database.pool().query('notify work');
    await wakes.next('notify');
  });

  it('takes any payload from any role: no JSON, huge, other characters', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const stranger = database.pool(await database.urlAs('stranger'));
    const wakes = await listen(database.url);
    await wakes.next('connect');
    for (const payload of ['{not json', 'x'.repeat(7_999), '\u2028ü"\\', '[]', 'null']) {
      await stranger.query('select pg_notify($1, $2)', ['work', payload]);
      await wakes.next('notify');
    }
  });

  it('connects again when the server ends its session', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const wakes = await listen(database.url);
    await wakes.next('connect');
    for (let round = 0; round < 3; round++) {
      expect(await terminate(database)).toBe(1);
      await wakes.next('connect');
      await database.pool().query('notify work');
      await wakes.next('notify');
    }
  });

  it('leaves no session behind when it is stopped', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const wakes = await listen(database.url);
    await wakes.next('connect');
    await running.splice(0)[0]!.stop();
    const pool = database.pool();
    const sessions = `select pid from pg_stat_activity where application_name = 'swarmplane listener'`;
    await until(async () => (await pool.query(sessions)).rowCount === 0, 'the session ends');
  });
});

describe('the listener and a server that goes away', () => {
  const postgres = withPostgres();

  it('comes back after an outage of 6 s, longer than pg-listen would try', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const wakes = await listen(database.url);
    await wakes.next('connect');
    process.kill(await postgres().pid(), 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    await postgres().restart();
    await wakes.next('connect');
    await database.pool().query('notify work');
    await wakes.next('notify');
  });

  it('starts while the server is away, polls meanwhile, and connects when it comes', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const link = new Link(postgres().port);
    const url = await link.open(database.url);
    await link.close();
    const wakes = await listen(url, { pollMs: 50 });
    await wakes.next('poll');
    await wakes.next('poll');
    await link.open(database.url);
    await wakes.next('connect');
    await database.pool().query('notify work');
    await wakes.next('notify');
    await link.close();
  });

  it('notices a half-open connection, which ends without a word, by its pings', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const link = new Link(postgres().port);
    const wakes = await listen(await link.open(database.url), { pingMs: 200, answerMs: 300 });
    await wakes.next('connect');
    link.silence();
    await wakes.next('connect');
    await database.pool().query('notify work');
    await wakes.next('notify');
    await link.close();
  });

  it('stops while the other side is silent', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const link = new Link(postgres().port);
    const wakes = await listen(await link.open(database.url));
    await wakes.next('connect');
    link.silence();
    await running.splice(0)[0]!.stop();
    await link.close();
  });

  it('makes a new subscriber when its own notifications stop coming, though the connection answers', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const link = new Link(postgres().port);
    const wakes = await listen(await link.open(database.url), { watchdogMs: 300, pingMs: 100 });
    await wakes.next('connect');
    // As a pooler does that gives the session away: LISTEN is accepted and means nothing.
    link.dropNotifications();
    await wakes.next('connect');
    await database.pool().query('notify work');
    await wakes.next('notify');
    await link.close();
  });
});

describe('the listener without a server', () => {
  it('leaves no connection behind when it is stopped between two attempts', async () => {
    const retryMsMax = 150;
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await listen(`postgres://nobody@127.0.0.1:${port}/nothing`, { retryMsMax });
    for (let attempt = 1; attempt <= 3; attempt++) {
      const [refused] = (await once(server, 'connection')) as [Socket];
      refused.resetAndDestroy();
    }
    let taken = 0;
    server.on('connection', (socket) => {
      taken++;
      onTestFinished(() => void socket.destroy());
    });
    // It waits for its next attempt then, which would come within the second pause.
    await pause(retryMsMax / 5);
    await running.splice(0)[0]!.stop();
    await pause(2 * retryMsMax);
    expect(taken).toBe(0);
  });
});

/** A TCP link to the server that can fall silent, as when a firewall forgets it. */
class Link {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #server = createServer();
  #listenPort = 0;
  /** Connections made before count as lost; new ones work. */
  #spoilt = new Map<Socket, 'silent' | 'deaf'>();

  constructor(port: number) {
    this.#port = port;
  }

  async open(url: string): Promise<string> {
    this.#server = createServer((client) => this.#join(client));
    this.#server.listen(this.#listenPort, '127.0.0.1');
    await new Promise((resolve) => this.#server.once('listening', resolve));
    this.#listenPort = (this.#server.address() as AddressInfo).port;
    return url.replace(/:\d+\//, `:${this.#listenPort}/`);
  }

  silence(): void {
    for (const socket of this.#sockets) this.#spoilt.set(socket, 'silent');
  }

  /** NotificationResponse messages ('A') no longer pass. */
  dropNotifications(): void {
    for (const socket of this.#sockets) this.#spoilt.set(socket, 'deaf');
  }

  close(): Promise<unknown> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const server = connectTcp(this.#port, '127.0.0.1');
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => {
        const state = this.#spoilt.get(from);
        if (state === 'silent') return;
        to.write(state === 'deaf' && from === server ? withoutNotifications(bytes) : bytes);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        if (this.#spoilt.get(from) !== 'silent') to.destroy();
      });
    }
  }
}

/** Whole messages, as the server sends them here: type, length, body. */
function withoutNotifications(bytes: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    if (bytes[at] !== 'A'.charCodeAt(0)) kept.push(bytes.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}
