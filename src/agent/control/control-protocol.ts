/**
 * The control socket's messages: one request a connection, then replies until `end` or `error`.
 * Each is one frame of MessagePack. The socket is a Unix socket of mode 0600 in a folder of mode
 * 0700: who can open it is the host's owner.
 */
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { encodeFrame, FrameDecoder, pack, unpack, type Packable } from '../../wire/index.ts';
import { AgentError } from '../errors.ts';
import {
  parseItem,
  parseResult,
  type ControlRequest,
  type ItemOf,
  type OperationName,
  type ResultOf,
} from './operations.ts';
import { hasLeft, leftAt } from '../state/left-mark.ts';
import { StateFolder } from '../state/state-folder.ts';

/** Name of the socket in the state folder. */
export const CONTROL_SOCKET = 'control.sock';
/** An answer of 4 MiB and what is around it; or an EPOCH of 16,384 hosts with a full list, 1.5 MiB. */
export const CONTROL_FRAME_MAX = 5 * 1024 * 1024;
/** sun_path holds 108 bytes with its end (unix(7)). */
export const SOCKET_PATH_MAX = 107;

/** What comes back, each in a frame; `value` is an item or the result of operations.ts. */
export type ControlReply =
  | { readonly kind: 'item'; readonly value: Packable }
  | { readonly kind: 'end'; readonly value: Packable }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly message: string;
      readonly hint?: string;
    };

export function encodeRequest(request: ControlRequest): Uint8Array {
  return encodeFrame(pack(request));
}

export function encodeReply(reply: ControlReply): Uint8Array {
  return encodeFrame(pack(reply));
}

/** Messages of one socket as they arrive, with back-pressure. Ends when the other side ends. */
export async function* messagesOf(socket: Socket, maxBytes: number): AsyncGenerator<Packable> {
  const decoder = new FrameDecoder(maxBytes);
  for await (const chunk of socket) {
    for (const frame of decoder.push(chunk as Buffer)) yield unpack(frame);
  }
}

/** The operation that a request is for. */
type Named<R extends { readonly op: OperationName }> = R['op'];

/**
 * Sends a request to the agent behind `socketPath`, yields the operation's items and ends with its
 * result.
 * @throws AgentError `not_running`, `control_failed`, or what the agent answered
 */
export async function* control<R extends ControlRequest>(
  socketPath: string,
  request: R,
  signal?: AbortSignal,
): AsyncGenerator<ItemOf<Named<R>>, ResultOf<Named<R>>> {
  const socket = await open(socketPath);
  const abort = () => socket.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  const { op }: { op: Named<R> } = request;
  try {
    socket.write(encodeRequest(request));
    for await (const message of messagesOf(socket, CONTROL_FRAME_MAX)) {
      const reply = parseReply(message);
      if (reply.kind === 'end') return parseResult(op, reply.value);
      if (reply.kind === 'error') throw replyError(reply);
      yield parseItem(op, reply.value);
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

/** The result, for operations without items. @throws AgentError as `control` */
export async function controlOnce<R extends ControlRequest>(
  socketPath: string,
  request: R,
  signal?: AbortSignal,
): Promise<ResultOf<Named<R>>> {
  const replies = control(socketPath, request, signal);
  for (;;) {
    const next = await replies.next();
    if (next.done === true) return next.value;
  }
}

const REPLY = v.variant('kind', [
  v.object({ kind: v.picklist(['item', 'end']), value: v.any() }),
  v.object({
    kind: v.literal('error'),
    code: v.string(),
    message: v.string(),
    hint: v.exactOptional(v.string()),
  }),
]);

function parseReply(message: Packable): v.InferOutput<typeof REPLY> {
  const parsed = v.safeParse(REPLY, message);
  if (parsed.success) return parsed.output;
  throw new AgentError('control_failed', 'what answers on the control socket is no agent');
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
