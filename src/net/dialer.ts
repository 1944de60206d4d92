/** TCP connects with a deadline and clear errors. */
import { connect, type Socket } from 'node:net';
import { dialledAddress } from './address.ts';
import { NetError } from './errors.ts';

/**
 * A connected, paused socket.
 * @throws NetError `bad_address` | `unreachable` | `timeout` | `aborted`
 */
export async function dial(
  address: string,
  options: { connectMs: number; signal?: AbortSignal | undefined },
): Promise<Socket> {
  const { host, port } = dialledAddress(address);
  const { connectMs, signal } = options;
  if (signal?.aborted) throw new NetError('aborted', `dialling ${address} was given up`);
  const socket = connect({ host, port });
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(timeout(address, connectMs)), connectMs);
      const abort = (): void => reject(new NetError('aborted', `dialling ${address} was given up`));
      signal?.addEventListener('abort', abort, { once: true });
      const settle = (then: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        then();
      };
      socket.once('connect', () => settle(resolve));
      socket.once('error', (cause) => settle(() => reject(unreachable(address, cause))));
    });
    return socket;
  } catch (error) {
    socket.on('error', () => undefined);
    socket.destroy();
    throw error;
  }
}

function timeout(address: string, ms: number): NetError {
  return new NetError('timeout', `no answer from '${address}' within ${ms} ms`, {
    hint: 'check the address and that a firewall lets the port through',
  });
}

function unreachable(address: string, cause: Error & { code?: string }): NetError {
  const hint =
    cause.code === 'ECONNREFUSED'
      ? 'nothing listens there: check the port, and that swarmplane runs on that host'
      : cause.code === 'ENOTFOUND'
        ? 'no such host name: check the spelling'
        : 'check the address and the network';
  return new NetError('unreachable', `cannot reach '${address}': ${cause.message}`, {
    cause,
    hint,
  });
}
