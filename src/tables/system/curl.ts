/** curl: what web servers answer, asked from this host. */
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';

import { bigint, integer, text } from '../lib/columns.ts';
import { eqTexts } from '../lib/constraints.ts';
import { timeLimit } from '../lib/time-limit.ts';
import { TableError, type CollectContext, type Row, type SnapshotTable } from '../types.ts';
import { allowedHosts, requireAllowed } from './asked-hosts.ts';

export const curl: SnapshotTable = {
  name: 'curl',
  description:
    'Answer of a web server to GET, asked from this host; only of those that this host’s own config.yaml ' +
    'allows (curl_hosts: [intranet.example, "10.0.0.5:8080"]). Redirects are not followed.',
  kind: 'snapshot',
  cost: 'expensive',
  sensitive: true,
  key: ['url', 'user_agent'],
  columns: [
    text('url', 'Address to ask, http or https.', { required: true, index: true, steers: true }),
    text('method', 'Method of the request: GET.'),
    text('user_agent', 'User agent to send; osquery unless the query gives one.', {
      additional: true,
      steers: true,
    }),
    integer('response_code', 'HTTP status; NULL if no answer came.'),
    bigint('round_trip_time', 'From the request to the end of the answer, microseconds.'),
    bigint('bytes', 'Bytes of the answer’s body.'),
    text('result', 'The body, its first MiB.'),
  ],
  collect(context): Promise<Row[]> {
    const allowed = allowedHosts(context);
    const [agent = USER_AGENT] = eqTexts(context, 'user_agent') ?? [];
    const urls = eqTexts(context, 'url') ?? [];
    return Promise.all(urls.map((url) => rowOf(context, allowedUrl(url, allowed), url, agent)));
  },
};

/** @throws TableError for an address that is none, or of a host that is not allowed */
function allowedUrl(text: string, allowed: readonly string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new TableError(
      `${JSON.stringify(text)} is no address that can be asked: it must begin with http:// or https://`,
    );
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  requireAllowed(allowed, { hostname: url.hostname, port, shown: text });
  return url;
}

async function rowOf(context: CollectContext, url: URL, text: string, agent: string): Promise<Row> {
  const begun = performance.now();
  try {
    const { status, body, bytes } = await ask(context, url, agent);
    if (bytes > body.length) context.warn(`${text}: only the first ${BODY_MAX} bytes are shown`);
    const round_trip_time = Math.round((performance.now() - begun) * 1000);
    const answer = { response_code: status, round_trip_time, bytes, result: body.toString('utf8') };
    return { url: text, method: 'GET', user_agent: agent, ...answer };
  } catch (error) {
    context.signal.throwIfAborted();
    context.warn(`${text}: no answer: ${(error as Error).message}`);
    return { url: text, method: 'GET', user_agent: agent };
  }
}

interface Answer {
  readonly status: number | null;
  readonly body: Buffer;
  readonly bytes: number;
}

function ask(context: CollectContext, url: URL, agent: string): Promise<Answer> {
  const signal = timeLimit(context.signal, TIMEOUT_MS);
  const options = {
    headers: { 'user-agent': agent, accept: '*/*' },
    signal,
    // A connection of its own, which ends with the answer.
    agent: false as const,
  };
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      const late = `not all of it came within ${TIMEOUT_MS} ms`;
      reject(signal.aborted ? new Error(late, { cause }) : cause);
    };
    const take = (response: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let [bytes, kept] = [0, 0];
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (kept >= BODY_MAX) return;
        chunks.push(chunk.subarray(0, BODY_MAX - kept));
        kept += chunks.at(-1)!.length;
      });
      response.on('error', fail);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? null, body: Buffer.concat(chunks), bytes }),
      );
    };
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    send(url, options, take).on('error', fail).end();
  });
}

/** As osquery's table sends it. */
const USER_AGENT = 'osquery';
const TIMEOUT_MS = 4_000;
const BODY_MAX = 1024 * 1024;
