/** The side that dials: TCP connect, then the handshake, both with deadlines. */
import type { NodeId } from '../secure/types.ts';
import { dial } from './dialer.ts';
import { NetError } from './errors.ts';
import { FrameSocket } from './frame-socket.ts';
import {
  initiate,
  prepareInitiator,
  type HandshakeResult,
  type HandshakeSelf,
} from './handshake.ts';
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
  const initiator = await prepareInitiator(self, expect);
  let timer: NodeJS.Timeout | undefined;
  let abort = (): void => undefined;
  try {
    const socket = await dial(address, { connectMs: tuning.connectMs, signal });
    const frames = new FrameSocket(socket, tuning, mono);
    const ms = tuning.handshakeMs;
    timer = setTimeout(() => frames.close(late(address, ms)), ms);
    abort = () => frames.close(new NetError('aborted', `joining ${address} was given up`));
    signal?.addEventListener('abort', abort, { once: true });
    return { frames, result: await initiate(frames, initiator) };
  } catch (error) {
    throw explain(address, error as NetError);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    initiator.drop();
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
  const { code, message, cause } = error;
  const hint = error.hint ?? (code === 'not_swarmplane' ? OTHER_PROGRAM : undefined);
  return new NetError(code, `'${address}': ${message}`, { cause, ...(hint && { hint }) });
}

const OTHER_PROGRAM = 'check the port: another program seems to listen there';
