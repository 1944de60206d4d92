/** Serves the control socket: takes one request a connection, gives its replies, one handler an op. */
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Packable } from '../../wire/index.ts';
import {
  CONTROL_FRAME_MAX,
  encodeReply,
  messagesOf,
  SOCKET_PATH_MAX,
  type ControlReply,
} from './control-protocol.ts';
import { parseRequest, type ControlRequest } from './operations.ts';
import { AgentError } from '../errors.ts';
import type { Log } from '../log.ts';

/** Yields items, returns the result. `signal` fires when the client went away. */
export type ControlHandler = (
  request: ControlRequest,
  signal: AbortSignal,
) => AsyncGenerator<Packable, Packable>;

export class ControlServer {
  readonly path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(path: string, server: Server) {
    this.path = path;
    this.#server = server;
  }

  /** @throws AgentError `already_running` or `socket_path_too_long` */
  static async start(path: string, handler: ControlHandler, log: Log): Promise<ControlServer> {
    if (Buffer.byteLength(path) > SOCKET_PATH_MAX) {
      throw new AgentError(
        'socket_path_too_long',
        `the control socket's path ${JSON.stringify(path)} is longer than ${SOCKET_PATH_MAX} bytes`,
        'choose a state folder with a shorter path with --state DIR',
      );
    }
    if (await answers(path)) {
      throw new AgentError(
        'already_running',
        `an agent is running already on ${JSON.stringify(path)}`,
        'stop it first, or start this one with another --state DIR',
      );
    }
    rmSync(path, { force: true });
    const server = createServer({ allowHalfOpen: true });
    const control = new ControlServer(path, server);
    server.on('connection', (socket) => control.#serve(socket, handler, log));
    await listen(server, path);
    chmodSync(path, 0o600);
    return control;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(socket: Socket, handler: ControlHandler, log: Log): void {
    this.#sockets.add(socket);
    const gone = new AbortController();
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#sockets.delete(socket);
      gone.abort();
    });
    serveOne(socket, handler, gone.signal).catch((error: unknown) => {
      log.debug({ error: String(error) }, 'a control connection ended early');
      socket.destroy();
    });
  }
}

async function serveOne(
  socket: Socket,
  handler: ControlHandler,
  signal: AbortSignal,
): Promise<void> {
  const messages = messagesOf(socket, CONTROL_FRAME_MAX);
  const first = await messages.next();
  if (first.done === true) {
    socket.end();
    return;
  }
  try {
    const replies = handler(parseRequest(first.value), signal);
    for (;;) {
      const { done, value } = await replies.next();
      await send(socket, { kind: done === true ? 'end' : 'item', value });
      if (done === true) break;
    }
  } catch (error) {
    await send(socket, errorReply(error));
  }
  socket.end();
}

/** Waits while the client reads slower than the swarm answers, so that memory stays bounded. */
function send(socket: Socket, reply: ControlReply): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(new Error('the client went away'));
    socket.write(encodeReply(reply), (error) => (error ? reject(error) : resolve()));
  });
}

function errorReply(error: unknown): ControlReply {
  const { code, message, hint } = error as { code?: unknown; message?: unknown; hint?: unknown };
  return {
    kind: 'error',
    code: typeof code === 'string' ? code : 'failed',
    message: typeof message === 'string' ? message : String(error),
    ...(typeof hint === 'string' ? { hint } : {}),
  };
}

/** True when somebody accepts connections there: a socket file alone may be left from a crash. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
