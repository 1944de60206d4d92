import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Hands every byte on after `delayMs`, both ways, in order: a long way, from a network each time another. */
export class DelayProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  #count = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(target: { host: string; port: number }, delayMs: number): Promise<DelayProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new DelayProxy(server);
    server.on('connection', (near) => {
      const localAddress = `127.0.${100 + (proxy.#count++ % 100)}.1`;
      const far = connect({ ...target, localAddress });
      proxy.#pass(near, far, delayMs);
      proxy.#pass(far, near, delayMs);
    });
    return proxy;
  }

  get at(): { host: string; port: number } {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(from: Socket, to: Socket, delayMs: number): void {
    this.#sockets.add(from);
    from.on('error', () => undefined);
    from.on('data', (bytes) => setTimeout(() => to.write(bytes), delayMs));
    from.on('close', () => {
      this.#sockets.delete(from);
      setTimeout(() => to.destroy(), delayMs);
    });
  }
}
