/** The side that dials: TCP connect, then the handshake, both with deadlines. */
import type { NodeId } from '../secure/types.ts';
import { dial } from './dialer.ts';
import { NetError } from './errors.ts';
import { FrameSocket } from './frame-socket.ts';
import { initiate, type HandshakeResult, type HandshakeSelf } from './handshake.ts';
import type { NetTuning } from './tuning.ts';

export interface Outbound {
  readonly frames: FrameSocket;
  readonly result: HandshakeResult;
}

/** @throws NetError */
export async function openOutbound(
  address: string,
  self: HandshakeSelf,
  options: {
    tuning: NetTuning;
    mono: () => number;
    expect?: NodeId | undefined;
    signal?: AbortSignal | undefined;
  },
): Promise<Outbound> {
  const { tuning, mono, expect, signal } = options;
  const socket = await dial(address, { connectMs: tuning.connectMs, signal });
  const frames = new FrameSocket(socket, tuning, mono);
  const abort = (): void =>
    frames.close(new NetError('aborted', `joining ${address} was given up`));
  const timer = setTimeout(
    () => frames.close(late(address, tuning.handshakeMs)),
    tuning.handshakeMs,
  );
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return { frames, result: await initiate(frames, self, expect) };
  } catch (error) {
    throw explain(address, error as NetError);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

function late(address: string, ms: number): NetError {
  return new NetError(
    'timeout',
    `'${address}' accepted the connection but ended no handshake within ${ms} ms`,
    {
      hint: 'check that swarmplane runs at that port and is not overloaded',
    },
  );
}

/** Puts the address that was dialled into the sentence. */
function explain(address: string, error: NetError): NetError {
  if (error.message.includes(address)) return error;
  const { code, message, hint, cause } = error;
  return new NetError(code, `'${address}': ${message}`, { cause, ...(hint && { hint }) });
}
