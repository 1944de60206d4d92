/**
 * The control socket's messages: one request a connection, then replies until `end` or `error`.
 * Each is one frame of MessagePack. The socket is a Unix socket of mode 0600 in a folder of mode
 * 0700: who can open it is the host's owner.
 */
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { encodeFrame, FrameDecoder, pack, unpack, type Packable } from '../../wire/index.ts';
import { AgentError } from '../errors.ts';
import { hasLeft, leftAt } from '../state/left-mark.ts';
import { StateFolder } from '../state/state-folder.ts';

/** Name of the socket in the state folder. */
export const CONTROL_SOCKET = 'control.sock';
/** An answer of 4 MiB and what is around it; or an EPOCH of 16,384 hosts with a full list, 1.5 MiB. */
export const CONTROL_FRAME_MAX = 5 * 1024 * 1024;
/** sun_path holds 108 bytes with its end (unix(7)). */
export const SOCKET_PATH_MAX = 107;

export type ControlRequest =
  | { readonly op: 'status' }
  /** What `swarmplane doctor` looks at, see health.ts. */
  | { readonly op: 'health' }
  /** `all`: those that were forgotten or expelled, too. */
  | { readonly op: 'nodes'; readonly all?: boolean }
  | { readonly op: 'forget'; readonly node: string }
  | { readonly op: 'leave' }
  /** Takes the next identity key of this host into use. */
  | { readonly op: 'rotate-key' }
  /** The key list of a host as this one has pinned it. */
  | { readonly op: 'key-list'; readonly node: string }
  /** The node id of a host that is named, whatever its state. */
  | { readonly op: 'resolve'; readonly node: string }
  /** Hands a certificate or another record of the operator to the agent, as signed. */
  | { readonly op: 'install'; readonly bytes: Uint8Array }
  /** Hands over records that belong together, with the parts of the EPOCH among them: all or nothing. */
  | {
      readonly op: 'install';
      readonly records: readonly Uint8Array[];
      readonly parts: readonly Uint8Array[];
    }
  /** The members by id, 500 at once behind `after`, and what a record of the operator must fit. */
  | { readonly op: 'records'; readonly after?: string }
  /** The join tokens of the present epoch. */
  | { readonly op: 'tokens' }
  /** What hubs may start here, what they started, and what this host may start elsewhere. */
  | { readonly op: 'actions' }
  | { readonly op: 'explain'; readonly sql: string }
  | {
      readonly op: 'query';
      readonly sql: string;
      readonly hosts?: readonly string[];
      readonly timeoutMs: number;
    };

/** What comes back, each in a frame; `value` depends on the request. */
export type ControlReply =
  | { readonly kind: 'item'; readonly value: Packable }
  | { readonly kind: 'end'; readonly value?: Packable }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly message: string;
      readonly hint?: string;
    };

export function encodeMessage(message: ControlRequest | ControlReply): Uint8Array {
  return encodeFrame(pack(message as unknown as Packable));
}

/** Messages of one socket as they arrive, with back-pressure. Ends when the other side ends. */
export async function* messagesOf(socket: Socket, maxBytes: number): AsyncGenerator<Packable> {
  const decoder = new FrameDecoder(maxBytes);
  for await (const chunk of socket) {
    for (const frame of decoder.push(chunk as Buffer)) yield unpack(frame);
  }
}

/**
 * Sends a request to the agent behind `socketPath` and yields its replies' values.
 * @throws AgentError `not_running`, or what the agent answered
 */
export async function* control(
  socketPath: string,
  request: ControlRequest,
  signal?: AbortSignal,
): AsyncGenerator<Packable, Packable | undefined> {
  const socket = await open(socketPath);
  const abort = () => socket.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    socket.write(encodeMessage(request));
    for await (const message of messagesOf(socket, CONTROL_FRAME_MAX)) {
      const reply = message as unknown as ControlReply;
      if (reply.kind === 'end') return reply.value;
      if (reply.kind === 'error') throw replyError(reply);
      yield reply.value;
    }
    throw new AgentError(
      'control_failed',
      'the agent closed the connection before its answer ended',
    );
  } finally {
    signal?.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** For requests with one reply: its value. @throws AgentError */
export async function controlOnce(
  socketPath: string,
  request: ControlRequest,
  signal?: AbortSignal,
): Promise<Packable> {
  const replies = control(socketPath, request, signal);
  for (;;) {
    const next = await replies.next();
    if (next.done === true) return next.value ?? null;
  }
}

function replyError(reply: Extract<ControlReply, { kind: 'error' }>): AgentError {
  const error = new AgentError('control_failed', reply.message, reply.hint);
  Object.defineProperty(error, 'code', { value: reply.code });
  return error;
}

function open(socketPath: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.off('error', fail);
      // Errors after this end the iteration over the socket, which reports them.
      socket.on('error', () => {});
      resolve(socket);
    });
    const fail = (error: NodeJS.ErrnoException) => reject(connectError(socketPath, error));
    socket.once('error', fail);
  });
}

function connectError(socketPath: string, error: NodeJS.ErrnoException): AgentError {
  if (error.code === 'EACCES') {
    return new AgentError(
      'not_running',
      `no permission to open ${JSON.stringify(socketPath)}`,
      'run as the user that runs the agent',
      { cause: error },
    );
  }
  const state = StateFolder.existing(dirname(socketPath));
  const left = leftAt(state);
  if (left !== undefined) return hasLeft(state, left);
  return new AgentError(
    'not_running',
    `no agent answers at ${JSON.stringify(socketPath)}`,
    'start one with `swarmplane up`, or name its state folder with --state DIR',
    { cause: error },
  );
}
