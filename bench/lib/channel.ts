/** What the session bench compares: two open ends of one loopback connection, however secured. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface End {
  send(message: Uint8Array): void;
  /** Bytes of message that came, without any framing. */
  onBytes: ((count: number) => void) | undefined;
  close(): void;
}

/** Something that can be opened again and again. */
export interface Peers {
  open(): Promise<{ client: End; server: End }>;
  stop(): Promise<void>;
}

/** Plain TCP: the floor of the round trip. */
export async function rawPeers(): Promise<Peers> {
  const listener = await listening(createServer());
  return {
    async open() {
      const [server, client] = await socketPair(listener);
      return { client: socketEnd(client), server: socketEnd(server) };
    },
    stop: () => closed(listener),
  };
}

export async function listening<S extends Server>(server: S): Promise<S> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

/** An accepted socket and its dialled other end. Pairs are told apart by the dialled end's port. */
export async function socketPair(listener: Server): Promise<[Socket, Socket]> {
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const server = new Promise<Socket>((resolve) => {
    const take = (socket: Socket): void => {
      if (socket.remotePort !== client.localPort) return;
      listener.off('connection', take);
      resolve(socket);
    };
    listener.on('connection', take);
  });
  await once(client, 'connect');
  return [await server, client];
}

export function socketEnd(socket: Socket): End {
  socket.setNoDelay(true);
  // The other end goes first, with a reset if it likes.
  socket.on('error', () => undefined);
  const end: End = {
    send: (message) => void socket.write(message),
    onBytes: undefined,
    close: () => socket.destroy(),
  };
  socket.on('data', (chunk) => end.onBytes?.(chunk.length));
  return end;
}
