/**
 * The HTTP endpoint: GET /metrics for Prometheus, GET /healthz for whoever restarts processes. Two
 * fixed paths and no body: node:http does that alone.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatAddress, type Log } from '../agent/index.ts';
import { WebError } from './errors.ts';
import { Metrics, type FiguresSource } from './metrics.ts';

export interface WebOptions {
  /** Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly source: FiguresSource;
  readonly log: Log;
}

export class WebServer {
  readonly #server: Server;

  /** @throws WebError `port_in_use` | `address_unavailable` */
  static async start(options: WebOptions): Promise<WebServer> {
    const { listen, source, log } = options;
    const metrics = new Metrics(source);
    const server = createServer(
      { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, keepAliveTimeout: REQUEST_MS },
      (request, response) => {
        answer(metrics, request, response).catch((error: unknown) => {
          log.error({ err: error }, 'a scrape failed');
          say(response, 500, 'the metrics cannot be told: see the log\n');
        });
      },
    );
    server.maxConnections = CONNECTIONS_MAX;
    await listening(server, listen);
    const web = new WebServer(server);
    log.info({ address: formatAddress(web.address) }, 'metrics are served');
    if (!isLoopback(web.address.host)) {
      log.warn(
        { address: formatAddress(web.address) },
        'whoever reaches this address reads metrics',
      );
    }
    return web;
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  get address(): { host: string; port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

const REQUEST_MS = 10_000;
const CONNECTIONS_MAX = 16;

async function answer(
  metrics: Metrics,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A body is nobody's business here.
  request.resume();
  const path = (request.url ?? '').split('?')[0];
  if (path !== '/metrics' && path !== '/healthz') {
    return say(response, 404, 'there is /metrics and /healthz\n');
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return say(response, 405, 'GET only\n');
  }
  // That it answers is the whole news: a database that is away is no reason to restart an agent.
  if (path === '/healthz') return say(response, 200, 'ok\n');
  say(response, 200, await metrics.text(), metrics.contentType);
}

function say(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}

function listening(server: Server, { host, port }: WebOptions['listen']): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explained(error, host, port)));
    server.listen(port, host, resolve);
  });
}

function explained(error: NodeJS.ErrnoException, host: string, port: number): WebError {
  const where = formatAddress({ host, port });
  const code = error.code === 'EADDRINUSE' ? 'port_in_use' : 'address_unavailable';
  const what = code === 'port_in_use' ? 'is in use' : `cannot be used: ${error.message}`;
  return new WebError(code, `${where}, where metrics are to be served, ${what}`, {
    cause: error,
    hint: 'change metrics: {listen: ..} in the configuration, or take it out',
  });
}
