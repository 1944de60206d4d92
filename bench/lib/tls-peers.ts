/** TLS 1.3 with certificates on both sides, through node:tls: full, or resumed by ticket. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { connect, createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { closed, listening, socketEnd, type Peers } from './channel.ts';

const TLS13 = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;

export async function tlsPeers(kind: 'full' | 'resumed'): Promise<Peers> {
  const material = certificate();
  const listener = createServer({ ...TLS13, ...material, requestCert: true });
  await listening(listener);
  const { port } = listener.address() as AddressInfo;
  const secureContext = createSecureContext({ ...TLS13, ...material });
  let ticket: Buffer | undefined;
  const open = async (): Promise<[TLSSocket, TLSSocket]> => {
    const client = connect({
      port,
      host: '127.0.0.1',
      secureContext,
      servername: 'localhost',
      ...(ticket && { session: ticket }),
    });
    const server = acceptedFor(listener, client);
    await once(client, 'secureConnect');
    if (!client.authorized) throw new Error(`not authorized: ${client.authorizationError}`);
    return [await server, client];
  };
  if (kind === 'resumed') ticket = await firstTicket(open);
  return {
    async open() {
      const [server, client] = await open();
      if (client.isSessionReused() !== (kind === 'resumed')) throw new Error(`not ${kind}`);
      if (!server.authorized)
        throw new Error(`client not authorized: ${server.authorizationError}`);
      return { client: socketEnd(client), server: socketEnd(server) };
    },
    stop: () => closed(listener),
  };
}

/** With TLS 1.3 the client is done before the server has checked it: both are waited for. */
function acceptedFor(
  listener: ReturnType<typeof createServer>,
  client: TLSSocket,
): Promise<TLSSocket> {
  return new Promise((resolve) => {
    const take = (socket: TLSSocket): void => {
      if (socket.remotePort !== client.localPort) return;
      listener.off('secureConnection', take);
      resolve(socket);
    };
    listener.on('secureConnection', take);
  });
}

async function firstTicket(open: () => Promise<[TLSSocket, TLSSocket]>): Promise<Buffer> {
  const [server, client] = await open();
  const tickets = once(client, 'session') as Promise<[Buffer]>;
  server.write('x');
  client.resume();
  const [ticket] = await tickets;
  client.destroy();
  server.destroy();
  return ticket;
}

/** A self-signed P-256 certificate that both sides use and trust: no chain to walk. */
function certificate(): { key: Buffer; cert: Buffer; ca: Buffer } {
  const folder = mkdtempSync(`${tmpdir()}/swarmplane-bench-`);
  try {
    const args = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2`;
    const files = ['-keyout', `${folder}/key.pem`, '-out', `${folder}/cert.pem`];
    const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    execFileSync('openssl', [...args.split(' '), ...files, ...name], { stdio: 'pipe' });
    const cert = readFileSync(`${folder}/cert.pem`);
    return { key: readFileSync(`${folder}/key.pem`), cert, ca: cert };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
