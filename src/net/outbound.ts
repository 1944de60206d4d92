/** The side that dials: TCP connect, then the handshake, both with deadlines. */
import { SecureError } from '../secure/index.ts';
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

/**
 * A peer in an epoch that this host was in once is shown that: who is behind is caught up, and the next
 * dial succeeds.
 * @throws NetError
 */
export async function openOutbound(
  address: string,
  self: HandshakeSelf,
  options: OutboundOptions,
): Promise<Outbound> {
  try {
    return await openOnce(address, self, options);
  } catch (error) {
    if (!knowsNoKey(error)) throw error;
    await tryEarlier(address, self, options);
    throw error;
  }
}

interface OutboundOptions {
  readonly tuning: NetTuning;
  readonly mono: () => number;
  readonly expect?: NodeId | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The peer says that it knows no key of M1; nothing proves it, so that it costs a few tries at most. */
function knowsNoKey(error: unknown): boolean {
  const { cause } = error as NetError;
  return cause instanceof SecureError && cause.code === 'wrong_epoch' && cause.fromPeer;
}

/** Under the keys of earlier epochs, the last one first, once each: one end is behind the other. */
async function tryEarlier(
  address: string,
  self: HandshakeSelf,
  options: OutboundOptions,
): Promise<void> {
  const earlier = self.secrets.epochKey === undefined ? [] : (self.secrets.previous ?? []);
  for (const under of earlier.keys()) {
    try {
      await openOnce(address, self, options, under);
    } catch (error) {
      if (!knowsNoKey(error)) throw error;
    }
  }
}

async function openOnce(
  address: string,
  self: HandshakeSelf,
  options: OutboundOptions,
  under?: number,
): Promise<Outbound> {
  const { tuning, mono, expect, signal } = options;
  const initiator = await prepareInitiator(self, expect, under);
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
