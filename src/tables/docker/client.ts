/** A small client of Docker's HTTP API over its Unix socket; it only ever reads (GET). */
import { request } from 'node:http';

import { describeCode, errorCode, hostPath } from '../lib/files.ts';
import { TableAbsentError, TableError, type CollectContext } from '../types.ts';
import { isObject, type Json } from '../lib/json.ts';
import { timeLimit } from '../lib/time-limit.ts';

export type DockerContext = Pick<CollectContext, 'root' | 'signal'>;

/**
 * The answer to a GET, parsed; undefined when there is no such thing (404) or it is not running
 * (409), as when it ended since it was listed.
 * @throws TableError when Docker is not running or does not answer as its API says
 */
export async function dockerGet(context: DockerContext, path: string): Promise<Json | undefined> {
  const { status, body } = await get(context, path);
  if (status === 404 || status === 409) return undefined;
  let value: Json;
  try {
    value = JSON.parse(body) as Json;
  } catch (cause) {
    throw new TableError(`docker did not answer ${path} with JSON`, { cause });
  }
  if (status === 200) return value;
  const message = isObject(value) && typeof value.message === 'string' ? value.message : '';
  throw new TableError(`docker refused ${path}: ${message || `status ${status}`}`);
}

function get(context: DockerContext, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const options = {
      socketPath: hostPath(context, SOCKET),
      path,
      headers: { host: 'docker' },
      signal: timeLimit(context.signal, TIMEOUT_MS),
    };
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= BODY_MAX) chunks.push(chunk);
        else sent.destroy(new TableError(`docker answered ${path} with over ${BODY_MAX} bytes`));
      });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
      });
      response.on('error', (error) => reject(explain(error, path)));
    });
    sent.on('error', (error) => reject(explain(error, path)));
    sent.end();
  });
}

function explain(error: Error, path: string): Error {
  if (error instanceof TableError) return error;
  if (error.name === 'AbortError' || error.name === 'TimeoutError') {
    return new TableError(`docker did not answer ${path} within ${TIMEOUT_MS} ms`, {
      cause: error,
    });
  }
  const reason = CODE_WORDS[errorCode(error)] ?? describeCode(errorCode(error));
  const Missing = errorCode(error) === 'ENOENT' ? TableAbsentError : TableError;
  return new Missing(`docker is not running: ${SOCKET}: ${reason}`, { cause: error });
}

const SOCKET = '/var/run/docker.sock';
const TIMEOUT_MS = 4_000;
const BODY_MAX = 32 * 1024 * 1024;
const CODE_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'nobody listens on it',
  ENOTSOCK: 'it is no socket',
};
