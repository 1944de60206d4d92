/**
 * The thread that J-PAKE runs in: 40 to 65 ms a side would hold up every session in the main one.
 * It holds one guard per open exchange and dies with its parent's interest (jpake-pool.ts).
 */
import { parentPort } from 'node:worker_threads';
import { JpakeGuard, SecureError, type Pake } from '../secure/index.ts';
import type { PakeCall, PakeReply } from './jpake-pool.ts';

const exchanges = new Map<number, Pake>();

parentPort?.on('message', (call: PakeCall) => {
  void answer(call).then((reply) => {
    if (reply !== undefined) parentPort?.postMessage(reply);
  });
});

async function answer(call: PakeCall): Promise<PakeReply | undefined> {
  if (call.kind === 'drop') {
    exchanges.delete(call.exchange);
    return undefined;
  }
  try {
    return { call: call.call, value: await run(call) };
  } catch (error) {
    exchanges.delete(call.exchange);
    const code = error instanceof SecureError ? error.code : undefined;
    return { call: call.call, code, message: (error as Error).message };
  }
}

function run(call: Exclude<PakeCall, { kind: 'drop' }>): Promise<Uint8Array> {
  if (call.options !== undefined) exchanges.set(call.exchange, new JpakeGuard(call.options));
  const pake = exchanges.get(call.exchange);
  if (pake === undefined) throw new SecureError('closed', 'this exchange has ended');
  const { kind, argument } = call;
  if (kind === 'round1') return pake.round1(argument);
  if (argument === undefined) throw new TypeError(`${kind} wants a message`);
  return pake[kind](argument);
}
