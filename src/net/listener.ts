/** The listening socket, with errors at start that say what to do. */
import { createServer, type Server, type Socket } from 'node:net';
import { NetError } from './errors.ts';
import type { Address } from '../base/index.ts';

export class Listener {
  readonly address: Address;
  readonly #server: Server;

  private constructor(server: Server, address: Address) {
    this.#server = server;
    this.address = address;
  }

  /** @throws NetError `port_in_use` | `address_unavailable` */
  static async open(wanted: Address): Promise<Listener> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(startError(wanted, error)));
      server.listen({ host: wanted.host, port: wanted.port, backlog: BACKLOG }, resolve);
    });
    // Running out of descriptors fails single accepts; listening goes on.
    server.on('error', () => undefined);
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : wanted.port;
    return new Listener(server, { host: wanted.host, port });
  }

  /** To be called at once after `open`, before the event loop goes round. */
  accept(accept: (socket: Socket) => void): void {
    this.#server.on('connection', accept);
  }

  /** Stops accepting. Accepted sockets are the owner's to close. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

/** Room for what arrives while this process is held up; the kernel may allow less. */
const BACKLOG = 4_096;

function startError(wanted: Address, cause: Error & { code?: string }): NetError {
  const where = `${wanted.host}:${wanted.port}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new NetError('port_in_use', `cannot listen on '${where}': the port is in use`, {
        cause,
        hint: 'stop the other program (perhaps another swarmplane) or set another port under listen',
      });
    case 'EACCES':
      return new NetError('address_unavailable', `cannot listen on '${where}': not permitted`, {
        cause,
        hint: 'ports below 1024 need root: set a higher port under listen',
      });
    default:
      return new NetError('address_unavailable', `cannot listen on '${where}': ${cause.message}`, {
        cause,
        hint: 'set listen to an address of this host, or to 0.0.0.0 for all of them',
      });
  }
}
