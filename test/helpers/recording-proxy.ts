/** A TCP proxy that records what passes, and can spoil it: cut, half-open, delay. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Recorded {
  /** Numbered from 0 in order of accepting. */
  readonly connection: number;
  readonly direction: 'to_target' | 'to_client';
  readonly bytes: Buffer;
}

export class RecordingProxy {
  /** Everything that passed, in order of arrival here, where recording was not turned off. */
  readonly records: Recorded[] = [];
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #pairs = new Set<{ client: Socket; target: Socket }>();
  readonly #recording: boolean;
  #connections = 0;
  readonly #sockets = new Set<Socket>();
  #frozen = false;
  #choked = false;
  #delayMs = 0;
  #change: ((record: Recorded) => Buffer | undefined) | undefined;

  private constructor(server: Server, target: { host: string; port: number }, recording: boolean) {
    this.#recording = recording;
    this.#server = server;
    this.#target = target;
  }

  /** Listens on a free loopback port and forwards to `target` (`host:port`). */
  static async start(target: string, { record = true } = {}): Promise<RecordingProxy> {
    const at = target.lastIndexOf(':');
    const server = createServer({ allowHalfOpen: true });
    const to = { host: target.slice(0, at), port: Number(target.slice(at + 1)) };
    const proxy = new RecordingProxy(server, to, record);
    server.on('connection', (client) => proxy.#accept(client));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** `host:port` to dial instead of the target. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ports by which the target knows the connections that are open. */
  get ports(): number[] {
    return [...this.#pairs].flatMap(({ target }) => target.localPort ?? []);
  }

  /** Connections accepted so far. */
  get connections(): number {
    return this.#connections;
  }

  /** All recorded bytes, or one connection's; each direction of each connection in one piece. */
  capture(only?: number): Buffer {
    const streams = new Map<string, Buffer[]>();
    for (const { connection, direction, bytes } of this.records) {
      if (only !== undefined && connection !== only) continue;
      const key = `${connection} ${direction}`;
      streams.set(key, [...(streams.get(key) ?? []), bytes]);
    }
    return Buffer.concat([...streams.values()].map((parts) => Buffer.concat(parts)));
  }

  /** Breaks every connection with a reset; new ones pass. */
  cut(): void {
    for (const { client, target } of this.#pairs) {
      client.resetAndDestroy();
      target.resetAndDestroy();
    }
    this.#pairs.clear();
  }

  /**
   * Half-open: sockets stay, nothing is forwarded any more, not even their ends. New connections
   * are accepted and as silent.
   */
  freeze(): void {
    this.#frozen = true;
  }

  /** Forwards again; what came while frozen is lost, as are connections that ended meanwhile. */
  thaw(): void {
    this.#frozen = false;
  }

  /** Stops reading from the target, for good, so that what it sends waits in its own buffers. */
  choke(): void {
    this.#choked = true;
    for (const { target } of this.#pairs) target.pause();
  }

  /** Each piece arrives this much later. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Changes pieces on their way: what it returns is sent instead, undefined drops the piece. */
  tamper(change: ((record: Recorded) => Buffer | undefined) | undefined): void {
    this.#change = change;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    const connection = this.#connections++;
    const target = connect({ ...this.#target, allowHalfOpen: true });
    const pair = { client, target };
    this.#pairs.add(pair);
    this.#pipe(connection, 'to_target', client, target);
    this.#pipe(connection, 'to_client', target, client);
    if (this.#choked) target.pause();
    for (const socket of [client, target]) {
      this.#sockets.add(socket);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#pairs.delete(pair);
      });
    }
  }

  #pipe(connection: number, direction: Recorded['direction'], from: Socket, to: Socket): void {
    from.setNoDelay(true);
    from.on('error', () => this.#forward(() => to.destroy()));
    from.on('end', () => this.#forward(() => to.end()));
    from.on('data', (bytes) => {
      const record: Recorded = { connection, direction, bytes };
      if (this.#recording) this.records.push(record);
      const sent = this.#change === undefined ? bytes : this.#change(record);
      if (sent !== undefined) this.#forward(() => to.writable && to.write(sent));
    });
  }

  #forward(work: () => void): void {
    const unlessFrozen = (): void => {
      if (!this.#frozen) work();
    };
    if (this.#delayMs === 0) unlessFrozen();
    else setTimeout(unlessFrozen, this.#delayMs);
  }
}
