/** A stand-in for PgBouncer: passes everything on, but its BackendKeyData ('K') is of its own making. */
import { onTestFinished } from 'vitest';
import { RecordingProxy } from '../../helpers/recording-proxy.ts';

/**
 * `host:port` to connect to in place of the server on `port`. In transaction mode LISTEN is taken
 * and told nobody.
 */
export async function startPooler(port: number, mode: 'session' | 'transaction'): Promise<string> {
  const proxy = await RecordingProxy.start(`127.0.0.1:${port}`, { record: false });
  onTestFinished(() => proxy.stop());
  proxy.tamper(({ direction, bytes }) => {
    if (direction === 'to_client') {
      const at = bytes.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
      if (at >= 0) bytes.writeInt32BE(987_654, at + 5);
    } else if (mode === 'transaction') {
      const at = bytes.indexOf('listen ');
      // the same length: another channel
      if (at >= 0) bytes.write('listen x', at);
    }
    return bytes;
  });
  return proxy.address;
}
