/** A small client of LXD's REST API over its Unix socket (Incus has the same); it only ever reads. */
import { request } from 'node:http';

import { describeCode, errorCode, exists, hostPath } from '../lib/files.ts';
import { at, isObject, objectsAt, type Json, type JsonObject } from '../lib/json.ts';
import { timeLimit } from '../lib/time-limit.ts';
import { TableAbsentError, TableError, type CollectContext } from '../types.ts';

export type LxdContext = Pick<CollectContext, 'root' | 'signal'>;

/**
 * What a GET answers with; undefined when there is no such thing.
 * @throws TableError when LXD does not run here or does not answer as its API says
 */
export async function lxdGet(context: LxdContext, path: string): Promise<Json | undefined> {
  const { status, body } = await get(context, path);
  if (status === 404) return undefined;
  let answer: Json;
  try {
    answer = JSON.parse(body) as Json;
  } catch (cause) {
    throw new TableError(`lxd did not answer ${path} with JSON`, { cause });
  }
  if (status === 200) return at(answer, 'metadata');
  const error = isObject(answer) && typeof answer.error === 'string' ? answer.error : '';
  throw new TableError(`lxd refused ${path}: ${error || `status ${status}`}`);
}

/** The objects of a list, whole. */
export async function lxdList(context: LxdContext, path: string): Promise<JsonObject[]> {
  return objectsAt(await lxdGet(context, `${path}?recursion=1`));
}

function get(context: LxdContext, path: string): Promise<{ status: number; body: string }> {
  const socket = SOCKETS.find((one) => exists(context, one));
  if (socket === undefined)
    throw new TableAbsentError(
      `lxd does not run on this host: none of ${SOCKETS.join(', ')} is there`,
    );
  return new Promise((resolve, reject) => {
    const options = {
      socketPath: hostPath(context, socket),
      path,
      headers: { host: 'lxd' },
      signal: timeLimit(context.signal, TIMEOUT_MS),
    };
    const fail = (error: Error): void => reject(explain(error, socket, path));
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= BODY_MAX) chunks.push(chunk);
        else sent.destroy(new TableError(`lxd answered ${path} with over ${BODY_MAX} bytes`));
      });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
      });
      response.on('error', fail);
    });
    sent.on('error', fail).end();
  });
}

function explain(error: Error, socket: string, path: string): Error {
  if (error instanceof TableError) return error;
  const cause = { cause: error };
  if (error.name === 'AbortError' || error.name === 'TimeoutError')
    return new TableError(`lxd did not answer ${path} within ${TIMEOUT_MS} ms`, cause);
  return new TableError(`lxd cannot be asked: ${socket}: ${describeCode(errorCode(error))}`, cause);
}

/** Of a package, of the snap, of Incus. */
const SOCKETS = [
  '/var/lib/lxd/unix.socket',
  '/var/snap/lxd/common/lxd/unix.socket',
  '/var/lib/incus/unix.socket',
];
const TIMEOUT_MS = 4_000;
const BODY_MAX = 32 * 1024 * 1024;
